import { describe, expect, it } from 'vitest'
import { assert } from '../protocol/result.ts'
import type { MacAddress } from '../protocol/identity.ts'
import type { ProvenCertificate } from './fetch/mod.ts'
import { serveFetch } from './nps/mod.ts'
import {
  confirmDevice,
  createCode,
  endDevice,
  loadDeviceFacts,
  openWindow,
  registerDevice,
  revealLinePassword,
  revokeCode,
  searchEvents,
  viewDevice,
} from './store/mod.ts'
import {
  certificateOf,
  certifiedFetch,
  freshMac,
  openTestPlatform,
  plant,
  plantSecretsOf,
  PN,
  requestOf,
  serialFor,
  serialOf,
  textOf,
} from './testing.ts'
import { init, providerOn, valuesOf, WHO } from './testing-provider.ts'

const clock = { aheadMs: 0 }
const { platform, openAnother } = await openTestPlatform({ now: () => Date.now() + clock.aheadMs })
const { db, vault } = platform
const { accountWith, lineOf, codeOf, heard, bound, eventsOf, stateOf, end, lastUserId } = providerOn(platform)

function certifiedBy(mac: MacAddress, more: Partial<ProvenCertificate>, target = '/cisco-init') {
  return certifiedFetch(platform, target, mac, more)
}

describe('a one-time code', () => {
  it('binds: the profile carries line, keys and marker, and the device is bound', async () => {
    const { mac, account, profile } = await bound()
    expect(profile.get('User_ID_1_')).toBe(lastUserId())
    expect(/^[0-9a-f]{64}$/.test(profile.get('GPP_SA') ?? '')).toBe(true)
    expect(profile.get('GPP_P')).toMatch(/^[0-9a-f]{16}$/)
    expect(await viewDevice(db, mac)).toMatchObject({
      state: 'bound',
      account_id: account.id,
      pinned_ca: 'a'.repeat(64),
      key_issued: 1,
    })
    expect(await eventsOf(mac)).toEqual(['device.bound', 'key.issued', 'profile.served'])
  })

  it('used twice at the same time binds one phone', async () => {
    const code = await codeOf((await accountWith({ lines: 2 })).id)
    const macs = Array.from({ length: 8 }, freshMac)
    const deliveries = await Promise.all(macs.map((mac) => certifiedFetch(platform, init(code), mac)))
    expect(deliveries.filter(({ kind }) => kind === 'bytes')).toHaveLength(1)
    expect(deliveries.filter(({ kind }) => kind === 'refusal')).toHaveLength(7)
    const states = await Promise.all(macs.map(stateOf))
    expect(states.filter((state) => state === 'bound')).toHaveLength(1)
  })

  it('used at the same time on two processes binds one phone', async () => {
    const second = await openAnother()
    const code = await codeOf((await accountWith({ lines: 2 })).id)
    await heard(second)
    const deliveries = await Promise.all([platform, second].map((each) => certifiedFetch(each, init(code), freshMac())))
    expect(deliveries.map(({ kind }) => kind).sort()).toEqual(['bytes', 'refusal'])
  })

  it('repeated by the same device gives the same bytes and binds nothing anew', async () => {
    const code = await codeOf((await accountWith()).id)
    const mac = freshMac()
    const [first, ...again] = [
      textOf(await certifiedFetch(platform, init(code), mac)),
      textOf(await certifiedFetch(platform, init(code), mac)),
      textOf(await certifiedFetch(platform, init(code), mac)),
    ]
    expect(again.every((text) => text === first)).toBe(true) // compared here: a difference must not be printed
    expect((await viewDevice(db, mac))?.key_issued).toBe(1)
  })

  it('asked for by the same device many times at once gives the same bytes each time', async () => {
    const code = await codeOf((await accountWith()).id)
    const mac = freshMac()
    const texts = (await Promise.all(Array.from({ length: 6 }, () => certifiedFetch(platform, init(code), mac)))).map(
      textOf,
    )
    expect(new Set(texts).size).toBe(1)
    expect(texts[0]?.includes('<flat-profile>')).toBe(true)
  })

  it('gives as many lines as it names, in its order, and else the next free one', async () => {
    const account = await accountWith({ lines: 0 })
    const [one, two, three] = [await lineOf(account.id), await lineOf(account.id), await lineOf(account.id)]
    assert(one && two && three, 'the lines were made')
    const mac = freshMac()
    await certifiedFetch(platform, init(await codeOf(account.id, { lineIds: [three, one] })), mac)
    expect((await loadDeviceFacts(db, vault, mac))?.lines.map(({ id, index }) => [id, index])).toEqual([
      [three, 1],
      [one, 2],
    ])
    const next = freshMac()
    await certifiedFetch(platform, init(await codeOf(account.id)), next)
    expect((await loadDeviceFacts(db, vault, next))?.lines.map(({ id }) => id)).toEqual([two])
  })

  it('past its time is refused without a look into the database', async () => {
    const code = await codeOf((await accountWith()).id, { ttlSeconds: 5 })
    clock.aheadMs = 6000
    try {
      expect((await certifiedFetch(platform, init(code), freshMac())).kind).toBe('refusal')
    } finally {
      clock.aheadMs = 0
    }
  })

  it('revoked is refused', async () => {
    const account = await accountWith()
    const code = await codeOf(account.id)
    expect(await db.transaction((tx) => revokeCode(tx, WHO, account.id, code.id))).toBe(true)
    await heard(platform)
    expect((await certifiedFetch(platform, init(code), freshMac())).kind).toBe('refusal')
  })

  it('of no phone with a certificate is refused, and so are uncertified claims', async () => {
    const code = await codeOf((await accountWith()).id)
    const delivery = await serveFetch(
      platform.context,
      requestOf(init(code), { userAgent: 'Cisco-CP-8851-3PCC/12.0.2 (00562b043615)' }),
    )
    expect(delivery.kind).toBe('refusal')
    expect((await certifiedFetch(platform, init(code), freshMac())).kind).toBe('bytes')
  })
})

