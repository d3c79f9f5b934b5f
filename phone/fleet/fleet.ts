/** Many phones in one process: one schedule, shared connections, and a record of what they did. */
import type { Millis } from '../../protocol/result.ts'
import type { Hardware, Lease, PhoneEvent, PhonePolicies } from '../agent/mod.ts'
import {
  createSchedule,
  createSyslogSender,
  createTransport,
  type DhcpLink,
  type Phone,
  type PhoneShellOptions,
  type ShellTls,
  startPhoneIn,
  type Surroundings,
  type Transport,
} from '../shell/mod.ts'
import { type Arrival, arrivalTimes } from './arrival.ts'
import { type Population, populate, seededRng } from './population.ts'
import { type FleetCounts, FleetRecord, type FleetSummary } from './record.ts'

/** Certificates made at the same time. */
const STARTS_MAX = 8
/** Callers of `until` at once. */
const WAITERS_MAX = 64

export interface FleetOptions extends Population {
  readonly arrival: Arrival
  /** One set for all, whose connections are then shared; or each phone's own, made when it gets power. */
  readonly tls: ShellTls | ((hardware: Hardware) => Promise<ShellTls>)
  /** What DHCP gives, as data; or the link on which each phone asks for itself. */
  readonly lease: ((hardware: Hardware) => Lease) | { readonly dhcp: DhcpLink }
  readonly policies?: Partial<PhonePolicies>
  /** A web server for each phone, on any free port. */
  readonly webServers?: boolean
  readonly network?: PhoneShellOptions['network']
  readonly onEvent?: (hardware: Hardware, event: PhoneEvent, at: Millis) => void
}

export interface Fleet {
  /** Those that have power, in the order of their arrival. */
  phones(): readonly Phone[]
  counts(): FleetCounts
  summary(): FleetSummary
  /** Resolves as soon as the predicate holds; rejects after the time, or when the fleet stops. */
  until(predicate: (counts: FleetCounts) => boolean, timeoutMs: Millis): Promise<FleetCounts>
  /** Cuts the power of all and closes everything; `leaving` the registrars first. */
  stop(how?: { readonly leaving: boolean }): Promise<void>
}

/** Phones arrive from now on. Throws RangeError for a population that cannot be. */
export function startFleet(options: FleetOptions): Fleet {
  return new RunningFleet(options)
}

interface Waiter {
  readonly predicate: (counts: FleetCounts) => boolean
  readonly resolve: (counts: FleetCounts) => void
  readonly reject: (cause: Error) => void
}

class RunningFleet implements Fleet {
  readonly #options: FleetOptions
  readonly #record: FleetRecord
  readonly #schedule = createSchedule(Date.now)
  readonly #syslog = createSyslogSender()
  readonly #transports: Transport[] = []
  readonly #shared: Transport | undefined
  readonly #phones: Phone[] = []
  readonly #arrived: Hardware[] = []
  readonly #starting = new Set<Promise<void>>()
  readonly #waiters = new Set<Waiter>()
  #stopped = false

  constructor(options: FleetOptions) {
    this.#options = options
    const { seed, arrival, tls, network } = options
    const hardware = populate(options)
    const count = hardware.length
    const rng = seededRng(seed)
    this.#record = new FleetRecord(count, () => performance.now(), rng)
    if (typeof tls !== 'function') this.#shared = this.#transport({ tls, keepAlive: true, ...network })
    const startAt = Date.now()
    const times = arrivalTimes(arrival, count, rng)
    hardware.forEach((one, index) => {
      const alarm = this.#schedule.alarm(() => {
        this.#arrived.push(one)
        this.#startNext()
      })
      alarm.set(startAt + (times[index] ?? 0))
    })
  }

  #transport(options: Parameters<typeof createTransport>[0]): Transport {
    const transport = createTransport(options)
    this.#transports.push(transport)
    return this.#record.watch(transport)
  }

  #startNext(): void {
    if (this.#starting.size >= STARTS_MAX || this.#stopped) return
    const hardware = this.#arrived.shift()
    if (hardware === undefined) return
    const start = this.#start(hardware)
      .catch((cause: unknown) => {
        this.#record.broken()
        this.#event(hardware, { name: 'power-failed', text: String(cause), data: {} }, Date.now())
      })
      .finally(() => {
        this.#starting.delete(start)
        this.#startNext()
      })
    this.#starting.add(start)
  }

  async #start(hardware: Hardware): Promise<void> {
    const { tls, lease, policies, webServers, network, seed } = this.#options
    const own = typeof tls === 'function' ? await tls(hardware) : tls
    if (this.#stopped) return
    const transport = this.#shared ?? this.#transport({ tls: own, ...network })
    const surroundings: Surroundings = { transport, syslog: this.#syslog, schedule: this.#schedule }
    this.#record.started(hardware.mac)
    const phone = await startPhoneIn(
      {
        hardware,
        tls: own,
        lease: typeof lease === 'function' ? () => lease(hardware) : lease,
        webPort: webServers === true ? 0 : 'none',
        // Nonces that a seed replays are good enough for phones of a test.
        rng: seededRng(seed ^ Number.parseInt(hardware.mac.slice(4), 16)),
        onEvent: (event, at) => this.#event(hardware, event, at),
        ...(policies === undefined ? {} : { policies }),
      },
      surroundings,
    )
    this.#phones.push(phone)
  }

  #event(hardware: Hardware, event: PhoneEvent, at: Millis): void {
    this.#record.event(hardware.mac, event)
    this.#options.onEvent?.(hardware, event, at)
    for (const waiter of this.#waiters) {
      const counts = this.#record.counts()
      if (waiter.predicate(counts)) waiter.resolve(counts)
    }
  }

  phones(): readonly Phone[] {
    return [...this.#phones]
  }

  counts(): FleetCounts {
    return this.#record.counts()
  }

  summary(): FleetSummary {
    return this.#record.summary()
  }

  until(predicate: (counts: FleetCounts) => boolean, timeoutMs: Millis): Promise<FleetCounts> {
    const now = this.counts()
    if (predicate(now)) return Promise.resolve(now)
    if (this.#waiters.size >= WAITERS_MAX)
      return Promise.reject(new Error(`More than ${WAITERS_MAX} wait for one fleet`))
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
      }
      const waiter: Waiter = {
        predicate,
        resolve(counts) {
          end()
          resolve(counts)
        },
        reject(cause) {
          end()
          reject(cause)
        },
      }
      const timer = setTimeout(
        () =>
          waiter.reject(new Error(`The fleet has not come there in ${timeoutMs} ms: ${JSON.stringify(this.counts())}`)),
        timeoutMs,
      )
      this.#waiters.add(waiter)
    })
  }

  async stop(how: { readonly leaving: boolean } = { leaving: false }): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#starting)
    await Promise.all(this.#phones.map((phone) => (how.leaving ? phone.switchOff() : phone.powerOff())))
    for (const waiter of this.#waiters) waiter.reject(new Error('The fleet was stopped'))
    this.#schedule.close()
    this.#syslog.close()
    for (const transport of this.#transports) transport.close()
  }
}
