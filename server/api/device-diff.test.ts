import { describe, expect, it } from 'vitest'
import type { MacAddress } from '../../protocol/identity.ts'
import { findServedProfile, knownVersions, loadDeviceFacts, VERSIONS_KEPT } from '../store/mod.ts'
import { certifiedFetch, plantSecretsOf } from '../testing.ts'
import { providerOn, valuesOf } from '../testing-provider.ts'
import { type Answer, openTestApi } from './testing.ts'

const api = await openTestApi()
const { platform } = api
const provider = providerOn(platform)

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  return api.call(method, `/api/v1/${path}`, { body })
}

async function diff(mac: string, from: string, to: string) {
  return (await call('GET', `devices/${mac}/diff?from=${from}&to=${to}`)).json
}

async function zone(accountId: string, value: string, more: object = {}): Promise<void> {
  const body = { parameters: { Time_Zone: { value, ...more } }, why: 'the shop moved' }
  expect((await call('PUT', `layers/account/${accountId}`, body)).status).toBe(200)
}

/** A normal run of the phone: it fetches what is wanted, and says what it runs. */
async function resyncs(mac: MacAddress): Promise<string> {
  const values = valuesOf(await certifiedFetch(platform, '/cisco-init?v=0', mac))
  const version = values.get('GPP_P') ?? ''
  await certifiedFetch(platform, `/cisco-ack?v=${version}`, mac)
  await platform.flush()
  return version
}

describe('devices/{mac}/diff', () => {
  it('is empty when the phone runs what is wanted', async () => {
    const { mac } = await provider.bound()
    const version = await resyncs(mac)
    const found = await diff(mac, 'running', 'wanted')
    expect(found).toMatchObject({ mac, same: true, changes: [] })
    expect(found.from).toMatchObject({ which: 'running', version })
    expect(found.to).toEqual({ which: 'wanted', version, at: null })
    expect(Date.parse(found.from.at)).toBeGreaterThan(0)
  })

  it('tells added, removed and changed elements and changed access, and where the wanted side has it from', async () => {
    const { account, mac } = await provider.bound()
    await call('PUT', `layers/account/${account.id}`, {
      parameters: {
        Time_Zone: { value: 'GMT' },
        Station_Name: { value: 'Lobby' },
        Date_Format: { value: 'day/month' },
      },
    })
    await resyncs(mac)
    const body = {
      Time_Zone: { value: 'GMT+01:00' },
      Date_Format: { value: 'day/month', ua: 'ro' },
      Time_Format: { value: '24hr' },
    }
    await call('PUT', `layers/account/${account.id}`, { parameters: body, why: 'Berlin' })
    const { changes, same } = await diff(mac, 'running', 'wanted')
    expect(same).toBe(false)
    const told = changes.map((each: { element: string; change: string }) => `${each.change} ${each.element}`)
    expect(told.toSorted()).toEqual([
      'access Date_Format',
      'added Time_Format',
      'changed Time_Zone',
      'removed Station_Name',
    ])
    const moved = changes.find((each: { element: string }) => each.element === 'Time_Zone')
    expect(moved).toMatchObject({
      from: { value: 'GMT', ua: null },
      to: { value: 'GMT+01:00', ua: null },
      origin: { kind: 'layer', scope: 'account', id: account.id, who: 'token:admin', why: 'Berlin' },
    })
  })

  it('says of a secret that it changed, and never what it is', async () => {
    const { mac } = await provider.bound()
    await resyncs(mac)
    await call('POST', `devices/${mac}/passwords/rotate`, { accounts: ['admin'] })
    await plantSecretsOf(platform)
    const { changes } = await diff(mac, 'running', 'wanted')
    expect(changes).toMatchObject([
      { element: 'Admin_Password', change: 'changed', secret: true, from: { value: null }, to: { value: null } },
    ])
    const { text } = await call('GET', `devices/${mac}/diff?format=text`)
    expect(text).toContain('~ Admin_Password: changed (secret)')
  })

  it('served is what it was given last, running what it says it runs', async () => {
    const { account, mac } = await provider.bound()
    const running = await resyncs(mac)
    await zone(account.id, 'GMT')
    await certifiedFetch(platform, `/cisco-init?v=${running}`, mac)
    const found = await diff(mac, 'running', 'served')
    expect(found.from.version).toBe(running)
    expect(found.to.version).not.toBe(running)
    expect(found.changes).toMatchObject([{ element: 'Time_Zone', change: 'added', origin: null }])
    expect(await diff(mac, 'served', 'wanted')).toMatchObject({ same: true })
  })

  it('draft lays what somebody prepares over what is wanted', async () => {
    const { account, mac } = await provider.bound()
    await zone(account.id, 'GMT')
    const draft = { parameters: { Time_Zone: { value: 'GMT+01:00' } } }
    expect((await call('PUT', `layers/account/${account.id}/draft`, draft)).status).toBe(200)
    const own = { parameters: { Station_Name: { value: 'Lobby' } } }
    expect((await call('PUT', `layers/device/${mac}/draft`, own)).status).toBe(200)
    const { changes } = await diff(mac, 'wanted', 'draft')
    const told = changes.map((each: { element: string; change: string }) => `${each.change} ${each.element}`)
    expect(told.toSorted()).toEqual(['added Station_Name', 'changed Time_Zone'])
    const { mac: other } = await provider.bound()
    expect(await diff(other, 'wanted', 'draft')).toMatchObject({ same: true })
  })

  it('is told in lines for people', async () => {
    const { account, mac } = await provider.bound()
    const version = await resyncs(mac)
    await zone(account.id, 'GMT', { ua: 'ro' })
    const { text } = await call('GET', `devices/${mac}/diff?from=running&to=wanted&format=text`)
    const [head, line] = text.split('\n')
    expect(head).toMatch(new RegExp(`^${mac}: running ${version} -> wanted [0-9a-f]{16}$`))
    expect(line).toMatch(
      new RegExp(
        `^\\+ Time_Zone: "GMT"   \\(layer account ${account.id}, revision \\d+, token:admin, .*: the shop moved\\)$`,
      ),
    )
  })

  it('a phone that was never served, or runs what we never gave it, is a clear answer', async () => {
    const { mac } = await provider.bound()
    const none = await call('GET', `devices/${mac}/diff?from=running&to=wanted`)
    expect([none.status, none.json.type]).toEqual([404, 'no-version'])
    expect(none.json.detail).toContain('"served"')
    // Without a word about it, it is what is known.
    expect((await call('GET', `devices/${mac}/diff`)).json).toMatchObject({ from: { which: 'served' } })
    await certifiedFetch(platform, '/cisco-ack?v=0123456789abcdef', mac)
    const foreign = await call('GET', `devices/${mac}/diff?from=running&to=wanted`)
    expect([foreign.status, foreign.json.type]).toEqual([409, 'unknown-version'])
    expect(foreign.json.detail).toContain('"0123456789abcdef"')
    expect(foreign.json.detail).toMatch(/kept are [0-9a-f]{16}/)
  })
})

