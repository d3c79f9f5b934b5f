/**
 * Tells webhooks of events: at least once, in order as long as the receiver takes them. Events become deliveries in
 * the transaction that notes how far a webhook has read; a delivery is sent by whoever holds the webhook's lease. What a
 * killed process had in hand is sent again when its lease is over.
 */
import { randomUUID } from 'node:crypto'
import type { Job, Services } from '../../services.ts'
import {
  accountsBelow,
  type ClaimedWebhook,
  claimWebhook,
  disableWebhook,
  type EventPlace,
  type EventRow,
  eventView,
  forgetDeliveries,
  giveBackWebhook,
  mendEventOrder,
  newestPlace,
  nextDelivery,
  printPlace,
  queueEvents,
  recordDelivered,
  recordEvent,
  recordFailure,
  SECRET_CONTEXT,
  type StoredDelivery,
  webhooksBehind,
} from '../../store/mod.ts'
import { mustDisable, pauseFor, retryIn } from './retry.ts'
import { send } from './send.ts'

/** Webhooks that one process serves at once. */
const AT_ONCE_MAX = 8
/** Then another webhook has its turn. */
const DELIVERIES_AT_A_TIME = 100
/** The body of a delivery; a larger event is sent without its data. */
const BODY_BYTES_MAX = 64 * 1024
const FORGET_EVERY_MS = 60 * 60_000

/** How often it looks, and how long it waits. */
export interface WebhookTimes {
  readonly lookEveryMs: number
  /** Longer than one attempt may take. */
  readonly leaseMs: number
  /** Before the first repetition. */
  readonly retryMs: number
}

const TIMES: WebhookTimes = { lookEveryMs: 500, leaseMs: 30_000, retryMs: 5_000 }

export async function startWebhooks(platform: Services, times: Partial<WebhookTimes> = {}): Promise<Job> {
  await mendEventOrder(platform.db)
  const work = new WebhookWork(platform, { ...TIMES, ...times })
  const look = setInterval(() => work.look(), work.times.lookEveryMs).unref()
  const forget = setInterval(() => void work.forget(), FORGET_EVERY_MS).unref()
  return {
    async close() {
      clearInterval(look)
      clearInterval(forget)
      await work.close()
    },
  }
}

class WebhookWork {
  readonly times: WebhookTimes
  readonly #platform: Services
  readonly #stop = new AbortController()
  readonly #serving = new Set<Promise<void>>()
  #looking: Promise<void> | undefined
  #read: string | undefined

  constructor(platform: Services, times: WebhookTimes) {
    this.#platform = platform
    this.times = times
  }

  look(): void {
    if (this.#looking !== undefined || this.#stop.signal.aborted) return
    this.#looking = this.#lookOnce()
      .catch((error: unknown) => this.#platform.log.warn({ err: error }, 'webhooks could not be looked at'))
      .finally(() => {
        this.#looking = undefined
      })
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#looking
    await Promise.all(this.#serving)
  }

  async forget(): Promise<void> {
    await forgetDeliveries(this.#platform.db).catch((error: unknown) =>
      this.#platform.log.warn({ err: error }, 'old deliveries could not be deleted'),
    )
  }

  async #lookOnce(): Promise<void> {
    const { db } = this.#platform
    const newest = await newestPlace(db)
    // A full queue, or another process at the same row, leaves something for the next look.
    const behind = this.#read === printPlace(newest) ? [] : await webhooksBehind(db, newest)
    for (const id of behind) await this.#queue(id, newest)
    this.#read = behind.length === 0 ? printPlace(newest) : undefined
    while (this.#serving.size < AT_ONCE_MAX && !this.#stop.signal.aborted) {
      const lease = randomUUID()
      const claimed = await claimWebhook(db, lease, this.times.leaseMs)
      if (claimed === undefined) return
      const serving = this.#serve(claimed, lease)
        .catch((error: unknown) => this.#platform.log.warn({ err: error }, 'a webhook could not be served'))
        .finally(() => this.#serving.delete(serving))
      this.#serving.add(serving)
    }
  }

  async #queue(id: string, until: EventPlace): Promise<void> {
    for (let more = true; more && !this.#stop.signal.aborted; ) {
      more = await this.#platform.db.transaction((tx) =>
        queueEvents(tx, id, until, printBody, (accountId) => accountsBelow(tx, accountId)),
      )
    }
  }

  async #serve(webhook: ClaimedWebhook, lease: string): Promise<void> {
    const { db, vault, settings, now } = this.#platform
    const secret = vault.open(SECRET_CONTEXT.webhook(webhook.id), webhook.secret)
    let failures = webhook.failureCount
    for (let count = 0; count < DELIVERIES_AT_A_TIME && !this.#stop.signal.aborted; count++) {
      const delivery = await nextDelivery(db, webhook.id, lease, this.times.leaseMs)
      if (delivery === undefined) break
      const { url } = webhook
      const { signal } = this.#stop
      const outcome = await send({ delivery, url, secret, allow: settings.outboundAllow, now: now(), signal })
      if (outcome.kind === 'delivered') {
        failures = 0
        await db.transaction((tx) => recordDelivered(tx, delivery, outcome.status))
        continue
      }
      // Broken off by our own end: it did not fail, and will be sent again.
      if (signal.aborted) break
      failures++
      await this.#failed(webhook, delivery, failures, outcome)
    }
    await giveBackWebhook(db, webhook.id, lease)
  }

  async #failed(
    webhook: ClaimedWebhook,
    delivery: StoredDelivery,
    failures: number,
    outcome: { readonly status: number | undefined; readonly error: string },
  ): Promise<void> {
    const { retryMs } = this.times
    const ageMs = this.#platform.now() - delivery.createdAt.getTime()
    // Somebody waits for the outcome of a test.
    const isTest = delivery.eventId === null
    const retry = isTest ? undefined : retryIn(delivery.attemptCount, ageMs, retryMs, Math.random)
    const pauseMs = isTest ? 0 : pauseFor(failures, retryMs, Math.random)
    await this.#platform.db.transaction(async (tx) => {
      const state = await recordFailure(tx, delivery, { ...outcome, retryMs: retry, pauseMs })
      if (state === undefined || !mustDisable(state.failureCount, state.failingSeconds)) return
      const reason = `no delivery for three days: ${outcome.error}`
      if (!(await disableWebhook(tx, webhook.id, reason))) return
      await recordEvent(tx, {
        name: 'webhook.disabled',
        trust: 'system',
        mac: undefined,
        accountId: webhook.accountId ?? undefined,
        data: { webhook: webhook.id, failures: state.failureCount },
      })
    })
  }
}

function printBody(row: EventRow): string {
  const view = eventView(row)
  const text = JSON.stringify(view)
  return Buffer.byteLength(text) <= BODY_BYTES_MAX ? text : JSON.stringify({ ...view, data: { omitted: 'too large' } })
}