describe('registration beforehand and windows', () => {
  it('a registered phone is bound by its certificate at the first profile path that it asks', async () => {
    const account = await accountWith()
    const mac = freshMac()
    const device = { mac, serial: serialFor(mac), model: PN, accountId: account.id, lineIds: [] }
    expect((await db.transaction((tx) => registerDevice(tx, WHO, device))).ok).toBe(true)
    await heard(platform)
    expect(valuesOf(await certifiedFetch(platform, '/8851-3PCC.xml', mac)).get('Line_Enable_1_')).toBe('Yes')
    expect(await stateOf(mac)).toBe('bound')
    expect(await eventsOf(mac)).toContain('device.bound')
  })

  it('a registered phone whose serial number differs is refused with an event', async () => {
    const account = await accountWith()
    const mac = freshMac()
    const device = { mac, serial: serialOf('FCH99999999'), model: PN, accountId: account.id, lineIds: [] }
    await db.transaction((tx) => registerDevice(tx, WHO, device))
    await heard(platform)
    expect((await certifiedFetch(platform, '/cisco-init', mac)).kind).toBe('refusal')
    expect(await stateOf(mac)).toBe('known')
    expect(await eventsOf(mac)).toEqual(['device.registered', 'identity.mismatch', 'fetch.refused'])
  })

  it('inside a window a phone is held, gets no line and no key, and is bound when somebody confirms it', async () => {
    const account = await accountWith()
    await db.transaction((tx) =>
      openWindow(tx, WHO, { accountId: account.id, seconds: 60, devices: 1, openedFrom: '192.0.2.7' }),
    )
    await heard(platform)
    const mac = freshMac()
    const target = `/cisco-init/${account.customerId}`
    const held = valuesOf(await certifiedFetch(platform, target, mac))
    expect([...held.keys()].filter((name) => /^(?:User_ID|Password|GPP_S)/.test(name))).toEqual([])
    expect(held.get('Resync_Periodic')).toBe('30+20')
    expect(await viewDevice(db, mac)).toMatchObject({ state: 'held', held_account_id: account.id, account_id: null })
    expect((await certifiedFetch(platform, target, freshMac())).kind).toBe('refusal')
    expect((await db.transaction((tx) => confirmDevice(tx, vault, WHO, mac))).ok).toBe(true)
    await heard(platform)
    expect(valuesOf(await certifiedFetch(platform, '/cisco-init', mac)).get('User_ID_1_')).toBe(lastUserId())
    expect(await eventsOf(mac)).toEqual(['device.held', 'device.confirmed', 'profile.served'])
  })

  it('a phone at the public address of whoever opened the window is bound at once', async () => {
    const account = await accountWith()
    await db.transaction((tx) =>
      openWindow(tx, WHO, { accountId: account.id, seconds: 60, devices: 1, openedFrom: '8.8.8.8' }),
    )
    await heard(platform)
    const mac = freshMac()
    const certificate = certificateOf(mac)
    const request = requestOf(`/cisco-init/${account.customerId}`, { certificate, peer: '8.8.8.8' })
    expect(valuesOf(await serveFetch(platform.context, request)).get('Line_Enable_1_')).toBe('Yes')
    expect(await stateOf(mac)).toBe('bound')
  })
})

