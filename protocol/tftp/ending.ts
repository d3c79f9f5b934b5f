import type { Millis, Step } from '../result.ts'
import type { LiveTransfer, TransferFailure, TransferInput, TransferOutput } from './conversation.ts'
import { LINGER_MIN_MS, LINGER_REPLIES_MAX } from './conversation.ts'
import { decodePacket, encodePacket } from './packet.ts'

/*
 * The last state of a transfer. Its final packet may be lost like any other, so an ended transfer stays a while and
 * says its last word again to a peer that has not heard it (RFC 1350 §6); everything else it swallows in silence.
 */

/** A transfer that has succeeded or failed. */
export interface EndedTransfer {
  readonly kind: 'ended'
  readonly until: Millis
  readonly lingerMs: Millis
  /** True after lingering: nothing will ever come out of it. */
  readonly over: boolean
  readonly reply: Uint8Array | undefined
  /** Number of the block that asks for `reply`; undefined: any DATA or ACK does. */
  readonly replyToBlock: number | undefined
  readonly repliesLeft: number
}

/** Ends in success. `finalAck` acknowledges `lastBlock` and is sent; both are absent on the side that sent the file. */
export function endDone(
  from: LiveTransfer,
  result: { readonly bytes: Uint8Array | undefined; readonly byteCount: number },
  finalAck: { readonly bytes: Uint8Array; readonly lastBlock: number } | undefined,
  now: Millis,
): Step<EndedTransfer, TransferOutput> {
  const state = lingering(from, finalAck?.bytes, finalAck?.lastBlock, now)
  const outputs: TransferOutput[] = finalAck === undefined ? [] : [{ kind: 'send', bytes: finalAck.bytes }]
  outputs.push({ kind: 'done', ...result }, { kind: 'wake', at: state.until })
  return { state, outputs }
}

/** Ends in failure and tells the peer why, if it is known to exist. */
export function endFailed(
  from: LiveTransfer,
  failure: { readonly reason: TransferFailure; readonly errorCode: number; readonly message: string },
  now: Millis,
): Step<EndedTransfer, TransferOutput> {
  const { errorCode, message } = failure
  // A timed-out peer that never confirmed anything may be a forged address; it gets nothing more.
  const silent = failure.reason === 'timeout' && !from.confirmed
  const packet = silent ? undefined : encodePacket({ kind: 'error', code: errorCode, message })
  const state = lingering(from, packet, undefined, now)
  const outputs: TransferOutput[] = packet === undefined ? [] : [{ kind: 'send', bytes: packet }]
  const { reason } = failure
  outputs.push(silent ? { kind: 'failed', reason, message } : { kind: 'failed', reason, errorCode, message })
  outputs.push({ kind: 'wake', at: state.until })
  return { state, outputs }
}

/** Ends because the peer sent ERROR, which is never answered (RFC 1350 §7). */
export function endByPeer(
  from: LiveTransfer,
  error: { readonly code: number; readonly message: string },
  now: Millis,
): Step<EndedTransfer, TransferOutput> {
  const state = lingering(from, undefined, undefined, now)
  const failed = { kind: 'failed', reason: 'peer-error', errorCode: error.code, message: error.message } as const
  return { state, outputs: [failed, { kind: 'wake', at: state.until }] }
}

/** What an ended transfer still does. */
export function stepEnded(
  ended: EndedTransfer,
  input: TransferInput,
  now: Millis,
): Step<EndedTransfer, TransferOutput> {
  if (ended.over) return { state: ended, outputs: [] }
  if (input.kind === 'timer') {
    if (now < ended.until) return { state: ended, outputs: [{ kind: 'wake', at: ended.until }] }
    return { state: { ...ended, over: true }, outputs: [] }
  }
  if (input.kind !== 'datagram' || ended.reply === undefined || ended.repliesLeft === 0) {
    return { state: ended, outputs: [] }
  }
  if (!asksForReply(ended, input.bytes)) return { state: ended, outputs: [] }
  // A peer that repeats itself is still waiting: stay for its next try, too.
  const until = now + ended.lingerMs
  const state = { ...ended, until, repliesLeft: ended.repliesLeft - 1 }
  const outputs: TransferOutput[] = [
    { kind: 'send', bytes: ended.reply },
    { kind: 'wake', at: until },
  ]
  return { state, outputs }
}

function asksForReply(ended: EndedTransfer, bytes: Uint8Array): boolean {
  const packet = decodePacket(bytes)
  if (!packet.ok) return false
  const { kind } = packet.value
  if (ended.replyToBlock === undefined) return kind === 'data' || kind === 'ack'
  return packet.value.kind === 'data' && packet.value.block === ended.replyToBlock
}

function lingering(
  from: LiveTransfer,
  reply: Uint8Array | undefined,
  replyToBlock: number | undefined,
  now: Millis,
): EndedTransfer {
  // Who answered can wait for the slowest resend, it has one socket for all; who asked keeps a socket open for this.
  const { policy, timing, asks } = from
  const askerMs = Math.min(policy.timeoutMaxMs, Math.max(LINGER_MIN_MS, 4 * timing.waitMs))
  const lingerMs = asks ? askerMs : 2 * policy.timeoutMaxMs
  const until = now + lingerMs
  return { kind: 'ended', until, lingerMs, over: false, reply, replyToBlock, repliesLeft: LINGER_REPLIES_MAX }
}
