import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { openProfileBody, sealSalted } from '../protocol/envelope/mod.ts'
import { basicAuthorization, digestAuthorization, parseAuthChallenges } from '../protocol/http/mod.ts'
import type { MacAddress } from '../protocol/identity.ts'
import { assert } from '../protocol/result.ts'
import type { FetchRequest, ProvenCertificate } from './fetch/mod.ts'
import { type Delivery, serveFetch, WRONG_TOKENS_MAX } from './nps/mod.ts'
import { createSecrets, listReports, loadDeviceFacts, viewDevice } from './store/mod.ts'
import {
  certificateOf,
  certifiedFetch,
  freshMac,
  openTestPlatform,
  plantSecretsOf,
  PN,
  requestOf,
  serialFor,
  textOf,
} from './testing.ts'
import { init, providerOn, valuesOf } from './testing-provider.ts'

const clock = { aheadMs: 0 }
const { platform } = await openTestPlatform({ now: () => Date.now() + clock.aheadMs })
const { db, vault } = platform
const { accountWith, codeOf, heard, bound, eventsOf, end } = providerOn(platform)

describe('sealed delivery', () => {
  const openedBy = (key: string, delivery: Delivery) => {
    assert(delivery.kind === 'bytes', 'bytes were delivered')
    const opened = openProfileBody(delivery.bytes, { key, maxBytes: 1_000_000 })
    assert(opened.ok, 'the key opens the file')
    return valuesOf({ kind: 'bytes', contentType: '', bytes: opened.value })
  }
  const plainGet = (target: string, more: Partial<FetchRequest> = {}) =>
    serveFetch(platform.context, requestOf(target, { door: 'http', ...more }))

  it('goes to whoever asks by the path, opens with the device’s key only, and carries no key', async () => {
    const { mac, profile } = await bound({ delivery: 'sealed' })
    expect(profile.get('Profile_Rule')).toMatch(
      /^\[--key \$SA\] http:\/\/prov\.example\.com\/s\/[0-9a-f]{32}\.cfg\?k=1&v=\$P/,
    )
    const path = (await viewDevice(db, mac))?.profile_path ?? ''
    const sealed = await plainGet(`/s/${path}.cfg?k=1`)
    const values = openedBy(profile.get('GPP_SA') ?? '', sealed)
    expect(values.get('GPP_P')).toBe(profile.get('GPP_P'))
    expect([values.has('GPP_SA'), values.has('GPP_SB')]).toEqual([false, false])
    expect(textOf(await plainGet(`/s/${path}.cfg?k=1`))).toBe(textOf(sealed))
    expect((await plainGet(`/s/${path}.cfg?k=2`)).kind).toBe('refusal')
    expect((await plainGet(`/s/${'0'.repeat(32)}.cfg`)).kind).toBe('refusal')
    await platform.flush()
    expect(await viewDevice(db, mac)).toMatchObject({
      believed_from: '192.0.2.7',
      claimed_from: '192.0.2.7',
      key_confirmed: 0,
    })
  })

  it('has its key confirmed over TLS by the acknowledgement', async () => {
    const { mac, profile } = await bound({ delivery: 'sealed' })
    const rule = profile.get('Profile_Rule_B') ?? ''
    expect(rule).toContain('&k=1')
    await certifiedFetch(platform, `/cisco-ack?v=${profile.get('GPP_P')}&k=1`, mac)
    expect((await viewDevice(db, mac))?.key_confirmed).toBe(1)
  })

  it('after a release the farewell is sealed, until the phone came over TLS', async () => {
    const { mac, profile } = await bound({ delivery: 'sealed' })
    const path = (await viewDevice(db, mac))?.profile_path ?? ''
    await end(mac, 'release')
    for (let time = 0; time < 2; time++) {
      const values = openedBy(profile.get('GPP_SA') ?? '', await plainGet(`/s/${path}.cfg?k=1`))
      expect([values.get('Line_Enable_1_'), values.get('GPP_SA')]).toEqual(['No', ''])
      expect(values.get('Profile_Rule')).toMatch(/^https:/)
    }
    expect((await certifiedFetch(platform, '/cisco-init', mac)).kind).toBe('bytes')
    expect((await plainGet(`/s/${path}.cfg?k=1`)).kind).toBe('refusal')
  })

  it('after a release and a new binding the old key opens nothing', async () => {
    const { mac, profile } = await bound({ delivery: 'sealed' })
    const path = (await viewDevice(db, mac))?.profile_path ?? ''
    await end(mac, 'release')
    const other = await accountWith({ settings: { delivery: 'sealed' } })
    await certifiedFetch(platform, init(await codeOf(other.id)), mac)
    expect((await plainGet(`/s/${path}.cfg?k=1`)).kind).toBe('refusal')
    const sealed = await plainGet(`/s/${path}.cfg?k=2`)
    assert(sealed.kind === 'bytes', 'the new key is served')
    expect(openProfileBody(sealed.bytes, { key: profile.get('GPP_SA') ?? '', maxBytes: 1_000_000 }).ok).toBe(false)
  })

  it('a sealed report is believed by its key; its peer and kind are kept, its text is not shown', async () => {
    const { account, mac, profile } = await bound({ delivery: 'sealed' })
    const path = (await viewDevice(db, mac))?.profile_path ?? ''
    const text = new TextEncoder().encode(
      '<flat-status><Software_Version>sip88xx.12-0-3</Software_Version></flat-status>',
    )
    const body = sealSalted(text, profile.get('GPP_SA') ?? '', randomBytes(8))
    expect((await plainGet(`/report/${path}`, { method: 'PUT', door: 'tftp', body })).kind).toBe('empty')
    expect((await plainGet(`/report/${path}`, { method: 'PUT', body: text })).kind).toBe('refusal')
    await platform.flush()
    expect(await viewDevice(db, mac)).toMatchObject({ firmware: 'sip88xx.12-0-3', key_confirmed: 1 })
    expect(await listReports(db, mac, account.id)).toMatchObject([{ kind: 'status', trust: 'sealed' }])
  })
})

