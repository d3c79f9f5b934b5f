import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createSocket } from 'node:dgram'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { MacAddress } from '../../../protocol/identity.ts'
import { checkDigest, digestChallengeHeader, parseDigestAuthorization } from '../../../protocol/http/mod.ts'
import { assert } from '../../../protocol/result.ts'
import { header, type SipHeader } from '../../../protocol/sip/mod.ts'
import {
  type ActionFilter,
  type ActionKind,
  askActions,
  cancelActions,
  claimActions,
  findAction,
  listActions,
  type NewActions,
  proxyScopeOf,
  putSipProxy,
  type StoredAction,
} from '../../store/mod.ts'
import { openTestPlatform, plant } from '../../testing.ts'
import { providerOn } from '../../testing-provider.ts'
import type { Job } from '../../services.ts'
import { startControl } from './mod.ts'
import { paceAt } from './pace.ts'
import { openTestProxy, type TestProxy, usersAsked } from './testing-proxy.ts'

const { platform, openAnother } = await openTestPlatform()
const provider = providerOn(platform)
const jobs: Job[] = []
const proxies: TestProxy[] = []

afterEach(async () => {
  for (const job of jobs.splice(0)) await job.close()
  for (const proxy of proxies.splice(0)) await proxy.close()
  await platform.db.run({ name: 'test-no-actions', text: 'delete from action', values: [] })
  await platform.db.run({ name: 'test-no-proxies', text: 'delete from sip_proxy', values: [] })
})

async function control(on: typeof platform = platform): Promise<void> {
  jobs.push(await startControl(on))
}

async function proxyFor(scope = '-', more: { user?: string; password?: string; perSecond?: number } = {}) {
  const proxy = await openTestProxy()
  proxies.push(proxy)
  const { user, password, perSecond = 1000 } = more
  const place = { scope, host: proxy.host, port: proxy.port, transport: 'UDP', user, password, perSecond } as const
  await platform.change((tx) => putSipProxy(tx, platform.vault, 'test', place))
  return proxy
}

const NONE: ActionFilter = {
  macs: undefined,
  accountId: undefined,
  batchId: undefined,
  model: undefined,
  state: undefined,
  reach: null,
}

async function ask(filter: Partial<ActionFilter>, kind: ActionKind = 'resync', more: Partial<NewActions> = {}) {
  const asked = await platform.change((tx) =>
    askActions(
      tx,
      { ...NONE, ...filter },
      { kind, via: 'sip', profile: undefined, who: 'test', now: Date.now(), bulk: undefined, ...more },
    ),
  )
  return asked
}

async function askOne(mac: MacAddress, kind: ActionKind = 'resync', more: Partial<NewActions> = {}): Promise<string> {
  const { ids } = await ask({ macs: [mac] }, kind, more)
  assert(ids[0] !== undefined, 'the device can be asked')
  return ids[0]
}

const ENDS: readonly string[] = ['runs-version', 'failed', 'timed-out', 'cancelled']

async function comesTo(id: string, state: StoredAction['state']): Promise<StoredAction> {
  for (;;) {
    const action = await findAction(platform.db, id)
    if (action?.state === state) return action
    const last = action?.steps.at(-1)
    if (action === undefined || ENDS.includes(action.state)) throw new Error(`It is ${action?.state}: ${last?.text}`)
    await pause(10)
  }
}

const states = ({ steps }: StoredAction) => steps.map((step) => step.state)

