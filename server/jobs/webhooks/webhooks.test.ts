import { randomBytes } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import type { Job, Services } from '../../services.ts'
import {
  changeWebhook,
  createAccount,
  createWebhook,
  type EventRecord,
  findWebhook,
  listDeliveries,
  newWebhookSecret,
  queueDelivery,
  recordEvents,
  type StoredDelivery,
  type StoredWebhook,
} from '../../store/mod.ts'
import { openTestPlatform, plant } from '../../testing.ts'
import { startWebhooks, type WebhookTimes } from './mod.ts'
import { backOff, GIVE_UP_MS, mustDisable, pauseFor, retryIn } from './retry.ts'
import { signatureOf } from './send.ts'

const { platform, openAnother } = await openTestPlatform()
const LOOPBACK: readonly string[] = ['127.0.0.0/8']
const QUICK: WebhookTimes = { lookEveryMs: 15, leaseMs: 400, retryMs: 20 }

const jobs: Job[] = []
const receivers: { close(): void; closeAllConnections(): void }[] = []
afterAll(async () => {
  for (const receiver of receivers) {
    receiver.close()
    receiver.closeAllConnections()
  }
  for (const job of jobs) await job.close()
})

async function start(on: Services = platform, allow = LOOPBACK): Promise<Job> {
  const job = await startWebhooks({ ...on, settings: { ...on.settings, outboundAllow: allow } }, QUICK)
  jobs.push(job)
  return job
}

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly n: unknown
}

