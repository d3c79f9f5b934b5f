/**
 * Whether a new connection may begin its handshake now. A handshake is the dearest thing that a stranger can ask of this
 * machine, so under load it waits, and what is open already gets on. Numbers in, decision out; `admission-gate.ts` holds
 * the sockets.
 */
import type { Millis } from '../../../protocol/result.ts'

/** What the door may take on at once. */
export interface AdmissionLimits {
  /** Handshakes under way, in full ones: a resumed one counts less. */
  readonly handshakesMax: number
  /** Connections that wait for their handshake; beyond it new ones are closed at once. */
  readonly waitingMax: number
  /** How long a connection waits before it is closed: the phone has given up by then. */
  readonly waitMaxMs: Millis
  /** How late the event loop may be before no new handshake begins. */
  readonly loopDelayMaxMs: Millis
  /** Requests under way; beyond it one is told to come back later. */
  readonly requestsMax: number
}

/** Right for a machine of which nothing is known yet. */
export const DEFAULT_ADMISSION: AdmissionLimits = {
  handshakesMax: 64,
  waitingMax: 5000,
  waitMaxMs: 20_000,
  loopDelayMaxMs: 250,
  requestsMax: 4000,
}

/** What a resumed handshake costs beside a full one: no signature of ours, no certificate of the phone. */
export const RESUMED_WEIGHT = 0.25

export interface AdmissionLoad {
  /** In full handshakes. */
  readonly handshakes: number
  readonly waiting: number
  readonly loopDelayMs: Millis
  readonly requests: number
}

/**
 * The limits of a machine that was measured: a quarter of a second's worth of handshakes under way, so that those in
 * hand are done soon whatever comes; and as many waiting as can be served before they give up.
 */
export function limitsOfMachine(handshakesPerSecond: number): AdmissionLimits {
  const { waitMaxMs } = DEFAULT_ADMISSION
  return {
    ...DEFAULT_ADMISSION,
    handshakesMax: within(8, Math.round(handshakesPerSecond / 4), 1024),
    waitingMax: within(200, Math.round((handshakesPerSecond * waitMaxMs) / 1000), 15_000),
  }
}

function within(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}

/** Those that wait come first: a newcomer begins at once only when nobody does. */
export function admitConnection(load: AdmissionLoad, limits: AdmissionLimits): 'begin' | 'defer' | 'close' {
  if (load.waiting === 0 && mayBegin(load, limits, 1)) return 'begin'
  return load.waiting < limits.waitingMax ? 'defer' : 'close'
}

/**
 * @param weight of the handshake in question, 1 for a full one
 * @returns whether it may begin; one is always under way, so that nothing ever stands still
 */
export function mayBegin(load: AdmissionLoad, limits: AdmissionLimits, weight: number): boolean {
  if (load.handshakes <= 0) return true
  return load.loopDelayMs <= limits.loopDelayMaxMs && load.handshakes + weight <= limits.handshakesMax
}

/** One more request on an open connection costs little; only a number that memory feels is turned away. */
export function admitRequest(
  load: Pick<AdmissionLoad, 'requests'> & Partial<AdmissionLoad>,
  limits: AdmissionLimits,
): 'serve' | 'later' {
  return load.requests < limits.requestsMax ? 'serve' : 'later'
}

/** Seconds for `Retry-After` (RFC 9110 §10.2.3): a minute and up to another, so that those turned away do not return together. */
export function retryAfterSeconds(chance: number): number {
  return 60 + Math.floor(chance * 61)
}

const RECORD_HANDSHAKE = 22
const CLIENT_HELLO = 1
const EXTENSION_SESSION_TICKET = 0x0023
const EXTENSION_PRE_SHARED_KEY = 0x0029

/**
 * Whether a ClientHello asks to resume (RFC 8446 §4.2.11, RFC 5077 §3.2). What cannot be read counts as a full one. It
 * only chooses the order among those that wait, so a lie gains little.
 */
export function asksToResume(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 44 || bytes[0] !== RECORD_HANDSHAKE || bytes[5] !== CLIENT_HELLO) return false
  let at = 43
  at += 1 + (bytes[at] ?? 0)
  if (at + 2 > bytes.length) return false
  at += 2 + view.getUint16(at)
  if (at + 1 > bytes.length) return false
  at += 1 + (bytes[at] ?? 0) + 2
  while (at + 4 <= bytes.length) {
    const type = view.getUint16(at)
    const length = view.getUint16(at + 2)
    if (type === EXTENSION_PRE_SHARED_KEY || (type === EXTENSION_SESSION_TICKET && length > 0)) return true
    at += 4 + length
  }
  return false
}