describe('a bound phone', () => {
  it('with a code of another account is refused; both accounts see it', async () => {
    const { mac, account } = await bound()
    const other = await accountWith()
    expect((await certifiedFetch(platform, init(await codeOf(other.id)), mac)).kind).toBe('refusal')
    await platform.flush()
    for (const accountId of [account.id, other.id]) {
      const events = await searchEvents(db, { reach: null, accountId }, { before: undefined, limit: 10 })
      expect(events.map(({ name }) => name)).toContain('binding.refused')
    }
    expect((await viewDevice(db, mac))?.account_id).toBe(account.id)
  })

  it('comes back after a factory reset by any profile path, without a code', async () => {
    const { mac } = await bound()
    const texts = await Promise.all(
      ['/cisco-init', '/8851-3PCC.xml', '/CP-8851-3PCC.cfg', `/x/${mac}.cfg`].map(async (target) =>
        textOf(await certifiedFetch(platform, target, mac)),
      ),
    )
    expect(new Set(texts).size).toBe(1)
  })

  it('tells what it runs: running version, key and firmware are shown, in time order', async () => {
    const { mac, profile } = await bound()
    await platform.flush()
    await heard(platform)
    await certifiedFetch(platform, `/cisco-ack?v=${profile.get('GPP_P')}&why=0&fw=sip88xx.12-0-2&reg=0&k=1`, mac)
    await platform.flush()
    const view = await viewDevice(db, mac)
    expect(view).toMatchObject({
      running_version: profile.get('GPP_P'),
      served_version: profile.get('GPP_P'),
      firmware: 'sip88xx.12-0-2',
      key_confirmed: 1,
      registration_seconds: 0,
    })
    expect(await eventsOf(mac)).toEqual([
      'device.bound',
      'key.issued',
      'profile.served',
      'key.confirmed',
      'profile.running',
    ])
  })

  it('under another CA is refused with an event, and its pin stays', async () => {
    const { mac } = await bound()
    for (const target of ['/cisco-init', `/${mac}.xml`, '/report']) {
      expect((await certifiedBy(mac, { caFingerprint: 'b'.repeat(64) }, target)).kind).toBe('refusal')
    }
    expect((await viewDevice(db, mac))?.pinned_ca).toBe('a'.repeat(64))
    expect(await eventsOf(mac)).toContain('identity.wrong-ca')
    expect((await certifiedBy(mac, {})).kind).toBe('bytes')
  })

  it('with another serial number is refused with an event', async () => {
    const { mac } = await bound()
    expect((await certifiedBy(mac, { serial: serialOf('FCH00000001') })).kind).toBe('refusal')
    expect(await eventsOf(mac)).toContain('identity.mismatch')
  })

  it("another phone's certificate gets nothing at its sealed path, MAC file, report path or RC, and both timelines say so", async () => {
    const { mac } = await bound()
    const stranger = freshMac()
    const path = (await viewDevice(db, mac))?.profile_path ?? ''
    const targets = [`/s/${path}.cfg?k=1`, `/a/b/${mac}.cfg`, `/${mac}.xml`]
    for (const target of targets) expect((await certifiedFetch(platform, target, stranger)).kind).toBe('refusal')
    const certificate = certificateOf(stranger)
    const report = requestOf(`/report/${path}`, { method: 'PUT', body: new Uint8Array([60]), certificate })
    expect((await serveFetch(platform.context, report)).kind).toBe('refusal')
    const rc = requestOf(`/software/edos/callhome/rc?id=${mac}:${serialFor(mac)}:${PN}`, { certificate })
    expect((await serveFetch(platform.context, rc)).kind).toBe('empty')
    for (const each of [mac, stranger]) {
      expect((await eventsOf(each)).filter((name) => name === 'identity.mismatch')).toHaveLength(5)
    }
  })
})

