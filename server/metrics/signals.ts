/**
 * What the doors notice for the watch: counted in memory while requests are answered, taken away in batches by the watch
 * job. Nothing here decides about an answer but the budget of a network. Bounded whatever comes in.
 */
import { isIPv6 } from 'node:net'

/** Devices, networks and peers that are remembered between two drains or within an hour. */
const DEVICES_MAX = 20_000
const NETWORKS_MAX = 4096
const CANARY_HITS_MAX = 200

/** Unknown MACs that one network may name within an hour: a bench of new phones, not a search. */
export const UNKNOWN_MACS_MAX = 128
const SPAN_MS = 60 * 60_000

/** Full downloads of one device since the last drain, by the cause that it named (`$PRVST`, MPP §5.3). */
export interface Downloads {
  readonly mac: string
  /** Of the newest one, ms. */
  at: number
  total: number
  power: number
  periodic: number
  retry: number
  commanded: number
  /** Those after which it said that it runs something else than what it was served before. */
  unmatched: number
  /** Seconds after which it should be back; undefined when its profile tells no time. */
  periodSeconds: number | undefined
}

export interface NetworkClaims {
  readonly network: string
  readonly unknownMacs: number
  /** Claims that were dropped since the last drain. */
  readonly dropped: number
}

export interface CanaryHit {
  readonly mac: string
  readonly peer: string
  readonly at: number
  readonly door: string
}

/** Trouble of admission control since the last drain. */
export type OverloadCounts = Readonly<Record<'deferred' | 'closed-early' | 'given-up' | 'later', number>>

export interface Drained {
  readonly downloads: readonly Downloads[]
  readonly networks: readonly NetworkClaims[]
  readonly canaries: readonly CanaryHit[]
  readonly overload: OverloadCounts
}

export interface Download {
  readonly mac: string
  readonly at: number
  readonly cause: string | undefined
  readonly unmatched: boolean
  readonly periodSeconds: number | undefined
}

export interface Signals {
  /** A device of ours got its whole profile, by evidence that is believed. */
  downloaded(download: Download): void
  /**
   * A request merely claims a MAC.
   * @param known whether it is one of ours; does not change the answer
   * @returns whether the claim is heard: beyond its budget a network is not, whatever MAC it names
   */
  claimed(claim: {
    readonly mac: string
    readonly peer: string
    readonly known: boolean
    readonly door: string
    readonly at: number
  }): boolean
  overloaded(what: keyof OverloadCounts): void
  /** Any evidence: a canary is a MAC that nobody has. */
  named(mac: string, peer: string, door: string, at: number): void
  setCanaries(macs: Iterable<string>): void
  /** What this machine was measured to do, full handshakes a second; the doors set their limits by it. */
  setMachine(handshakesPerSecond: number): void
  onMachine(handler: (handshakesPerSecond: number) => void): void
  /** What came since the last time. */
  drain(): Drained
}

export function createSignals(): Signals {
  const downloads = new Map<string, Downloads>()
  const networks = new Map<string, Network>()
  const machineHandlers: ((handshakesPerSecond: number) => void)[] = []
  let canaries: ReadonlySet<string> = new Set()
  let hits: CanaryHit[] = []
  let overload: Record<keyof OverloadCounts, number> = { ...NO_OVERLOAD }

  function named(mac: string, peer: string, door: string, at: number): void {
    if (canaries.has(mac) && hits.length < CANARY_HITS_MAX) hits.push({ mac, peer, at, door })
  }

  return {
    downloaded(download) {
      const entry = downloads.get(download.mac)
      if (entry === undefined && downloads.size >= DEVICES_MAX) return
      downloads.set(download.mac, addDownload(entry, download))
    },
    claimed({ mac, peer, known, door, at }) {
      named(mac, peer, door, at)
      const network = networkOf(networks, prefixOf(peer), at)
      if (network.unknown.size < UNKNOWN_MACS_MAX && !known) network.unknown.add(mac)
      // The machine itself is no stranger: virtual phones in their thousands stand on one address there.
      const heard = network.unknown.size < UNKNOWN_MACS_MAX || isLoopback(peer)
      if (!heard) network.dropped += 1
      return heard
    },
    overloaded(what) {
      overload[what] += 1
    },
    named,
    setCanaries(macs) {
      canaries = new Set(macs)
    },
    setMachine(handshakesPerSecond) {
      for (const handler of machineHandlers) handler(handshakesPerSecond)
    },
    onMachine: (handler) => void machineHandlers.push(handler),
    drain() {
      const drained: Drained = {
        downloads: [...downloads.values()],
        networks: overBudget(networks),
        canaries: hits,
        overload,
      }
      downloads.clear()
      hits = []
      overload = { ...NO_OVERLOAD }
      return drained
    },
  }
}

const NO_OVERLOAD: OverloadCounts = { deferred: 0, 'closed-early': 0, 'given-up': 0, later: 0 }

interface Network {
  readonly since: number
  readonly unknown: Set<string>
  dropped: number
}

/** An entry lasts an hour from its first claim; when there are too many the oldest goes. */
function networkOf(networks: Map<string, Network>, prefix: string, at: number): Network {
  const known = networks.get(prefix)
  if (known !== undefined && at - known.since < SPAN_MS) return known
  networks.delete(prefix)
  if (networks.size >= NETWORKS_MAX) networks.delete(networks.keys().next().value ?? '')
  const made = { since: at, unknown: new Set<string>(), dropped: 0 }
  networks.set(prefix, made)
  return made
}

function overBudget(networks: Map<string, Network>): readonly NetworkClaims[] {
  const result: NetworkClaims[] = []
  for (const [network, entry] of networks) {
    if (entry.dropped === 0) continue
    result.push({ network, unknownMacs: entry.unknown.size, dropped: entry.dropped })
    entry.dropped = 0
  }
  return result
}

function addDownload(before: Downloads | undefined, { mac, at, cause, unmatched, periodSeconds }: Download): Downloads {
  const entry = before ?? {
    mac,
    at,
    total: 0,
    power: 0,
    periodic: 0,
    retry: 0,
    commanded: 0,
    unmatched: 0,
    periodSeconds,
  }
  entry.at = Math.max(entry.at, at)
  entry.total += 1
  entry.periodSeconds = periodSeconds
  if (unmatched) entry.unmatched += 1
  const name = cause === undefined ? undefined : CAUSES[cause]
  if (name !== undefined) entry[name] += 1
  return entry
}

/** `$PRVST` when a run starts (MPP §5.3). */
const CAUSES: Readonly<Record<string, 'power' | 'periodic' | 'retry' | 'commanded'>> = {
  '0': 'power',
  '1': 'periodic',
  '2': 'retry',
  '-1': 'commanded',
}

/** What one customer has at most: 24 bits of an IPv4 address, 56 of an IPv6 one. @returns e.g. `192.0.2.0/24` */
export function prefixOf(peer: string): string {
  if (!isIPv6(peer)) {
    const parts = peer.split('.')
    return parts.length === 4 ? `${parts.slice(0, 3).join('.')}.0/24` : peer
  }
  const [head = '', tail = ''] = peer.split('%', 1)[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  const groups = [...left, ...zeros, ...right].slice(0, 4).map((group) => Number.parseInt(group, 16) || 0)
  const fourth = (groups[3] ?? 0) & 0xff00
  return `${[...groups.slice(0, 3), fourth].map((group) => group.toString(16)).join(':')}::/56`
}

function isLoopback(peer: string): boolean {
  return peer === '::1' || peer.startsWith('127.')
}
