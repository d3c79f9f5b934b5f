/** What a fleet has done, counted while it does it. */
import type { Millis, Rng } from '../../protocol/result.ts'
import type { FetchOutcome, FetchRequest, PhoneEvent } from '../agent/mod.ts'
import type { ExchangeHow, Transport } from '../shell/mod.ts'
import { Samples, type Spread } from './samples.ts'

/** Cheap to ask for at any time. */
export interface FleetCounts {
  readonly phones: number
  /** Phones that have power. */
  readonly started: number
  /** Phones that could not be started, or failed by a fault of ours. */
  readonly broken: number
  /** Phones of which a resync has succeeded. */
  readonly provisioned: number
  /** Phones with at least one registered line now. */
  readonly registered: number
  /** Phones whose last resync has failed. */
  readonly failed: number
  readonly resyncFailures: number
  readonly registrationFailures: number
  /** Exchanges that have ended. */
  readonly requests: number
}

export interface FleetSummary extends FleetCounts {
  /** How exchanges ended: `HTTP 200`, `TFTP file`, `TFTP error 1`, `failed: connect`. */
  readonly outcomes: Readonly<Record<string, number>>
  /**
   * Why phones that are not registered, or not even provisioned, say that they are not: `resync: http-404`,
   * `registration: 403`, with the number of phones whose last trouble it is.
   */
  readonly troubles: Readonly<Record<string, number>>
  readonly bytesReceived: number
  /** Of whole exchanges, name look-up and connection included; aborted ones do not count. */
  readonly latency: Spread | undefined
  /** From power to the first resync that succeeded, and to the first registration. */
  readonly toProvisioned: Spread | undefined
  readonly toRegistered: Spread | undefined
}

/** Different outcomes told apart; there are a few hundred status codes. */
const OUTCOMES_MAX = 64

interface PhoneRecord {
  readonly startedAt: Millis
  readonly lines: Set<number>
  provisioned: boolean
  everRegistered: boolean
  failing: boolean
  /** What went wrong last; undefined since something went well. */
  trouble: string | undefined
}

export class FleetRecord {
  readonly #phones: number
  readonly #clock: () => Millis
  readonly #latency: Samples
  readonly #toProvisioned: Samples
  readonly #toRegistered: Samples
  readonly #records = new Map<string, PhoneRecord>()
  readonly #outcomes = new Map<string, number>()
  #broken = 0
  #resyncFailures = 0
  #registrationFailures = 0
  #requests = 0
  #bytesReceived = 0
  #provisioned = 0
  #registered = 0
  #failed = 0

  /** @param clock  any steady clock */
  constructor(phones: number, clock: () => Millis, rng: Rng) {
    this.#phones = phones
    this.#clock = clock
    this.#latency = new Samples(rng)
    this.#toProvisioned = new Samples(rng)
    this.#toRegistered = new Samples(rng)
  }

  started(mac: string): void {
    const record = {
      startedAt: this.#clock(),
      lines: new Set<number>(),
      provisioned: false,
      everRegistered: false,
      failing: false,
      trouble: undefined,
    }
    this.#records.set(mac, record)
  }

  broken(): void {
    this.#broken += 1
  }

  event(mac: string, event: PhoneEvent): void {
    const record = this.#records.get(mac)
    if (record === undefined) return
    const line = Number(event.data['line'] ?? 0)
    switch (event.name) {
      case 'resync-finished':
        this.#failing(record, false)
        if (!record.provisioned) this.#toProvisioned.add(this.#clock() - record.startedAt)
        this.#provisioned += Number(!record.provisioned)
        record.provisioned = true
        record.trouble = undefined
        return
      case 'resync-failed':
      case 'redirect-unowned':
        this.#resyncFailures += 1
        record.trouble = `resync: ${event.name === 'redirect-unowned' ? 'nobody owns it' : String(event.data['error'])}`
        return this.#failing(record, true)
      case 'registered':
        if (!record.everRegistered) this.#toRegistered.add(this.#clock() - record.startedAt)
        record.everRegistered = true
        record.trouble = undefined
        return this.#lines(record, (lines) => lines.add(line))
      case 'registration-failed':
        this.#registrationFailures += 1
        record.trouble = `registration: ${String(event.data['status'] ?? event.data['reason'])}`
        return this.#lines(record, (lines) => lines.delete(line))
      case 'unregistered':
        return this.#lines(record, (lines) => lines.delete(line))
      case 'boot':
        return this.#lines(record, (lines) => lines.clear())
      case 'phone-failed':
        return this.broken()
      default:
        return
    }
  }

  #failing(record: PhoneRecord, failing: boolean): void {
    this.#failed += Number(failing) - Number(record.failing)
    record.failing = failing
  }

  #lines(record: PhoneRecord, change: (lines: Set<number>) => unknown): void {
    const before = record.lines.size > 0
    change(record.lines)
    this.#registered += Number(record.lines.size > 0) - Number(before)
  }

  /** The same transport, watched. */
  watch(transport: Transport): Transport {
    return {
      ...transport,
      exchange: async (request: FetchRequest, signal: AbortSignal, how?: ExchangeHow) => {
        const startedAt = this.#clock()
        const outcome = await transport.exchange(request, signal, how)
        if (!signal.aborted) this.#exchanged(outcome, this.#clock() - startedAt)
        return outcome
      },
    }
  }

  #exchanged(outcome: FetchOutcome, ms: Millis): void {
    this.#requests += 1
    this.#latency.add(ms)
    if (outcome.kind === 'response' || outcome.kind === 'tftp-file') this.#bytesReceived += outcome.body.length
    countIn(this.#outcomes, nameOf(outcome))
  }

  counts(): FleetCounts {
    return {
      phones: this.#phones,
      started: this.#records.size,
      broken: this.#broken,
      provisioned: this.#provisioned,
      registered: this.#registered,
      failed: this.#failed,
      resyncFailures: this.#resyncFailures,
      registrationFailures: this.#registrationFailures,
      requests: this.#requests,
    }
  }

  summary(): FleetSummary {
    const troubles = new Map<string, number>()
    for (const { trouble } of this.#records.values()) if (trouble !== undefined) countIn(troubles, trouble)
    return {
      ...this.counts(),
      outcomes: sortedByName(this.#outcomes),
      troubles: sortedByName(troubles),
      bytesReceived: this.#bytesReceived,
      latency: this.#latency.spread(),
      toProvisioned: this.#toProvisioned.spread(),
      toRegistered: this.#toRegistered.spread(),
    }
  }
}

/** Beyond so many names, the rest is one. */
function countIn(counts: Map<string, number>, name: string): void {
  const key = counts.has(name) || counts.size < OUTCOMES_MAX ? name : 'other'
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function sortedByName(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function nameOf(outcome: FetchOutcome): string {
  switch (outcome.kind) {
    case 'response':
      return `HTTP ${outcome.status}`
    case 'tftp-file':
      return 'TFTP file'
    case 'tftp-error':
      return `TFTP error ${outcome.code}`
    case 'failed':
      return `failed: ${outcome.reason}`
  }
}
