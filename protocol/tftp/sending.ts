import type { Millis, Step } from '../result.ts'
import type { LiveTransfer, TransferOutput, TransferSource } from './conversation.ts'
import type { EndedTransfer } from './ending.ts'
import { endDone, endFailed } from './ending.ts'
import { acceptOptions } from './options.ts'
import type { TransferTerms } from './options.ts'
import { encodePacket, TFTP_ERROR } from './packet.ts'
import { fixedTiming, measured } from './timing.ts'

/*
 * The side that sends the file. Blocks are counted from 1 without wrapping; the wire carries the lower 16 bits
 * (RFC 1350 gives no meaning to more than 65535 blocks; every implementation in use goes on with 0).
 *
 *   acked = -1          our opening is out (request or OACK), which stands for block 0, and nothing has come back
 *   acked < sentTo      blocks acked+1 to sentTo are out, at most one window of them
 *   acked = lastBlock   the end
 *
 * Only an ACK that moves `acked` sends anything. A repeated ACK sends nothing: answering each would double every
 * packet from then on, the "Sorcerer's Apprentice" fault (RFC 1123 §4.2.3.1). What is lost comes again by timer.
 */

/** A file on its way out. */
export interface SendingTransfer extends LiveTransfer {
  readonly kind: 'sending'
  readonly source: TransferSource
  readonly acked: number
  readonly sentTo: number
}

type SendingStep = Step<SendingTransfer | EndedTransfer, TransferOutput>

/** Starts with our opening packet, or with the first blocks if there is none. */
export function beginSending(live: LiveTransfer, source: TransferSource, now: Millis): SendingStep {
  const state: SendingTransfer = { ...live, kind: 'sending', source, acked: live.opening ? -1 : 0, sentTo: 0 }
  if (live.opening === undefined) return sendWindow(state, now)
  const deadline = now + state.timing.waitMs
  return {
    state: { ...state, deadline, measuringSince: now },
    outputs: [
      { kind: 'send', bytes: live.opening },
      { kind: 'wake', at: deadline },
    ],
  }
}

/** Takes ACK `wireBlock`. */
export function receiveAck(state: SendingTransfer, wireBlock: number, now: Millis): SendingStep {
  const advance = (wireBlock - state.acked) & 0xffff
  if (advance === 0 || advance > state.sentTo - state.acked) return { state, outputs: [] }
  const acked = state.acked + advance
  // RFC 6298 §3 (Karn): only the answer to the newest packet, sent once, is measured.
  const honest = acked === state.sentTo && state.measuringSince !== undefined
  const timing = honest ? measured(state.timing, now - (state.measuringSince ?? now)) : state.timing
  const moved: SendingTransfer = { ...state, acked, timing, retries: 0, confirmed: true, opening: undefined }
  if (acked !== lastBlockOf(state)) return sendWindow(moved, now)
  return endDone(moved, { bytes: undefined, byteCount: state.source.byteCount }, undefined, now)
}

/** Takes the OACK of a write request; it stands for ACK 0 (RFC 2347 §3). */
export function receiveWriteTerms(
  state: SendingTransfer,
  granted: ReadonlyMap<string, string>,
  now: Millis,
): SendingStep {
  if (!state.asks || state.acked >= 0) return { state, outputs: [] }
  const terms = acceptOptions(state.wanted, granted)
  if (!terms.ok) {
    return endFailed(state, { reason: 'bad-options', errorCode: TFTP_ERROR.optionRefused, message: terms.error }, now)
  }
  const answered = receiveAck({ ...state, terms: terms.value }, 0, now)
  return fixInterval(answered, terms.value, now)
}

/** Sends everything again that is out and not acknowledged. */
export function resendFlight(state: SendingTransfer, now: Millis): SendingStep {
  const outputs: TransferOutput[] =
    state.opening !== undefined && state.acked < 0
      ? [{ kind: 'send', bytes: state.opening }]
      : blockPackets(state, state.acked + 1, state.sentTo)
  const deadline = now + state.timing.waitMs
  outputs.push({ kind: 'wake', at: deadline })
  return { state: { ...state, deadline, measuringSince: undefined }, outputs }
}

/** RFC 7440 §4: the next window starts after the acknowledged block, also where that is not the end of the last one. */
function sendWindow(state: SendingTransfer, now: Millis): SendingStep {
  const from = state.acked + 1
  const sentTo = Math.min(state.acked + state.terms.windowSize, lastBlockOf(state))
  const outputs = blockPackets(state, from, sentTo)
  const deadline = now + state.timing.waitMs
  outputs.push({ kind: 'wake', at: deadline })
  // Honest also in part of a window: its newest block goes out for the first time, or is the last of the file.
  return { state: { ...state, sentTo, deadline, measuringSince: now }, outputs }
}

function blockPackets(state: SendingTransfer, from: number, to: number): TransferOutput[] {
  const { source, terms } = state
  const outputs: TransferOutput[] = []
  for (let block = from; block <= to; block += 1) {
    const offset = (block - 1) * terms.blockSize
    const data = source.read(offset, Math.min(terms.blockSize, source.byteCount - offset))
    outputs.push({ kind: 'send', bytes: encodePacket({ kind: 'data', block: block & 0xffff, data }) })
  }
  return outputs
}

/** The last block is the first that is not full, so a file of whole blocks ends with an empty one (RFC 1350 §2). */
function lastBlockOf(state: SendingTransfer): number {
  return Math.floor(state.source.byteCount / state.terms.blockSize) + 1
}

function fixInterval(step: SendingStep, terms: TransferTerms, now: Millis): SendingStep {
  if (terms.timeoutMs === undefined || step.state.kind === 'ended') return step
  const deadline = now + terms.timeoutMs
  const state = { ...step.state, timing: fixedTiming(terms.timeoutMs), deadline }
  const others = step.outputs.filter((output) => output.kind !== 'wake')
  return { state, outputs: [...others, { kind: 'wake', at: deadline }] }
}
