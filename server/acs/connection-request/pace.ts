/**
 * When which device is asked to call: seldom each, not too many together, in the order of asking. Arithmetic and memory
 * only; the caller tells the time, from a clock that never goes back, and does the asking.
 * Source: [TR-069 §8.1]: devices answer 503 when they are asked too often.
 */
import type { Millis } from '../../../protocol/result.ts'

export interface PaceLimits {
  /** Between the beginnings of two requests to one device. */
  readonly perDeviceMs: Millis
  /** Requests under way at once. */
  readonly inFlightMax: number
  /** Requests begun in any second. */
  readonly perSecondMax: number
  /** Devices that wait; who comes later is turned away. */
  readonly waitingMax: number
}

/** 10 s per device as its agents expect; sockets and rate that one process serves without effort; ten minutes' work. */
export const PACE_LIMITS: PaceLimits = { perDeviceMs: 10_000, inFlightMax: 50, perSecondMax: 100, waitingMax: 60_000 }

const SECOND: Millis = 1000

export interface Pace {
  /**
   * @returns `waiting`: it gets its turn; `merged`: a request to this device waits or is under way, which does for both,
   *   since a session takes all that is to be done; `full`: turned away.
   */
  ask(device: string): 'waiting' | 'merged' | 'full'
  /** @returns devices to be asked now. Each is under way until {@link Pace.finish} is called. */
  begin(now: Millis): readonly string[]
  /** The request ended, however it did. */
  finish(device: string): void
  /** The device needs no request any more, say because it called by itself. One under way is not stopped. */
  forget(device: string): void
  /** @returns when to call `begin` again; undefined: not before the next `ask` or `finish`. */
  nextAt(now: Millis): Millis | undefined
}

export function createPace(limits: PaceLimits = PACE_LIMITS): Pace {
  const waiting = new Set<string>()
  const inFlight = new Set<string>()
  /** When each device was last asked, oldest first; only those that must still wait. Bounded by the rate. */
  const lastAsked = new Map<string, Millis>()
  /** Beginnings within the last second, oldest first. */
  const recent: Millis[] = []

  const expire = (now: Millis): void => {
    while (recent[0] !== undefined && recent[0] + SECOND <= now) recent.shift()
    for (const [device, at] of lastAsked) {
      if (at + limits.perDeviceMs > now) break
      lastAsked.delete(device)
    }
  }
  const isFree = (): boolean => inFlight.size < limits.inFlightMax && recent.length < limits.perSecondMax

  return {
    ask(device) {
      if (waiting.has(device) || inFlight.has(device)) return 'merged'
      if (waiting.size >= limits.waitingMax) return 'full'
      waiting.add(device)
      return 'waiting'
    },
    begin(now) {
      expire(now)
      const begun: string[] = []
      for (const device of waiting) {
        if (!isFree()) break
        if (lastAsked.has(device)) continue
        waiting.delete(device)
        inFlight.add(device)
        lastAsked.set(device, now)
        recent.push(now)
        begun.push(device)
      }
      return begun
    },
    finish: (device) => void inFlight.delete(device),
    forget: (device) => void waiting.delete(device),
    nextAt(now) {
      if (waiting.size === 0 || inFlight.size >= limits.inFlightMax) return undefined
      expire(now)
      const rateAt = recent.length < limits.perSecondMax ? now : (recent[0] ?? now) + SECOND
      return Math.max(rateAt, earliestDue(waiting, lastAsked, limits.perDeviceMs, now))
    },
  }
}

function earliestDue(
  waiting: ReadonlySet<string>,
  lastAsked: ReadonlyMap<string, Millis>,
  perDeviceMs: Millis,
  now: Millis,
): Millis {
  let earliest = Number.POSITIVE_INFINITY
  for (const device of waiting) {
    const at = lastAsked.get(device)
    if (at === undefined) return now
    earliest = Math.min(earliest, at + perDeviceMs)
  }
  return earliest
}