describe('letting go', () => {
  it('release: one farewell, then refusals, then binding by a new code with other secrets', async () => {
    const { mac, account, profile } = await bound()
    const [line] = (await loadDeviceFacts(db, vault, mac))?.lines ?? []
    assert(line !== undefined, 'the phone has a line')
    await end(mac, 'release')
    const rotated = plant((await revealLinePassword(db, vault, line.id)) ?? '')
    expect(rotated === line.password).toBe(false)
    const farewell = valuesOf(await certifiedFetch(platform, '/cisco-init', mac))
    expect([
      farewell.get('Line_Enable_1_'),
      farewell.get('Password_1_'),
      farewell.get('GPP_SA'),
      farewell.get('Admin_Password'),
    ]).toEqual(['No', '', '', ''])
    expect(farewell.get('Profile_Rule')).toContain('/cisco-init?')
    expect((await certifiedFetch(platform, '/cisco-init', mac)).kind).toBe('refusal')
    expect((await certifiedFetch(platform, '/cisco-init', mac)).kind).toBe('refusal')
    const again = valuesOf(await certifiedFetch(platform, init(await codeOf(account.id)), mac))
    expect(/^[0-9a-f]{64}$/.test(again.get('GPP_SA') ?? '')).toBe(true)
    expect(again.get('GPP_SA') === profile.get('GPP_SA')).toBe(false)
    expect((await loadDeviceFacts(db, vault, mac))?.secrets?.profileKeys.size).toBe(1)
  })

  it('asked for by many requests at once, the farewell goes out once', async () => {
    const { mac } = await bound()
    await end(mac, 'release')
    const deliveries = await Promise.all(Array.from({ length: 5 }, () => certifiedFetch(platform, '/cisco-init', mac)))
    expect(deliveries.map(({ kind }) => kind).sort()).toEqual(['bytes', 'refusal', 'refusal', 'refusal', 'refusal'])
  })

  it('the code that a released phone came with does not bring it back', async () => {
    const account = await accountWith()
    const code = await codeOf(account.id, { devices: 5 })
    const mac = freshMac()
    await certifiedFetch(platform, init(code), mac)
    await plantSecretsOf(platform)
    await end(mac, 'release')
    expect((await certifiedFetch(platform, init(code), mac)).kind).toBe('refusal')
    expect(await stateOf(mac)).toBe('released')
  })

  it('disable: one farewell, then refusals, with any code; registering it again brings it back', async () => {
    const { mac, account } = await bound()
    await end(mac, 'disable')
    expect(valuesOf(await certifiedFetch(platform, '/cisco-init', mac)).get('Line_Enable_1_')).toBe('No')
    expect((await certifiedFetch(platform, init(await codeOf(account.id)), mac)).kind).toBe('refusal')
    expect((await certifiedFetch(platform, '/cisco-init', mac)).kind).toBe('refusal')
    const device = { mac, serial: serialFor(mac), model: PN, accountId: account.id, lineIds: [] }
    expect((await db.transaction((tx) => registerDevice(tx, WHO, device))).ok).toBe(true)
    await heard(platform)
    expect(valuesOf(await certifiedFetch(platform, '/cisco-init', mac)).get('Line_Enable_1_')).toBe('Yes')
  })
})

describe('a second process on the same database', () => {
  it('sees a binding, a new code and a disablement within a second', async () => {
    const second = await openAnother()
    const withinASecond = async (check: () => Promise<boolean>) => {
      const started = Date.now()
      while (!(await check())) {
        expect(Date.now() - started).toBeLessThan(1000)
        await new Promise(setImmediate) // word of the change comes over a socket
      }
    }
    const account = await accountWith()
    const code = await db.transaction((tx) =>
      createCode(tx, WHO, { accountId: account.id, ttlSeconds: 600, devices: 1, lineIds: [] }),
    )
    plant(code.code)
    await withinASecond(async () => (await second.directory.code(code.code)) !== undefined)
    const mac = freshMac()
    expect((await certifiedFetch(second, init(code), mac)).kind).toBe('bytes')
    await withinASecond(async () => (await certifiedFetch(platform, '/cisco-init', mac)).kind === 'bytes')
    await plantSecretsOf(platform)
    await db.transaction((tx) => endDevice(tx, vault, WHO, mac, 'disable'))
    await withinASecond(async () => (await second.directory.device(mac))?.device.state === 'disabled')
    expect(valuesOf(await certifiedFetch(second, '/cisco-init', mac)).get('Line_Enable_1_')).toBe('No')
    await withinASecond(async () => (await certifiedFetch(platform, '/cisco-init', mac)).kind === 'refusal')
  })

  it('gives the same bytes for the same device', async () => {
    const second = await openAnother()
    const { mac } = await bound()
    await heard(second)
    expect(
      textOf(await certifiedFetch(second, '/cisco-init', mac)) ===
        textOf(await certifiedFetch(platform, '/cisco-init', mac)),
    ).toBe(true)
  })
})