describe('an action by SIP', () => {
  it('is sent with the account of the proxy and the credentials of the line, and accepted [MPP §8]', async () => {
    const password = plant('c-control-proxy-pw-5')
    const proxy = await proxyFor('-', { user: 'offhook', password })
    const { mac } = await provider.bound()
    const facts = await platform.directory.device(mac)
    const line = facts?.lines[0]
    const challenge = (name: string, realm: string, nonce: string): SipHeader => [
      name,
      digestChallengeHeader({ realm, nonce, qop: 'auth', algorithm: 'MD5', stale: false }),
    ]
    proxy.answer = (request) => {
      const toProxy = parseDigestAuthorization(header(request, 'Proxy-Authorization') ?? '')
      const toPhone = parseDigestAuthorization(header(request, 'Authorization') ?? '')
      if (toProxy === undefined) return { status: 407, headers: [challenge('Proxy-Authenticate', 'p', 'n1')] }
      if (toPhone === undefined) return { status: 401, headers: [challenge('WWW-Authenticate', 'w', 'n2')] }
      const right =
        checkDigest(toProxy, { method: 'NOTIFY', password, username: 'offhook', realm: 'p' }) &&
        checkDigest(toPhone, {
          method: 'NOTIFY',
          password: line?.password ?? '',
          username: line?.userId ?? '',
          realm: 'w',
        })
      return { status: right ? 200 : 403 }
    }
    await control()
    const action = await comesTo(await askOne(mac, 'reboot'), 'accepted')
    expect(states(action)).toEqual(['queued', 'sent', 'challenged', 'challenged', 'accepted'])
    expect(proxy.requests.map((request) => header(request, 'Event'))).toEqual([
      'reboot_now',
      'reboot_now',
      'reboot_now',
    ])
    expect(JSON.stringify(action)).not.toContain(password)
    expect(await provider.eventsOf(mac)).toEqual(expect.arrayContaining(['action.asked', 'action.accepted']))
  })

  it('is not answered for by somebody else than the proxy: a 401 from elsewhere gets no credentials', async () => {
    const proxy = await proxyFor()
    const { mac } = await provider.bound()
    const stranger = createSocket('udp4')
    stranger.bind(0, '127.0.0.1')
    await once(stranger, 'listening')
    proxy.answer = (request) => {
      // It knows branch and all, as one on the way would, but has another address.
      const port = Number(/:(\d+);/.exec(header(request, 'Via') ?? '')?.[1])
      const lines = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${header(request, name) ?? ''}`)
      const text = `SIP/2.0 401 No\r\n${lines.join('\r\n')}\r\nWWW-Authenticate: Digest realm="x", nonce="y"\r\n\r\n`
      stranger.send(text, port, '127.0.0.1', () => undefined)
      return proxy.requests.length > 1 ? { status: 404 } : undefined
    }
    await control()
    const action = await comesTo(await askOne(mac), 'failed')
    expect(states(action)).toEqual(['queued', 'sent', 'failed'])
    expect(proxy.requests.every((request) => header(request, 'Authorization') === undefined)).toBe(true)
    await new Promise<void>((closed) => stranger.close(() => closed()))
  })

  it.each([
    [404, 'not registered'],
    [480, 'not registered now'],
    [403, 'Resync_From_SIP'],
    [489, 'does not know this event'],
  ])('that is answered %i has failed and says why', async (status, why) => {
    const proxy = await proxyFor()
    const { mac } = await provider.bound()
    proxy.answer = () => ({ status })
    await control()
    const action = await comesTo(await askOne(mac), 'failed')
    expect(action.steps.at(-1)?.text).toContain(why)
    expect(await provider.eventsOf(mac)).toContain('action.failed')
  })

  it('goes on when one proxy is nowhere: the others are not kept waiting', async () => {
    const bad = await provider.bound()
    const place = {
      scope: bad.account.id,
      host: 'no..such.invalid',
      port: 5060,
      transport: 'TCP',
      perSecond: 20,
    } as const
    await platform.change((tx) =>
      putSipProxy(tx, platform.vault, 'test', { ...place, user: undefined, password: undefined }),
    )
    await proxyFor()
    const good = await provider.bound()
    await control()
    const lost = await askOne(bad.mac)
    await comesTo(await askOne(good.mac), 'accepted')
    const waiting = await comesTo(lost, 'queued')
    expect(waiting.steps.at(-1)?.text).toMatch(/cannot be reached.*tried again in 5 s/)
  })

  it('goes through the proxy of the nearest account above', async () => {
    const { account } = await provider.bound()
    expect(await proxyScopeOf(platform.db, account.id)).toBeUndefined()
    await proxyFor()
    expect(await proxyScopeOf(platform.db, account.id)).toBe('-')
    const parent = await provider.accountWith()
    await platform.db.run({
      name: 'test-parent',
      text: 'update account set parent_id = $2 where id = $1',
      values: [account.id, parent.id],
    })
    await proxyFor(parent.id)
    expect(await proxyScopeOf(platform.db, account.id)).toBe(parent.id)
    await proxyFor(account.id)
    expect(await proxyScopeOf(platform.db, account.id)).toBe(account.id)
  })
})

describe('an accepted action', () => {
  async function acceptedResync(): Promise<{ id: string; mac: MacAddress }> {
    await proxyFor()
    const { mac } = await provider.bound()
    await control()
    const id = await askOne(mac)
    await comesTo(id, 'accepted')
    return { id, mac }
  }

  async function seen(mac: MacAddress, running?: string): Promise<void> {
    await platform.flush()
    await platform.db.run({
      name: 'test-seen',
      text: `insert into device_seen (mac, believed_at) values ($1, now())
             on conflict (mac) do update set believed_at = excluded.believed_at`,
      values: [mac],
    })
    if (running !== undefined) {
      await platform.db.run({
        name: 'test-runs',
        text: 'update device set running_version = $2 where mac = $1',
        values: [mac, running],
      })
    }
  }

  it('has come back with a believed request, and is done when the phone runs what is wanted', async () => {
    const { id, mac } = await acceptedResync()
    await seen(mac, 'f'.repeat(16))
    expect(states(await comesTo(id, 'came-back'))).toEqual(['queued', 'sent', 'accepted', 'came-back'])
    const { renderOwnProfile } = await import('../../profiles/mod.ts')
    const facts = await platform.directory.device(mac)
    assert(facts !== undefined, 'the device is there')
    await seen(mac, renderOwnProfile(facts, platform.facts()).version)
    expect(states(await comesTo(id, 'runs-version'))).toEqual([
      'queued',
      'sent',
      'accepted',
      'came-back',
      'runs-version',
    ])
    expect(await provider.eventsOf(mac)).toEqual(expect.arrayContaining(['action.came-back', 'action.runs-version']))
  })

  it('is timed out when nothing follows until its deadline, and says what was missing', async () => {
    const { id, mac } = await acceptedResync()
    await platform.db.run({
      name: 'test-late',
      text: `update action set deadline_at = now() - interval '1 second' where id = $1`,
      values: [id],
    })
    const action = await comesTo(id, 'timed-out')
    expect(action.steps.at(-1)?.text).toContain('no believed request')
    expect(await provider.eventsOf(mac)).toContain('action.timed-out')
  })

  it('that was called off stays so', async () => {
    const { id, mac } = await acceptedResync()
    expect(await platform.change((tx) => cancelActions(tx, { id }, 'test', Date.now()))).toBe(1)
    expect(await platform.change((tx) => cancelActions(tx, { id }, 'test', Date.now()))).toBe(0)
    await seen(mac)
    expect((await comesTo(id, 'cancelled')).steps.at(-1)?.text).toBe('Called off by test')
  })
})

describe('the proxy of an account', () => {
  const services = (allow: readonly string[]) => ({
    ...platform,
    settings: { ...platform.settings, outboundAllow: allow },
  })

  async function named(scope: string, host: string): Promise<TestProxy> {
    const proxy = await openTestProxy()
    proxies.push(proxy)
    const place = { scope, host, port: proxy.port, transport: 'UDP', user: undefined, password: undefined } as const
    await platform.change((tx) => putSipProxy(tx, platform.vault, 'test', { ...place, perSecond: 1000 }))
    return proxy
  }

  it('is not talked to where its name leads into our own network, and its action says so', async () => {
    const { mac, account } = await provider.bound()
    const proxy = await named(account.id, 'localhost')
    jobs.push(await startControl(services([])))
    const action = await comesTo(await askOne(mac), 'failed')
    expect(states(action)).toEqual(['queued', 'failed'])
    expect(action.steps.at(-1)?.text).toContain('OFFHOOK_OUTBOUND_ALLOW')
    expect(proxy.requests).toEqual([])
  })

  it('is talked to where a setting allows it, and that of the platform wherever it is', async () => {
    const { mac, account } = await provider.bound()
    await named(account.id, '127.0.0.1')
    jobs.push(await startControl(services(['127.0.0.0/8', '::1/128'])))
    await comesTo(await askOne(mac), 'accepted')
    await jobs.pop()?.close()
    const other = await provider.bound()
    await named('-', '127.0.0.1')
    jobs.push(await startControl(services([])))
    await comesTo(await askOne(other.mac), 'accepted')
  })
})

describe('several processes', () => {
  it('share the work: each action is carried out once', async () => {
    const proxy = await proxyFor()
    const bound = await Promise.all(Array.from({ length: 12 }, () => provider.bound()))
    await control()
    await control(await openAnother())
    const { ids } = await ask({ macs: bound.map(({ mac }) => mac) }, 'resync', { bulk: { perSecond: 1000 } })
    expect(ids).toHaveLength(12)
    for (const id of ids) await comesTo(id, 'accepted')
    const users = usersAsked(proxy)
    expect(users).toHaveLength(12)
    expect(new Set(users).size).toBe(12)
  })

  it('take over what a dead one had in hand, after its lease, and the action ends once', async () => {
    const proxy = await proxyFor()
    const { mac } = await provider.bound()
    const id = await askOne(mac)
    const claim = { key: '-', owner: 'dead', leaseMs: 400, atMost: 10, now: Date.now() }
    const taken = await platform.change((tx) =>
      claimActions(tx, { ...claim, pace: (next, now) => paceAt(next, now, 1000) }),
    )
    expect(taken.map((each) => each.id)).toEqual([id])
    // In hand is not sent: its state says no more than its steps.
    expect(await findAction(platform.db, id)).toMatchObject({ state: 'queued', steps: [{ state: 'queued' }] })
    await control()
    const action = await comesTo(id, 'accepted')
    expect(states(action)).toEqual(['queued', 'queued', 'sent', 'accepted'])
    expect(action.steps[1]?.text).toBe('Taken up once more')
    expect(usersAsked(proxy)).toHaveLength(1)
    const events = await provider.eventsOf(mac)
    expect(events.filter((name) => name === 'action.accepted')).toHaveLength(1)
  })
})

describe('a bulk', () => {
  it('takes bound devices with a line that fit the filter, and spreads them', async () => {
    await proxyFor()
    const one = await provider.bound()
    const two = await provider.bound()
    const gone = await provider.bound()
    await provider.end(gone.mac, 'disable')
    const { bulkId, ids } = await ask({ macs: [one.mac, two.mac, gone.mac] }, 'restart', { bulk: { perSecond: 0.5 } })
    expect(ids).toHaveLength(2)
    const filter = { mac: undefined, bulkId, state: undefined, reach: null, after: undefined, limit: 10 }
    const items = await listActions(platform.db, filter)
    const due = items.map(({ dueAt }) => dueAt.getTime()).toSorted((a, b) => a - b)
    expect((due[1] ?? 0) - (due[0] ?? 0)).toBe(2000)
    expect((await ask({ accountId: one.account.id, reach: [two.account.id] })).ids).toEqual([])
    expect((await ask({ accountId: one.account.id, reach: [one.account.id] })).ids).toHaveLength(1)
    expect((await ask({ accountId: one.account.id, state: 'held' })).ids).toEqual([])
  })

  it('keeps to the pace of the proxy whatever is asked, and lets single requests pass it', async () => {
    const proxy = await proxyFor('-', { perSecond: 20 })
    const bound = await Promise.all(Array.from({ length: 30 }, () => provider.bound()))
    const single = await provider.bound()
    const { ids } = await ask({ macs: bound.map(({ mac }) => mac) }, 'resync', { bulk: { perSecond: 1000 } })
    await control()
    const first = await askOne(single.mac)
    await comesTo(first, 'accepted')
    expect(usersAsked(proxy).length).toBeLessThan(20)
    for (const id of ids) await comesTo(id, 'accepted')
    const took = (proxy.times.at(-1) ?? 0) - (proxy.times[0] ?? 0)
    // 31 requests: a quarter of a second's worth at once, the rest 50 ms apart.
    expect(took).toBeGreaterThan(1100)
    const busiest = Math.max(
      ...proxy.times.map((from) => proxy.times.filter((at) => at >= from && at < from + 500).length),
    )
    expect(busiest).toBeLessThanOrEqual(20)
  })

  it('of 500 through a proxy of 20 a second is claimed over 25 s of its clock', async () => {
    await proxyFor()
    const { mac } = await provider.bound()
    await platform.db.run({
      name: 'test-many',
      text: `insert into action (id, mac, kind, via, pace_key, who, due_at, deadline_at, created_at, updated_at)
             select 'x' || g, $1, 'resync', 'sip', 'slow', 'test', to_timestamp(0), now() + interval '1 day', now(), now()
               from generate_series(1, 500) g`,
      values: [mac],
    })
    const start = Date.now()
    const times: number[] = []
    for (let now = start; times.length < 500; now += 100) {
      const claim = { key: 'slow', owner: 'o', leaseMs: 1_000_000, atMost: 1000, now }
      const taken = await platform.change((tx) =>
        claimActions(tx, { ...claim, pace: (next, at) => paceAt(next, at, 20) }),
      )
      for (const _ of taken) times.push(now - start)
    }
    expect(times.at(-1)).toBeGreaterThanOrEqual(24_500)
    expect(times.at(-1)).toBeLessThanOrEqual(25_000)
  })
})

describe('the SIP port', () => {
  it('that is taken is told at the start', async () => {
    const other = createSocket('udp4')
    other.bind(0, '127.0.0.1')
    await once(other, 'listening')
    const services = { ...platform, settings: { ...platform.settings, sipPort: other.address().port } }
    await expect(startControl(services)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await new Promise<void>((closed) => other.close(() => closed()))
  })
})

describe('an action by URL', () => {
  /** A phone's web server, as far as its commands go. */
  async function phoneAt(password: string) {
    const asked: { url: string; authorization: string | undefined }[] = []
    const server = createServer((request, response) => {
      const { authorization } = request.headers
      asked.push({ url: request.url ?? '', authorization })
      const digest = parseDigestAuthorization(authorization ?? '')
      const right =
        digest !== undefined && checkDigest(digest, { method: 'GET', password, nonce: 'n', uri: request.url ?? '' })
      const value = digestChallengeHeader({ realm: 'phone', nonce: 'n', qop: 'auth', algorithm: 'MD5', stale: false })
      response.writeHead(right ? 200 : 401, right ? {} : { 'www-authenticate': value }).end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    jobs.push({ close: () => new Promise<void>((closed) => server.close(() => closed())) })
    return { asked, port: (server.address() as AddressInfo).port }
  }

  async function near(more: Readonly<Record<string, string>>) {
    const { mac } = await provider.bound()
    const parameters = Object.fromEntries(Object.entries(more).map(([name, value]) => [name, { value }]))
    await platform.db.run({
      name: 'test-layer',
      text: `with r as (insert into revision (who, scope, target, what) values ('test', 'layer', $1, 'x') returning id)
             insert into layer (scope, id, parameters, revision_id) select 'device', $1, $2, id from r`,
      values: [mac, JSON.stringify(parameters)],
    })
    // What the binding itself was seen to do is not to come later.
    await platform.flush()
    await platform.db.run({
      name: 'test-near',
      text: `insert into device_seen (mac, believed_at, believed_from) values ($1, now() - interval '1 hour', '127.0.0.1')
             on conflict (mac) do update set believed_from = excluded.believed_from, believed_at = excluded.believed_at`,
      values: [mac],
    })
    platform.directory.apply({ kind: 'device', mac })
    return mac
  }

  const services = (allow: readonly string[]) => ({
    ...platform,
    settings: { ...platform.settings, outboundAllow: allow },
  })

  it('asks the phone with its admin password, by digest [MPP §7.1] [MPP §7.3]', async () => {
    const mac = await near({ Enable_Direct_Action_Url: 'Yes' })
    const password = (await platform.directory.device(mac))?.secrets?.adminPassword ?? ''
    const { asked, port } = await phoneAt(plant(password))
    await platform.db.run({
      name: 'test-port',
      text: `update layer set parameters = parameters || jsonb_build_object('Web_Server_Port', jsonb_build_object('value', $2::text)) where id = $1`,
      values: [mac, String(port)],
    })
    platform.directory.apply({ kind: 'device', mac })
    jobs.push(await startControl(services(['127.0.0.0/8'])))
    const action = await comesTo(await askOne(mac, 'resync', { via: 'auto' }), 'accepted')
    expect(action.via).toBe('url')
    expect(states(action)).toEqual(['queued', 'sent', 'challenged', 'accepted'])
    expect(asked.map(({ url }) => url)).toEqual(['/admin/resync', '/admin/resync'])
    await comesTo(await askOne(mac, 'reboot', { via: 'url' }), 'accepted')
    expect(asked.at(-1)?.url).toBe('/admin/reboot')
  })

  it.each([
    ['to a network that is not allowed', { Enable_Direct_Action_Url: 'Yes' }, [], 'not allowed'],
    ['that the profile switches off [MPP §7.2]', {}, ['127.0.0.0/8'], 'Enable_Direct_Action_Url'],
  ] as const)('%s fails and says so', async (_, layer, allow, why) => {
    const mac = await near(layer)
    jobs.push(await startControl(services(allow)))
    const action = await comesTo(await askOne(mac, 'resync', { via: 'url' }), 'failed')
    expect(action.steps.at(-1)?.text).toContain(why)
    // Nothing was asked, so nothing says that it was.
    expect(states(action)).toEqual(['queued', 'failed'])
  })
})