describe('versions that are kept', () => {
  it('are the served one, the running one and the last few, and are sealed', async () => {
    const { account, mac } = await provider.bound()
    const first = await resyncs(mac)
    for (let index = 0; index < VERSIONS_KEPT + 4; index++) {
      await zone(account.id, `GMT+0${1 + (index % 9)}:00`, { ua: index % 2 === 0 ? 'ro' : 'na' })
      await certifiedFetch(platform, `/cisco-init?v=${first}`, mac)
      await platform.flush()
    }
    const kept = (await knownVersions(platform.db, mac)).map(({ version }) => version)
    expect(kept.length).toBeLessThanOrEqual(VERSIONS_KEPT + 2)
    expect(kept.length).toBeGreaterThanOrEqual(VERSIONS_KEPT)
    expect(kept).toContain(first)
    const facts = await loadDeviceFacts(platform.db, platform.vault, mac)
    expect(kept).toContain(facts?.device.servedVersion)
    await plantSecretsOf(platform)
    const found = await findServedProfile(platform.db, platform.vault, mac, first)
    expect(found?.text.includes(facts?.lines[0]?.password ?? '-')).toBe(true)
    const rows = await platform.db.query<{ sealed: Buffer }>({
      name: 'test-sealed-versions',
      text: 'select sealed from profile_version where mac = $1',
      values: [mac],
    })
    for (const { sealed } of rows) expect(sealed.includes('flat-profile')).toBe(false)
  })

  it('cost nothing while a phone fetches what it has', async () => {
    const { mac } = await provider.bound()
    await resyncs(mac)
    const atOf = async () => (await knownVersions(platform.db, mac))[0]?.at.getTime()
    const before = await atOf()
    await resyncs(mac)
    await resyncs(mac)
    expect(await atOf()).toBe(before)
  })
})
