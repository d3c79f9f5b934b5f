import { assertNever } from '../result.ts'
import type { Millis, Step } from '../result.ts'
import { UNCONFIRMED_RETRIES_MAX } from './conversation.ts'
import type {
  LiveTransfer,
  TransferInput,
  TransferOpening,
  TransferOutput,
  TransferPolicy,
  TransferSource,
} from './conversation.ts'
import type { EndedTransfer } from './ending.ts'
import { endByPeer, endFailed, stepEnded } from './ending.ts'
import { answerOptions, PLAIN_TERMS, requestOptions } from './options.ts'
import type { TransferTerms } from './options.ts'
import { decodePacket, encodePacket, TFTP_ERROR } from './packet.ts'
import type { TftpPacket } from './packet.ts'
import { beginReceiving, confirmFile, receiveData, receiveReadTerms, resendAck } from './receiving.ts'
import type { ReceivingTransfer } from './receiving.ts'
import { beginSending, receiveAck, receiveWriteTerms, resendFlight } from './sending.ts'
import type { SendingTransfer } from './sending.ts'
import { backedOff, fixedTiming, startTiming } from './timing.ts'

/** One file on its way, either direction, either side. A value: `stepTransfer` gives the next one. */
export type Transfer = SendingTransfer | ReceivingTransfer | EndedTransfer

type TransferStep = Step<Transfer, TransferOutput>

/** Silence after which a repeated request means that the asker has started anew, ms. See {@link startsAnew}. */
export const RESTART_QUIET_MS: Millis = 1000

/**
 * Starts sending a file: a server that answers a read request, or a client that makes a write request. A filename
 * that is asked for must be `isEncodableFilename`. Source: RFC 1350 §4, RFC 2347 §3.
 */
export function startSending(
  source: TransferSource,
  opening: TransferOpening,
  policy: TransferPolicy,
  now: Millis,
): TransferStep {
  if (opening.kind === 'ask') {
    const options = requestOptions(opening.wanted ?? {}, source.byteCount)
    const request = encodePacket({ kind: 'wrq', filename: opening.filename, mode: 'octet', options })
    return beginSending(askingTransfer(opening, request, policy, now), source, now)
  }
  const { terms, granted } = answerOptions(opening.options, policy, source.byteCount)
  const oack = granted.size === 0 ? undefined : encodePacket({ kind: 'oack', options: granted })
  return beginSending(answeringTransfer(terms, oack, policy, now), source, now)
}

/**
 * Starts receiving a file: a client that makes a read request, or a server that answers a write request. With
 * `holdFinalAck` the sender hears of success only after `confirm`, so that "written" can mean "accepted".
 */
export function startReceiving(opening: TransferOpening, policy: TransferPolicy, now: Millis): TransferStep {
  if (opening.kind === 'ask') {
    const options = requestOptions(opening.wanted ?? {}, undefined)
    const request = encodePacket({ kind: 'rrq', filename: opening.filename, mode: 'octet', options })
    return beginReceiving(askingTransfer(opening, request, policy, now), false, now)
  }
  const { terms, granted } = answerOptions(opening.options, policy, undefined)
  const oack = granted.size === 0 ? undefined : encodePacket({ kind: 'oack', options: granted })
  return beginReceiving(answeringTransfer(terms, oack, policy, now), opening.holdFinalAck ?? false, now)
}

/** Takes one input. Bytes that are no packet, or no packet for this moment, change nothing. Never throws on them. */
export function stepTransfer(transfer: Transfer, input: TransferInput, now: Millis): TransferStep {
  if (transfer.kind === 'ended') return stepEnded(transfer, input, now)
  switch (input.kind) {
    case 'datagram': {
      const packet = decodePacket(input.bytes)
      return packet.ok ? takePacket(transfer, packet.value, now) : { state: transfer, outputs: [] }
    }
    case 'timer':
      return takeTimer(transfer, now)
    case 'abort': {
      const errorCode = input.code ?? TFTP_ERROR.undefinedError
      return endFailed(transfer, { reason: 'aborted', errorCode, message: input.message }, now)
    }
    case 'confirm':
      return transfer.kind === 'receiving' ? confirmFile(transfer, now) : { state: transfer, outputs: [] }
    default:
      return assertNever(input)
  }
}

/** True when nothing more will come out of it and it may be forgotten. */
export function isOver(transfer: Transfer): boolean {
  return transfer.kind === 'ended' && transfer.over
}

/** True when it has succeeded or failed; it may still be lingering. */
export function isEnded(transfer: Transfer): boolean {
  return transfer.kind === 'ended'
}

/** True once the peer has confirmed a packet of ours, which a forged address cannot. */
export function isConfirmed(transfer: Transfer): boolean {
  return transfer.kind === 'ended' || transfer.confirmed
}

