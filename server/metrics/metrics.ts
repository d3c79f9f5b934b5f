/**
 * What this process counts, in the text format of Prometheus. Counting is a number in memory; text is made when somebody
 * asks. No label ever names a phone, so what is kept does not grow with the fleet.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export type MetricDoor = 'tftp' | 'http' | 'https'

/** How a request ended, the same words for all doors. */
export type RequestOutcome = 'profile' | 'file' | 'empty' | 'challenge' | 'refused' | 'later' | 'failed'
/** How a message to the ACS was answered. */
export type AcsOutcome = 'message' | 'empty' | 'refused' | 'later' | 'failed'
export type HandshakeOutcome = 'full' | 'resumed' | 'failed'
export type AdmissionOutcome = 'deferred' | 'closed-early' | 'given-up' | 'later'

/** Upper ends in seconds: from a cached profile to a phone that waits for the disk. */
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

/** Combinations of labels of one counter; more would mean that a label holds what it must not. */
const LABELS_MAX = 200

/** Counts in plain numbers, and tells them when it is asked. */
export interface FastCounter<Labels extends Readonly<Record<string, string>>> {
  inc(labels: Labels, by?: number): void
  /** The sum over all labels, or over those that match. */
  total(matching?: Partial<Labels>): number
}

export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics() {
  const registry = new Registry()
  const requests = fastCounter<{ door: MetricDoor; outcome: RequestOutcome }>(
    registry,
    'offhook_requests_total',
    'Requests of phones by door and outcome',
    ['door', 'outcome'],
  )
  const handshakes = fastCounter<{ outcome: HandshakeOutcome }>(
    registry,
    'offhook_handshakes_total',
    'TLS handshakes by outcome',
    ['outcome'],
  )
  const admission = fastCounter<{ outcome: AdmissionOutcome }>(
    registry,
    'offhook_admission_total',
    'Connections that had to wait or were closed before their handshake, and requests told to come later',
    ['outcome'],
  )
  const acs = fastCounter<{ outcome: AcsOutcome }>(
    registry,
    'offhook_acs_messages_total',
    'Messages of TR-069 devices by how they were answered',
    ['outcome'],
  )
  const alarms = fastCounter<{ kind: string; change: 'raised' | 'cleared' }>(
    registry,
    'offhook_alarm_changes_total',
    'Alarms raised and cleared by this process',
    ['kind', 'change'],
  )
  const seconds = new Histogram({
    name: 'offhook_request_seconds',
    help: 'From a request to its answer',
    labelNames: ['door'],
    buckets: REQUEST_SECONDS,
    registers: [registry],
  })
  const times = { tftp: seconds.labels('tftp'), http: seconds.labels('http'), https: seconds.labels('https') }
  const gauges = openGauges(registry)
  return {
    requests,
    handshakes,
    admission,
    acs,
    alarms,
    /** @param milliseconds that a request took */
    observeRequest: (door: MetricDoor, milliseconds: number): void => times[door].observe(milliseconds / 1000),
    ...gauges,
    /** The text of `GET /metrics`. */
    text: (): Promise<string> => registry.metrics(),
    contentType: registry.contentType,
  }
}

/**
 * Numbers that are read when somebody asks: whoever knows one hands in how to read it, and takes it back at the end.
 * Several doors of a process may give the same name with other labels; equal ones are added up.
 */
function openGauges(registry: Registry) {
  const known = new Map<string, { gauge: Gauge; sources: Set<Source> }>()
  return {
    /** @returns what takes it back */
    addGauge(
      name: string,
      help: string,
      labels: Readonly<Record<string, string>>,
      read: () => number | Promise<number>,
    ): () => void {
      const source: Source = { labels, read }
      const entry = known.get(name) ?? openGauge(registry, name, help, Object.keys(labels))
      known.set(name, entry)
      entry.sources.add(source)
      return () => entry.sources.delete(source)
    },
  }
}

interface Source {
  readonly labels: Readonly<Record<string, string>>
  readonly read: () => number | Promise<number>
}

function openGauge(registry: Registry, name: string, help: string, labelNames: string[]) {
  const sources = new Set<Source>()
  const gauge = new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    async collect() {
      this.reset()
      for (const { labels, read } of sources) {
        // One number that cannot be read must not take the others with it.
        const value = await Promise.resolve()
          .then(read)
          .catch(() => undefined)
        if (value !== undefined) this.inc(labels, value)
      }
    },
  })
  return { gauge, sources }
}

function fastCounter<Labels extends Readonly<Record<string, string>>>(
  registry: Registry,
  name: string,
  help: string,
  labelNames: (keyof Labels & string)[],
): FastCounter<Labels> {
  const counts = new Map<string, { readonly labels: Labels; count: number }>()
  const counter = new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      for (const { labels, count } of counts.values()) counter.inc({ ...labels }, count)
    },
  })
  return {
    inc(labels, by = 1) {
      let key = ''
      for (const label of labelNames) key += `${labels[label]} `
      const entry = counts.get(key)
      if (entry !== undefined) entry.count += by
      else if (counts.size < LABELS_MAX) counts.set(key, { labels, count: by })
    },
    total(matching = {}) {
      const wanted = Object.entries(matching)
      return [...counts.values()]
        .filter(({ labels }) => wanted.every(([label, value]) => labels[label] === value))
        .reduce((sum, { count }) => sum + count, 0)
    },
  }
}

/** The numbers of this process. */
export const metrics: Metrics = createMetrics()
