/**
 * How often one address may have something that needs no proof. Arithmetic and memory only; bounded.
 * Certified phones are never limited by address: a thousand of them may stand behind one router.
 */
import type { Millis } from '../../protocol/result.ts'
import { network64Of } from '../devices/mod.ts'

/** Addresses remembered at once; beyond it the one that was first seen is forgotten. */
const SOURCES_MAX = 50_000

export interface SourceLimit {
  /** @returns whether one more is allowed now, and counts it if so */
  take(peer: string, now: Millis): boolean
}

export interface SourceLimits {
  /** Firmware files to strangers. */
  readonly firmware: SourceLimit
  /** Notes of what is merely claimed. */
  readonly claims: SourceLimit
  /** Notes that a phone turned up which does not prove who it is. */
  readonly sightings: SourceLimit
  /** Notes that a phone with a right certificate was refused; by its MAC. */
  readonly refused: SourceLimit
}

/** A site of a few hundred phones behind one address may fetch all parts of a load; a flood may not. */
const FIRMWARE = { burst: 2000, perSecond: 20 } as const
const CLAIMS = { burst: 60, perSecond: 1 } as const
/** A bench unpacks hundreds of phones at once, behind one address; each asks a few times. */
const SIGHTINGS = { burst: 2000, perSecond: 20 } as const

export function createSourceLimits(): SourceLimits {
  const firmware = createSourceLimit(FIRMWARE)
  return {
    // The machine itself is no stranger: virtual phones in their thousands stand on one address there.
    firmware: { take: (peer, now) => isLoopback(peer) || firmware.take(peer, now) },
    claims: createSourceLimit(CLAIMS),
    sightings: createSourceLimit(SIGHTINGS),
    refused: createSourceLimit(CLAIMS),
  }
}

/**
 * Counts by the theoretical time of arrival (GCRA): one number for each address.
 * @param burst     how many may come at once
 * @param perSecond how many come back each second
 */
export function createSourceLimit({
  burst,
  perSecond,
}: {
  readonly burst: number
  readonly perSecond: number
}): SourceLimit {
  const arrivals = new Map<string, Millis>()
  const spacingMs = 1000 / perSecond
  return {
    take(peer, now) {
      const source = sourceOf(peer)
      const due = Math.max(arrivals.get(source) ?? now, now)
      if (due - now > (burst - 1) * spacingMs) return false
      arrivals.delete(source)
      if (arrivals.size >= SOURCES_MAX) arrivals.delete(arrivals.keys().next().value ?? '')
      arrivals.set(source, due + spacingMs)
      return true
    },
  }
}

/** A subscriber has a whole IPv6 network of 64 bits, so all of it counts as one source. */
function sourceOf(peer: string): string {
  return peer.includes(':') ? (network64Of(peer) ?? peer) : peer
}

function isLoopback(peer: string): boolean {
  return peer === '::1' || peer.startsWith('127.')
}
