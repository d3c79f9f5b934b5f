/** One attempt at a delivery: signed, bounded in time and size, through the guard of outgoing requests. */
import { createHmac } from 'node:crypto'
import { guardedRequest } from '../../outbound/mod.ts'
import type { StoredDelivery } from '../../store/mod.ts'

const TIMEOUT_MS = 10_000
/** Only the status counts; a receiver that says more is cut off. */
const ANSWER_BYTES_MAX = 64 * 1024
const ERROR_CHARS_MAX = 300

export interface Attempt {
  readonly delivery: Pick<StoredDelivery, 'id' | 'eventId' | 'eventName' | 'body'>
  readonly url: string
  readonly secret: string
  readonly allow: readonly string[]
  readonly now: number
  readonly signal: AbortSignal
}

export type Outcome =
  | { readonly kind: 'delivered'; readonly status: number }
  | { readonly kind: 'failed'; readonly status: number | undefined; readonly error: string }

/** Any 2xx counts as delivered. Never throws. */
export async function send(attempt: Attempt): Promise<Outcome> {
  const { delivery, url, secret, now } = attempt
  const seconds = Math.floor(now / 1000)
  const answer = await guardedRequest({
    url,
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Offhook',
      'offhook-event': delivery.eventName,
      'offhook-event-id': String(delivery.eventId ?? 0),
      'offhook-delivery': String(delivery.id),
      'offhook-signature': `t=${seconds},v1=${signatureOf(secret, seconds, delivery.body)}`,
    },
    body: new TextEncoder().encode(delivery.body),
    timeoutMs: TIMEOUT_MS,
    answerBytesMax: ANSWER_BYTES_MAX,
    allow: attempt.allow,
    signal: attempt.signal,
  })
  if (!answer.ok) return { kind: 'failed', status: undefined, error: answer.error.message.slice(0, ERROR_CHARS_MAX) }
  const { status } = answer.value
  if (status >= 200 && status < 300) return { kind: 'delivered', status }
  const hint = status >= 300 && status < 400 ? '; redirects are not followed' : ''
  return { kind: 'failed', status, error: `The receiver answered ${status}${hint}` }
}

/** Hex HMAC-SHA-256 of `<unix seconds>.<body>`: the time is signed too, so that an old delivery cannot be replayed. */
export function signatureOf(secret: string, unixSeconds: number, body: string): string {
  return createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex')
}
