import type { Millis } from '../result.ts'
import type { TransferTerms, WantedOptions } from './options.ts'
import type { Timing } from './timing.ts'

/*
 * The words of a transfer, shared by both roles. A transfer is a value; `stepTransfer` makes the next one. Addresses
 * are no part of it: whoever holds the socket hands over only what came from the peer of this transfer.
 */

/** How far a transfer may go. Every number is a ceiling chosen here, not by the peer. */
export interface TransferPolicy {
  /** Largest block granted, bytes. */
  readonly blockSizeMax: number
  /** Most blocks sent for one ACK. */
  readonly windowSizeMax: number
  /** Wait before the first resend while nothing is measured, ms. */
  readonly timeoutMs: Millis
  /** Shortest wait before a resend, ms. */
  readonly timeoutMinMs: Millis
  /** Longest wait before a resend, ms; also the longest `timeout` option granted. */
  readonly timeoutMaxMs: Millis
  /** Resends without any progress before giving up. */
  readonly retriesMax: number
  /** Largest file received, bytes. */
  readonly transferSizeMax: number
  /** Longest a whole transfer may take, ms. */
  readonly durationMaxMs: Millis
}

/** Fits an Ethernet frame: 1500 less 20 of IPv4, 8 of UDP and 4 of TFTP. Larger blocks would travel as fragments. */
export const BLOCK_SIZE_MAX_DEFAULT = 1468

/** Sixteen frames fit the receive buffer of a small device. */
export const WINDOW_SIZE_MAX_DEFAULT = 16

/** Firmware parts of phones reach 61 MB (MPP §6); four times that. */
export const TRANSFER_SIZE_MAX_DEFAULT = 256 * 1024 * 1024

/** 61 MB in blocks of 512 at a round trip of 100 ms take 3.3 hours; nobody needs twice that. */
export const DURATION_MAX_MS_DEFAULT: Millis = 6 * 3600 * 1000

/** The usual policy: first resend after 250 ms, adaptive between 50 ms and 5 s, eight resends (16 to 28 s of silence). */
export const DEFAULT_TRANSFER_POLICY: TransferPolicy = {
  blockSizeMax: BLOCK_SIZE_MAX_DEFAULT,
  windowSizeMax: WINDOW_SIZE_MAX_DEFAULT,
  timeoutMs: 250,
  timeoutMinMs: 50,
  timeoutMaxMs: 5000,
  retriesMax: 8,
  transferSizeMax: TRANSFER_SIZE_MAX_DEFAULT,
  durationMaxMs: DURATION_MAX_MS_DEFAULT,
}

/**
 * Resends of an answer to an asker who has said nothing since. Its address may be forged, and each resend would then
 * hit a stranger; an honest asker repeats its request anyway.
 */
export const UNCONFIRMED_RETRIES_MAX = 3

/** Shortest time an ended transfer still answers repeats of the last packet on the asking side (RFC 1350 §6), ms. */
export const LINGER_MIN_MS: Millis = 1000

/** Answers an ended transfer gives at most. */
export const LINGER_REPLIES_MAX = 8

/** Longest wait between `done` and `confirm` of a transfer opened with `holdFinalAck`, ms. */
export const HOLD_MAX_MS: Millis = 10_000

/** The file being sent. `read` gives exactly `length` bytes, may give a view, and always the same bytes. */
export interface TransferSource {
  readonly byteCount: number
  read(offset: number, length: number): Uint8Array
}

/** How this side comes into the transfer: it asks (client) or answers a request (server). */
export type TransferOpening =
  | { readonly kind: 'ask'; readonly filename: string; readonly wanted?: WantedOptions | undefined }
  | {
      readonly kind: 'answer'
      /** Options of the request. */
      readonly options: ReadonlyMap<string, string>
      /** Receiving only: acknowledge the last block not before `confirm`. */
      readonly holdFinalAck?: boolean | undefined
    }

/** What can happen to a transfer. `confirm` releases a held final ACK; `code` of `abort` is a TFTP error, 0 if absent. */
export type TransferInput =
  | { readonly kind: 'datagram'; readonly bytes: Uint8Array }
  | { readonly kind: 'timer' }
  | { readonly kind: 'abort'; readonly message: string; readonly code?: number | undefined }
  | { readonly kind: 'confirm' }

/**
 * What is to be done. `wake` replaces any earlier one. `done` comes once; only with `holdFinalAck` may a `failed`
 * follow it, when the file was complete but refused. `bytes` is the file received, undefined when it was sent.
 */
export type TransferOutput =
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'wake'; readonly at: Millis }
  | { readonly kind: 'done'; readonly bytes: Uint8Array | undefined; readonly byteCount: number }
  | {
      readonly kind: 'failed'
      readonly reason: TransferFailure
      /** TFTP error code, sent or received. */
      readonly errorCode?: number
      readonly message: string
    }

/**
 * Why a transfer failed: no answer any more, the peer said ERROR, the file is over `transferSizeMax`, an OACK that
 * cannot be, a packet against the rules, or our own side gave up.
 */
export type TransferFailure = 'timeout' | 'peer-error' | 'too-large' | 'bad-options' | 'protocol' | 'aborted'

/** What both roles keep while a transfer lives. */
export interface LiveTransfer {
  readonly policy: TransferPolicy
  readonly wanted: WantedOptions
  readonly terms: TransferTerms
  readonly timing: Timing
  /** True for the side that asked. */
  readonly asks: boolean
  /** True once the peer has confirmed something we sent it. */
  readonly confirmed: boolean
  readonly startedAt: Millis
  readonly heardAt: Millis
  readonly deadline: Millis
  readonly retries: number
  /** When the packet was sent whose answer measures the round trip; undefined if there is none to measure. */
  readonly measuringSince: Millis | undefined
  /** Our first packet if it carries more than a number: the request or the OACK. Undefined once it has done its work. */
  readonly opening: Uint8Array | undefined
}