/** A receiver that answers with the next status of a list, then with 200; `hang` never answers. */
async function openReceiver(statuses: readonly (number | 'hang')[] = []) {
  const received: Received[] = []
  const waiting: (() => void)[] = []
  const next = [...statuses]
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts).toString()
      received.push({ headers: request.headers, body, n: JSON.parse(body).data.n })
      const status = next.shift() ?? 200
      if (status !== 'hang') response.writeHead(status).end()
      for (const wake of waiting.splice(0)) wake()
    })
  })
  receivers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?secret=no`,
    received,
    async until(count: number): Promise<readonly Received[]> {
      while (received.length < count) await new Promise<void>((done) => waiting.push(done))
      return received
    },
  }
}

async function hook(url: string, more: { events?: readonly string[]; accountId?: string | null } = {}) {
  const secret = plant(newWebhookSecret())
  const made = await platform.change((tx) =>
    createWebhook(tx, platform.vault, 'test', { url, events: ['device.*'], accountId: null, ...more, secret }),
  )
  if (made === undefined) throw new Error('cannot make a webhook')
  return { ...made, secret }
}

const event = (n: number, more: Partial<EventRecord> = {}): EventRecord => ({
  name: 'device.bound',
  trust: 'certified',
  mac: undefined,
  accountId: undefined,
  data: { n },
  ...more,
})
const put = (...events: readonly EventRecord[]) => recordEvents(platform.db, events)

const deliveries = async (id: string) =>
  (await listDeliveries(platform.db, id, { after: undefined, state: undefined, limit: 1000 })).toReversed()

/** Asks the database again and again, as whoever watches a webhook does. */
async function untilDeliveries(
  id: string,
  done: (all: readonly StoredDelivery[]) => boolean,
): Promise<readonly StoredDelivery[]> {
  for (;;) {
    const all = await deliveries(id)
    if (done(all)) return all
    await new Promise(setImmediate)
  }
}

const numbers = (from: number, count: number) => Array.from({ length: count }, (_each, index) => from + index)

/** So that one test's webhooks do not hear of another's events. */
async function off(webhook: StoredWebhook): Promise<void> {
  await platform.change((tx) => changeWebhook(tx, platform.vault, 'test', webhook, { enabled: false }))
}

describe('webhooks', () => {
  it('are told of the events they asked for, in order, with a signature that can be checked', async () => {
    const job = await start()
    const receiver = await openReceiver()
    const webhook = await hook(receiver.url)
    await put(event(1), event(0, { name: 'report.received' }), event(2))
    await put(...numbers(3, 300).map((n) => event(n, { peer: '192.0.2.1' })))
    const received = await receiver.until(302)
    expect(received.map(({ n }) => n)).toEqual(numbers(1, 302))
    for (const { headers, body } of [...received.slice(0, 3), ...received.slice(-1)]) {
      const [, seconds, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['offhook-signature'])) ?? []
      expect(signature).toBe(signatureOf(webhook.secret, Number(seconds), body))
      expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(60)
      expect(headers['offhook-event-id']).toBe(String(JSON.parse(body).id))
      expect(headers['content-type']).toBe('application/json')
    }
    expect(JSON.parse(received[2]?.body ?? '')).toMatchObject({
      name: 'device.bound',
      text: 'Bound to the account',
      peer: '192.0.2.1',
    })
    const all = await untilDeliveries(webhook.id, (each) => each.every(({ state }) => state === 'delivered'))
    expect(all).toHaveLength(302)
    await off(webhook)
    await job.close()
  })

  it('that are limited hear only of their account and those below', async () => {
    const job = await start()
    const receiver = await openReceiver()
    const [reseller, customer, stranger] = await Promise.all(
      ['reseller', 'customer', 'reseller'].map(async (kind) => {
        const customerId = `c_${randomBytes(6).toString('hex')}`
        const made = await platform.change((tx) =>
          createAccount(tx, 'test', {
            name: 'A',
            kind: kind as 'reseller',
            parentId: undefined,
            customerId,
            settings: {},
          }),
        )
        return made.ok ? made.value.id : ''
      }),
    )
    await platform.db.run({
      name: 'test-parent',
      text: 'update account set parent_id = $1 where id = $2',
      values: [reseller, customer],
    })
    const webhook = await hook(receiver.url, { accountId: reseller ?? '', events: ['*'] })
    await put(
      event(1, { accountId: stranger }),
      event(2),
      event(3, { accountId: customer }),
      event(4, { accountId: reseller }),
    )
    expect((await receiver.until(2)).map(({ n }) => n)).toEqual([3, 4])
    expect(await deliveries(webhook.id)).toHaveLength(2)
    await off(webhook)
    await job.close()
  })

  it('get a failed delivery again later, and the others meanwhile', async () => {
    const job = await start()
    const receiver = await openReceiver([500, 302])
    const webhook = await hook(receiver.url)
    await put(event(1))
    const received = await receiver.until(3)
    expect(received.map(({ n }) => n)).toEqual([1, 1, 1])
    const [first] = await untilDeliveries(webhook.id, (all) => all.every(({ state }) => state === 'delivered'))
    expect(first).toMatchObject({ attemptCount: 3, lastStatus: 200, lastError: null })
    expect(await findWebhook(platform.db, null, webhook.id)).toMatchObject({ failureCount: 0, failingSince: null })
    await off(webhook)
    await job.close()
  })

  it('at an address near us are refused, and nothing is asked there', async () => {
    const job = await start(platform, [])
    const receiver = await openReceiver()
    const webhook = await hook(receiver.url)
    await put(event(1))
    const [first] = await untilDeliveries(webhook.id, (all) => (all[0]?.attemptCount ?? 0) > 0)
    expect(first).toMatchObject({ state: 'queued', lastStatus: null })
    expect(first?.lastError).toContain('not allowed (loopback)')
    expect(first?.lastError).not.toContain('secret=')
    expect(receiver.received).toEqual([])
    await off(webhook)
    await job.close()
  })

  it('get a test once, whose outcome is told at once', async () => {
    const job = await start()
    const receiver = await openReceiver([503])
    const webhook = await hook(receiver.url)
    const test = { webhookId: webhook.id, eventId: null, eventName: 'webhook.test', body: '{"data":{"n":"test"}}' }
    await platform.change((tx) => queueDelivery(tx, test))
    const [failed] = await untilDeliveries(webhook.id, ([first]) => first?.state !== 'queued')
    expect(failed).toMatchObject({ state: 'failed', attemptCount: 1, lastStatus: 503 })
    await platform.change((tx) => queueDelivery(tx, test))
    const all = await untilDeliveries(webhook.id, ([, second]) => second?.state === 'delivered')
    expect(all).toHaveLength(2)
    await off(webhook)
    await job.close()
  })

  it('are served by several processes, each delivery by one', async () => {
    const others = await Promise.all([start(), start(await openAnother()), start(await openAnother())])
    const receivers = await Promise.all([openReceiver(), openReceiver(), openReceiver()])
    const webhooks = await Promise.all(receivers.map(({ url }) => hook(url)))
    for (const n of numbers(1, 40)) await put(event(n))
    for (const [index, receiver] of receivers.entries()) {
      expect((await receiver.until(40)).map(({ n }) => n)).toEqual(numbers(1, 40))
      await untilDeliveries(webhooks[index]?.id ?? '', (all) => all.every(({ state }) => state === 'delivered'))
      expect(receiver.received).toHaveLength(40)
    }
    for (const webhook of webhooks) await off(webhook)
    for (const job of others) await job.close()
  })

  it('lose nothing when the process that had a delivery in hand ends, in peace or not', async () => {
    const receiver = await openReceiver(['hang'])
    const webhook = await hook(receiver.url)
    const first = await start()
    await put(event(1), event(2))
    await receiver.until(1)
    await first.close()
    expect((await deliveries(webhook.id)).map(({ state, attemptCount }) => [state, attemptCount])).toEqual([
      ['queued', 0],
      ['queued', 0],
    ])
    // What a killed process leaves behind: its lease, and the delivery as it was.
    await platform.db.run({
      name: 'test-lease',
      text: `update webhook set lease = 'of the dead', leased_until = now() + interval '300 milliseconds' where id = $1`,
      values: [webhook.id],
    })
    const second = await start()
    expect((await receiver.until(3)).map(({ n }) => n)).toEqual([1, 1, 2])
    await off(webhook)
    await second.close()
  })

  it('that nobody could reach for three days are disabled, with an event, and begin anew when enabled', async () => {
    const job = await start()
    const watcher = await openReceiver()
    const watching = await hook(watcher.url, { events: ['webhook.disabled'] })
    const receiver = await openReceiver([...numbers(0, 12).map(() => 500), 500])
    const webhook = await hook(receiver.url)
    await platform.db.run({
      name: 'test-ill',
      text: `update webhook set failing_since = now() - interval '4 days', failure_count = 20 where id = $1`,
      values: [webhook.id],
    })
    await put(event(1))
    const [told] = await watcher.until(1)
    expect(JSON.parse(told?.body ?? '')).toMatchObject({ name: 'webhook.disabled', data: { webhook: webhook.id } })
    const disabled = await findWebhook(platform.db, null, webhook.id)
    expect(disabled).toMatchObject({ enabled: false, disabledReason: expect.stringContaining('answered 500') })
    await put(event(2))
    if (disabled === undefined) throw new Error('gone')
    await platform.change((tx) => changeWebhook(tx, platform.vault, 'test', disabled, { enabled: true }))
    await put(event(3))
    const all = await untilDeliveries(webhook.id, (each) => each.length > 1)
    expect(all.map(({ body }) => JSON.parse(body).data.n)).toEqual([1, 3])
    for (const each of [watching, webhook]) await off(each)
    await job.close()
  })

  it('have a bounded queue: further events wait in the event table', async () => {
    const receiver = await openReceiver(numbers(0, 2000).map(() => 'hang' as const))
    const webhook = await hook(receiver.url)
    const job = await start()
    for (const page of numbers(0, 6)) await put(...numbers(page * 200, 200).map((n) => event(n)))
    const all = await untilDeliveries(webhook.id, (each) => each.length >= 1000)
    await receiver.until(1)
    expect(all).toHaveLength(1000)
    await job.close()
    expect((await findWebhook(platform.db, null, webhook.id))?.queuedCount).toBe(1000)
    await platform.db.run({
      name: 'test-done',
      text: `update delivery set state = 'delivered', ended_at = now() where webhook_id = $1`,
      values: [webhook.id],
    })
    const again = await start()
    const rest = await listDeliveriesOnce(webhook.id, 200)
    expect(rest.map(({ body }) => JSON.parse(body).data.n)).toEqual(numbers(1000, 200))
    await off(webhook)
    await again.close()
  })
})

async function listDeliveriesOnce(id: string, count: number): Promise<readonly StoredDelivery[]> {
  for (;;) {
    const rows = await listDeliveries(platform.db, id, { after: undefined, state: 'queued', limit: 1000 })
    if (rows.length >= count) return rows.toReversed()
    await new Promise(setImmediate)
  }
}

describe('repetitions', () => {
  it('wait twice as long each time, by a quarter more or less, up to six hours', () => {
    expect([0, 1, 2, 3].map((attempt) => backOff(attempt, 5000, () => 0.5))).toEqual([5000, 10_000, 20_000, 40_000])
    expect([0, 0.999_999].map((chance) => backOff(0, 5000, () => chance))).toEqual([3750, 6250])
    expect(backOff(1000, 5000, () => 0.5)).toBe(6 * 3_600_000)
  })

  it('end after three days', () => {
    expect(retryIn(0, 0, 5000, () => 0.5)).toBe(5000)
    expect(retryIn(0, GIVE_UP_MS - 5000, 5000, () => 0.5)).toBe(5000)
    expect(retryIn(0, GIVE_UP_MS - 4999, 5000, () => 0.5)).toBeUndefined()
  })

  it('pause a webhook only when one after the other fails, and give it up only after three days of that', () => {
    expect([1, 2, 3, 4].map((failures) => pauseFor(failures, 5000, () => 0.5))).toEqual([0, 0, 5000, 10_000])
    expect(mustDisable(9, 1e9)).toBe(false)
    expect(mustDisable(10, GIVE_UP_MS / 1000 - 1)).toBe(false)
    expect(mustDisable(10, GIVE_UP_MS / 1000)).toBe(true)
  })
})