describe('credentialed delivery [MPP §11.3]', () => {
  const TARGET = '/cisco-init?v=$P&auth=1'
  const get = (authorization?: string, more: Partial<FetchRequest> = {}) =>
    serveFetch(platform.context, requestOf(TARGET, { authorization, ...more }))

  async function digest(mac: MacAddress, password: string): Promise<string> {
    const challenged = await get()
    assert(challenged.kind === 'challenge', 'without credentials they are asked for')
    const [challenge] = parseAuthChallenges(challenged.header)
    assert(challenge?.scheme === 'digest', 'digest is asked for')
    return digestAuthorization(challenge.challenge, {
      username: mac,
      password,
      method: 'GET',
      uri: TARGET,
      cnonce: 'ab',
      nonceCount: 1,
    })
  }

  it('by digest and by basic gives the own profile, where the account allows it', async () => {
    const { mac, profile } = await bound({ credentialed: true })
    expect(profile.get('Profile_Rule')).toMatch(/^\[--uid \$MA --pwd \$SB\] https:.*&auth=1$/)
    const password = profile.get('GPP_SB') ?? ''
    expect((await get(await digest(mac, password))).kind).toBe('bytes')
    expect((await get(basicAuthorization(mac, password))).kind).toBe('bytes')
    expect((await get(basicAuthorization(mac, password), { door: 'http' })).kind).toBe('refusal')
    expect((await get(await digest(mac, 'wrong-wrong'))).kind).toBe('refusal')
    expect((await get(await digest(freshMac(), password))).kind).toBe('refusal')
  })

  it('is refused where the account does not allow it', async () => {
    const { mac, profile } = await bound()
    expect((await get(basicAuthorization(mac, profile.get('GPP_SB') ?? ''))).kind).toBe('refusal')
  })

  it('an answer to an old challenge is asked for again, as stale', async () => {
    const { mac, profile } = await bound({ credentialed: true })
    const authorization = await digest(mac, profile.get('GPP_SB') ?? '')
    clock.aheadMs = 6 * 60_000
    try {
      const challenged = await get(authorization)
      expect(challenged.kind === 'challenge' && challenged.header).toMatch(/stale=true/i)
    } finally {
      clock.aheadMs = 0
    }
    const foreign = authorization.replace(/nonce="[^"]*"/, 'nonce="18c-0123"')
    expect((await get(foreign)).kind).toBe('refusal')
  })
})

