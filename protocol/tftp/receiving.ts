import type { Millis, Step } from '../result.ts'
import type { Chunks } from './chunks.ts'
import { addChunk, chunksByteCount, joinChunks } from './chunks.ts'
import type { LiveTransfer, TransferFailure, TransferOutput } from './conversation.ts'
import { HOLD_MAX_MS } from './conversation.ts'
import type { EndedTransfer } from './ending.ts'
import { endDone, endFailed } from './ending.ts'
import { acceptOptions } from './options.ts'
import { encodePacket, TFTP_ERROR } from './packet.ts'
import { fixedTiming, measured } from './timing.ts'

/*
 * The side that receives the file. Blocks are counted from 1 without wrapping.
 *
 *   next       the block waited for; all before it are here
 *   ackedTo    the last block acknowledged: the window the other side may be sending ends at ackedTo + windowSize
 *   held       the whole file is here, its last ACK waits for `confirm`
 *
 * An ACK goes out when a window is full, at the end of the file, once when a block is seen to be missing (RFC 7440
 * §4), when the other side repeats the block of our last ACK, and by timer.
 */

/** A file on its way in. */
export interface ReceivingTransfer extends LiveTransfer {
  readonly kind: 'receiving'
  readonly chunks: Chunks
  readonly next: number
  readonly ackedTo: number
  readonly gapReported: boolean
  readonly holdFinalAck: boolean
  readonly held: boolean
}

type ReceivingStep = Step<ReceivingTransfer | EndedTransfer, TransferOutput>

/** Starts with our opening packet: read request, OACK or ACK 0. */
export function beginReceiving(live: LiveTransfer, holdFinalAck: boolean, now: Millis): ReceivingStep {
  const state: ReceivingTransfer = {
    ...live,
    kind: 'receiving',
    chunks: undefined,
    next: 1,
    ackedTo: 0,
    gapReported: false,
    holdFinalAck,
    held: false,
  }
  const size = live.terms.transferSize ?? 0
  if (size > live.policy.transferSizeMax) return failTooLarge(state, now)
  return acknowledge(state, now, true)
}

/** Takes the DATA of `wireBlock`. */
export function receiveData(state: ReceivingTransfer, wireBlock: number, data: Uint8Array, now: Millis): ReceivingStep {
  if (state.held) return { state, outputs: [] }
  const ahead = (wireBlock - state.next) & 0xffff
  if (ahead === 0) return takeBlock(state, data, now)
  if (ahead < state.terms.windowSize) {
    return state.gapReported ? { state, outputs: [] } : acknowledge({ ...state, gapReported: true }, now, false)
  }
  // The other side repeats what our last ACK was for, so that ACK was lost: say it again, and nothing newer.
  if (state.next === 1 || wireBlock !== (state.ackedTo & 0xffff) || state.ackedTo === 0) return { state, outputs: [] }
  return { state: { ...state, measuringSince: undefined }, outputs: [ackPacket(state.ackedTo)] }
}

/** Takes the OACK of a read request; our ACK 0 asks for block 1 (RFC 2347 §3). */
export function receiveReadTerms(
  state: ReceivingTransfer,
  granted: ReadonlyMap<string, string>,
  now: Millis,
): ReceivingStep {
  if (!state.asks || state.next !== 1) return { state, outputs: [] }
  if (state.opening === undefined) return { state: { ...state, measuringSince: undefined }, outputs: [ackPacket(0)] }
  const terms = acceptOptions(state.wanted, granted)
  if (!terms.ok) return fail(state, 'bad-options', TFTP_ERROR.optionRefused, terms.error, now)
  const sampled = takeSample({ ...state, terms: terms.value, opening: undefined, retries: 0, confirmed: true }, now)
  if ((terms.value.transferSize ?? 0) > state.policy.transferSizeMax) return failTooLarge(sampled, now)
  const fixed = terms.value.timeoutMs
  return acknowledge(fixed === undefined ? sampled : { ...sampled, timing: fixedTiming(fixed) }, now, true)
}

