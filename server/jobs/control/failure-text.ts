/** What a failed NOTIFY is called in words, and whether to try it once more. Pure. */
import { assertNever, type Millis } from '../../../protocol/result.ts'
import type { NotifyFailure } from './notify-transaction.ts'

/** How often an action is taken up, after a crash too. */
export const TRIES_MAX = 4
/** Before the second, third and fourth try. */
const AGAIN_AFTER_MS: readonly Millis[] = [5_000, 20_000, 60_000]

/** @returns one sentence for the operator; nothing that the proxy or phone said but its status and phrase */
export function failureText(failure: NotifyFailure): string {
  switch (failure.kind) {
    case 'refused':
      return `Answered ${failure.status} ${phrase(failure.reason)}${ADVICE.get(failure.status) ?? ''}`
    case 'wrong-credentials':
      return failure.of === 'proxy'
        ? 'The proxy does not take the user and password that are set for it'
        : 'The phone does not take the credentials of its line: it runs another password than the one that is stored'
    case 'no-account':
      return 'The proxy asks for a user and password, and none are set for it'
    case 'unknown-challenge':
      return `Answered ${failure.status} without a digest challenge that could be answered`
    case 'silence':
      return 'The proxy did not answer within 32 seconds'
    case 'forbidden':
      return `The proxy of the account is not asked. ${failure.detail}`
    case 'undelivered':
      return `The proxy cannot be reached: ${phrase(failure.detail)}`
    default:
      return assertNever(failure)
  }
}

/** @returns how long to wait before the next try; undefined: trying again would not help */
export function tryAgainAfter(failure: NotifyFailure, tries: number): Millis | undefined {
  if (tries >= TRIES_MAX) return undefined
  const mayPass =
    failure.kind === 'silence' ||
    failure.kind === 'undelivered' ||
    (failure.kind === 'refused' && (failure.status === 503 || failure.status === 500))
  return mayPass ? AGAIN_AFTER_MS[tries - 1] : undefined
}

const ADVICE: ReadonlyMap<number, string> = new Map([
  [403, ': the proxy or the phone does not allow it (Resync_From_SIP, Provision_Enable)'],
  [404, ': the line is not registered, or the proxy does not know it'],
  [408, ': the phone did not answer the proxy'],
  [410, ': the line is not registered any more'],
  [480, ': the phone is not registered now'],
  [481, ': the proxy or phone wants a subscription for it'],
  [489, ': the phone does not know this event'],
])

/** Words of others in one short line. */
function phrase(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .trim()
    .slice(0, 120)
}