/**
 * Says what the same request from the same port means while its transfer lives: true, the asker gave up and starts
 * anew; false, the network (or a hasty timer) repeated it, and the transfer takes it as any other datagram. The mark
 * is silence, because a peer in the middle of a file is heard all the time.
 */
export function startsAnew(transfer: Transfer, now: Millis): boolean {
  return transfer.kind === 'ended' || now - transfer.heardAt >= RESTART_QUIET_MS
}

function takePacket(transfer: SendingTransfer | ReceivingTransfer, packet: TftpPacket, now: Millis): TransferStep {
  if (packet.kind === 'rrq' || packet.kind === 'wrq') return takeRepeatedRequest(transfer, now)
  if (packet.kind === 'error') return endByPeer(transfer, packet, now)
  if (now - transfer.startedAt > transfer.policy.durationMaxMs) return endTimedOut(transfer, now)
  return transfer.kind === 'sending'
    ? takeForSending({ ...transfer, heardAt: now }, packet, now)
    : takeForReceiving({ ...transfer, heardAt: now }, packet, now)
}

type RunningPacket = Extract<TftpPacket, { readonly kind: 'data' | 'ack' | 'oack' }>

function takeForSending(transfer: SendingTransfer, packet: RunningPacket, now: Millis): TransferStep {
  switch (packet.kind) {
    case 'ack':
      return receiveAck(transfer, packet.block, now)
    case 'oack':
      return receiveWriteTerms(transfer, packet.options, now)
    case 'data':
      return { state: transfer, outputs: [] }
    default:
      return assertNever(packet)
  }
}

function takeForReceiving(transfer: ReceivingTransfer, packet: RunningPacket, now: Millis): TransferStep {
  switch (packet.kind) {
    case 'data':
      return receiveData(transfer, packet.block, packet.data, now)
    case 'oack':
      return receiveReadTerms(transfer, packet.options, now)
    case 'ack':
      return { state: transfer, outputs: [] }
    default:
      return assertNever(packet)
  }
}

/** The request came again before anything else: our first packet was lost or late. */
function takeRepeatedRequest(transfer: SendingTransfer | ReceivingTransfer, now: Millis): TransferStep {
  if (transfer.asks || transfer.confirmed) return { state: transfer, outputs: [] }
  return transfer.kind === 'sending' ? resendFlight(transfer, now) : resendAck(transfer, now)
}

function takeTimer(transfer: SendingTransfer | ReceivingTransfer, now: Millis): TransferStep {
  if (now < transfer.deadline) return { state: transfer, outputs: [{ kind: 'wake', at: transfer.deadline }] }
  const unconfirmed = !transfer.asks && !transfer.confirmed
  const retriesMax = unconfirmed
    ? Math.min(UNCONFIRMED_RETRIES_MAX, transfer.policy.retriesMax)
    : transfer.policy.retriesMax
  const tooLong = now - transfer.startedAt > transfer.policy.durationMaxMs
  if (tooLong || transfer.retries >= retriesMax) return endTimedOut(transfer, now)
  const later = { retries: transfer.retries + 1, timing: backedOff(transfer.timing) }
  return transfer.kind === 'sending'
    ? resendFlight({ ...transfer, ...later }, now)
    : resendAck({ ...transfer, ...later }, now)
}

function endTimedOut(transfer: LiveTransfer, now: Millis): TransferStep {
  return endFailed(
    transfer,
    { reason: 'timeout', errorCode: TFTP_ERROR.undefinedError, message: 'No answer in time' },
    now,
  )
}

function askingTransfer(
  opening: Extract<TransferOpening, { readonly kind: 'ask' }>,
  request: Uint8Array,
  policy: TransferPolicy,
  now: Millis,
): LiveTransfer {
  return { ...freshTransfer(PLAIN_TERMS, request, policy, now), asks: true, wanted: opening.wanted ?? {} }
}

function answeringTransfer(
  terms: TransferTerms,
  oack: Uint8Array | undefined,
  policy: TransferPolicy,
  now: Millis,
): LiveTransfer {
  const fresh = freshTransfer(terms, oack, policy, now)
  return terms.timeoutMs === undefined ? fresh : { ...fresh, timing: fixedTiming(terms.timeoutMs) }
}

function freshTransfer(
  terms: TransferTerms,
  opening: Uint8Array | undefined,
  policy: TransferPolicy,
  now: Millis,
): LiveTransfer {
  return {
    policy,
    wanted: {},
    terms,
    timing: startTiming(policy),
    asks: false,
    confirmed: false,
    startedAt: now,
    heardAt: now,
    deadline: now,
    retries: 0,
    measuringSince: undefined,
    opening,
  }
}