describe('keys', () => {
  it('the older key is dropped only when a believed request names the new one', async () => {
    const { mac } = await bound()
    const device = await loadDeviceFacts(db, vault, mac)
    assert(device?.secrets !== undefined, 'a bound device has secrets')
    // What a rotation does: a new generation beside the old one.
    await db.transaction(async (tx) => {
      await tx.run({ name: 'test-rotate', text: 'update device set key_issued = 2 where mac = $1', values: [mac] })
      await createSecrets(tx, vault, mac, 2)
      await tx.notify('offhook_change', JSON.stringify({ kind: 'device', mac }))
    })
    await heard(platform)
    await plantSecretsOf(platform)
    const generations = async () =>
      [...((await loadDeviceFacts(db, vault, mac))?.secrets?.profileKeys.keys() ?? [])].toSorted((a, b) => a - b)
    const path = device.device.profilePath
    await serveFetch(platform.context, requestOf(`/s/${path}.cfg?k=2`, { door: 'http' }))
    expect(await generations()).toEqual([1, 2])
    const old = await serveFetch(platform.context, requestOf(`/s/${path}.cfg?k=1`, { door: 'http' }))
    expect(old.kind).toBe('bytes')
    await certifiedFetch(platform, '/cisco-init?k=2', mac)
    expect(await generations()).toEqual([2])
    expect((await viewDevice(db, mac))?.key_confirmed).toBe(2)
  })
})

describe('guessing', () => {
  it('a certificate that sent 20 wrong codes is locked out for an hour, with the right one too', async () => {
    const code = await codeOf((await accountWith()).id)
    const mac = freshMac()
    for (let time = 0; time < WRONG_TOKENS_MAX; time++) {
      expect((await certifiedFetch(platform, `/cisco-init/wrong-${time}`, mac)).kind).toBe('refusal')
    }
    expect((await certifiedFetch(platform, init(code), mac)).kind).toBe('refusal')
    expect((await certifiedFetch(platform, init(code), freshMac())).kind).toBe('bytes')
    const next = await codeOf((await accountWith()).id, { ttlSeconds: 7200 })
    clock.aheadMs = 3_600_001
    try {
      expect((await certifiedFetch(platform, init(next), mac)).kind).toBe('bytes')
    } finally {
      clock.aheadMs = 0
    }
  })

  it('claims of one address fill no timeline: beyond the bound nothing is noted', async () => {
    const { mac } = await bound()
    const path = (await viewDevice(db, mac))?.profile_path ?? ''
    for (let time = 0; time < 200; time++) {
      await serveFetch(platform.context, requestOf(`/s/${path}.cfg?k=9`, { door: 'http', peer: '198.51.100.9' }))
    }
    const refused = (await eventsOf(mac)).filter((name) => name === 'fetch.refused').length
    expect(refused).toBeGreaterThan(10)
    expect(refused).toBeLessThan(100)
  })
})

describe('RC [MPP §9.2]', () => {
  const ask = (mac: MacAddress, by: MacAddress | undefined, more: Partial<ProvenCertificate> = {}) => {
    const certificate = by === undefined ? undefined : certificateOf(by, more)
    return serveFetch(
      platform.context,
      requestOf(
        `/software/edos/callhome/rc?id=${mac.toUpperCase()}:${serialFor(mac)}:${PN}&sw=x&orig=orig_mpp&authstatus=none`,
        { certificate },
      ),
    )
  }

  it('an owned phone learns its rule, without code or secret; an unowned one gets the empty 200', async () => {
    const { mac } = await bound()
    expect([...valuesOf(await ask(mac, mac)).keys()]).toEqual(['Profile_Rule'])
    const unknown = freshMac()
    expect((await ask(unknown, unknown)).kind).toBe('empty')
    expect(await eventsOf(mac)).toContain('rc.redirected')
    expect(await eventsOf(unknown)).toEqual(['rc.unowned'])
  })

  it('a merely claimed MAC gets nothing unless the account allows it', async () => {
    const { mac } = await bound()
    expect((await ask(mac, undefined)).kind).toBe('empty')
    const open = await bound({ rcForClaimed: true })
    expect((await ask(open.mac, undefined)).kind).toBe('bytes')
  })

  it('under another CA it gets nothing, is not believed, and raises an event', async () => {
    const { mac } = await bound()
    expect((await ask(mac, mac, { caFingerprint: 'b'.repeat(64) })).kind).toBe('empty')
    expect(await eventsOf(mac)).toContain('identity.wrong-ca')
  })
})