/** Says the last thing again: the opening, or the ACK of everything that is here. */
export function resendAck(state: ReceivingTransfer, now: Millis): ReceivingStep {
  if (state.held) return fail(state, 'timeout', TFTP_ERROR.undefinedError, 'No verdict on the file', now)
  return acknowledge({ ...state, gapReported: false }, now, false)
}

/** Releases the held ACK. Does nothing before the file is whole. */
export function confirmFile(state: ReceivingTransfer, now: Millis): ReceivingStep {
  if (!state.held) return { state, outputs: [] }
  const step = endWithFile(state, now)
  // `done` was said when the file was whole.
  return { state: step.state, outputs: step.outputs.filter((output) => output.kind !== 'done') }
}

function takeBlock(state: ReceivingTransfer, data: Uint8Array, now: Millis): ReceivingStep {
  // Data instead of OACK: the other side knows no options, and the plain terms of the start hold (RFC 2347 §2).
  const { blockSize, windowSize } = state.terms
  if (data.length > blockSize) return fail(state, 'protocol', TFTP_ERROR.illegalOperation, 'Block too long', now)
  const chunks = addChunk(state.chunks, data)
  if (chunksByteCount(chunks) > state.policy.transferSizeMax) return failTooLarge(state, now)
  const deadline = now + state.timing.waitMs
  const taken: ReceivingTransfer = {
    ...takeSample(state, now),
    chunks,
    next: state.next + 1,
    gapReported: false,
    retries: 0,
    confirmed: true,
    opening: undefined,
    deadline,
  }
  if (data.length < blockSize) return takeLast(taken, now)
  if (state.next - state.ackedTo >= windowSize) return acknowledge(taken, now, true)
  return { state: taken, outputs: [{ kind: 'wake', at: deadline }] }
}

function takeLast(state: ReceivingTransfer, now: Millis): ReceivingStep {
  if (!state.holdFinalAck) return endWithFile(state, now)
  const deadline = now + HOLD_MAX_MS
  return {
    state: { ...state, held: true, deadline },
    outputs: [
      { kind: 'done', bytes: joinChunks(state.chunks), byteCount: chunksByteCount(state.chunks) },
      { kind: 'wake', at: deadline },
    ],
  }
}

function endWithFile(state: ReceivingTransfer, now: Millis): Step<EndedTransfer, TransferOutput> {
  const lastBlock = (state.next - 1) & 0xffff
  const bytes = joinChunks(state.chunks)
  const finalAck = { bytes: encodePacket({ kind: 'ack', block: lastBlock }), lastBlock }
  return endDone(state, { bytes, byteCount: bytes.length }, finalAck, now)
}

/** Sends the newest ACK. `fresh`: it is sent for the first time, so the next block measures the round trip. */
function acknowledge(state: ReceivingTransfer, now: Millis, fresh: boolean): ReceivingStep {
  const ackedTo = state.next - 1
  const deadline = now + state.timing.waitMs
  const packet: TransferOutput =
    state.opening === undefined ? ackPacket(ackedTo) : { kind: 'send', bytes: state.opening }
  return {
    state: { ...state, ackedTo, deadline, measuringSince: fresh ? now : undefined },
    outputs: [packet, { kind: 'wake', at: deadline }],
  }
}

/** RFC 6298 §3 (Karn): `measuringSince` is there only if the ACK before was sent once. */
function takeSample(state: ReceivingTransfer, now: Millis): ReceivingTransfer {
  if (state.measuringSince === undefined) return state
  return { ...state, timing: measured(state.timing, now - state.measuringSince), measuringSince: undefined }
}

function ackPacket(block: number): TransferOutput {
  return { kind: 'send', bytes: encodePacket({ kind: 'ack', block: block & 0xffff }) }
}

function failTooLarge(state: ReceivingTransfer, now: Millis): ReceivingStep {
  const message = `File larger than ${state.policy.transferSizeMax} bytes`
  return fail(state, 'too-large', TFTP_ERROR.diskFull, message, now)
}

function fail(
  state: ReceivingTransfer,
  reason: TransferFailure,
  errorCode: number,
  message: string,
  now: Millis,
): ReceivingStep {
  return endFailed(state, { reason, errorCode, message }, now)
}
