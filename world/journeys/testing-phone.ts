/** A phone of the journeys: real sockets, the provider's standard ports where the doors are, and a clock of its own. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Agent, CustomizationState, Hardware, Lease, PhoneEvent } from '../../phone/agent/mod.ts'
import {
  createSchedule,
  createSyslogSender,
  createTransport,
  type Phone,
  type ShellTls,
  startPhoneIn,
  type Transport,
} from '../../phone/shell/mod.ts'
import { printResyncUrl } from '../../protocol/http/mod.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import { assert, type Millis } from '../../protocol/result.ts'
import { eventually } from '../life/testing.ts'

export interface BenchPhoneOptions {
  /** What DHCP gives at its first boot; by default an address and nothing else. */
  readonly lease?: Lease
  /** Of the redirect service; by default that of the test's server. */
  readonly rcUrl?: string
  /** False: of all the roots, it lacks the provider's own. */
  readonly trusting?: boolean
  /** False: it stays in its box until `plugIn`. */
  readonly plugged?: boolean
}

export interface BenchPhone {
  readonly phone: Phone
  readonly mac: MacAddress
  readonly serial: string
  readonly model: string
  /** Everything it has said, oldest first. */
  readonly said: readonly PhoneEvent[]
  agent(): Agent
  load(): string
  customization(): CustomizationState
  /** Names of what it has said since `from`. */
  names(from?: number): readonly string[]
  /** What it has asked for since `from`, with method and URL. */
  asked(from?: number): readonly string[]
  /** Resolves when the predicate holds. */
  comes(predicate: (agent: Agent) => boolean): Promise<void>
  /** Resolves with the next event of that name, or one that was said since `from`. */
  says(name: string, from?: number): Promise<PhoneEvent>
  /** Resolves when a resync that somebody asked for has failed. */
  resyncFails(): Promise<void>
  /** Power and network, for a phone that is still in its box. */
  plugIn(): Promise<void>
  /** From now on DHCP gives this; the phone asks at its next boot. */
  plug(lease: Lease): void
  /** Time passes for this phone alone: whatever it waits for comes at once. */
  later(seconds: number): void
  /** A person opens the link that sends the phone to a profile. @returns status of the page */
  openLink(url: string): Promise<number>
  /** Starts a call as soon as the next profile has come, before the phone can act upon it. */
  callWhenNextProfileComes(): void
  /** Back to factory state, by its keys; resolves when it boots again. */
  factoryReset(): Promise<void>
  putAway(): Promise<void>
}

export interface BenchPhoneParts {
  readonly hardware: Hardware
  readonly tls: ShellTls
  /** Where the ports that a URL without one means are found here. */
  readonly standardPorts: ReadonlyMap<number, number>
  readonly options: BenchPhoneOptions
}

/** A real phone takes minutes for these. */
const PACE = { bootMs: 1, flashMs: 1, quietSeconds: 0, randomDelayUnitSeconds: 0 }
const GOES_DOWN: readonly string[] = ['reboot', 'factory-reset']
const DARK_S = 2
const PATIENCE_MS: Millis = 40_000
const ADDRESS = '127.0.0.1'

/** @param options  DHCP options by number */
export function leaseOf(options: Readonly<Record<number, string | Uint8Array>> = {}): Lease {
  const entries = Object.entries(options).map(([code, value]) => [Number(code), value] as const)
  return { address: ADDRESS, domain: undefined, options: new Map(entries) }
}

export async function runBenchPhone(parts: BenchPhoneParts): Promise<BenchPhone> {
  const bench = new TestedPhone(parts)
  if (parts.options.plugged !== false) await bench.plugIn()
  return bench
}

class TestedPhone implements BenchPhone {
  readonly said: PhoneEvent[] = []
  readonly #parts: BenchPhoneParts
  readonly #transport: Transport
  readonly #syslog = createSyslogSender()
  readonly #clock = (): Millis => Date.now() + this.#aheadMs
  readonly #schedule = createSchedule(this.#clock)
  readonly #nudge = this.#schedule.alarm(() => undefined)
  #phone: Phone | undefined
  #lease: Lease
  #aheadMs: Millis = 0
  #callsNext = false

  constructor(parts: BenchPhoneParts) {
    this.#parts = parts
    this.#lease = parts.options.lease ?? leaseOf()
    this.#transport = createTransport({ tls: parts.tls })
  }

  async plugIn(): Promise<void> {
    const { hardware, tls } = this.#parts
    const transport: Transport = {
      ...this.#transport,
      exchange: (request, signal) =>
        this.#transport.exchange(
          { ...request, port: this.#parts.standardPorts.get(request.port) ?? request.port },
          signal,
        ),
    }
    this.#phone = await startPhoneIn(
      {
        hardware,
        tls,
        webPort: 0,
        lease: () => this.#lease,
        policies: PACE,
        now: this.#clock,
        onEvent: (event) => this.#heard(event),
      },
      { transport, syslog: this.#syslog, schedule: this.#schedule },
    )
  }

  #heard(event: PhoneEvent): void {
    this.said.push(event)
    // Nobody wants to watch a dark display; but what this step sends goes out first.
    if (GOES_DOWN.includes(event.name)) setImmediate(() => this.later(DARK_S))
    if (!this.#callsNext || event.name !== 'profile-applied') return
    this.#callsNext = false
    // It comes after the step that said this, and before anything else that happens to the phone.
    this.phone.send({ kind: 'call-started', line: 1 })
  }

  get phone(): Phone {
    assert(this.#phone !== undefined, 'the phone has power')
    return this.#phone
  }

  get mac(): MacAddress {
    return this.#parts.hardware.mac
  }

  get serial(): string {
    return this.#parts.hardware.serial
  }

  get model(): string {
    return this.#parts.hardware.productName
  }

  agent(): Agent {
    return this.phone.agent()
  }

  load(): string {
    return this.agent().flash.activeLoad
  }

  customization(): CustomizationState {
    return this.agent().flash.customization
  }

  names(from = 0): readonly string[] {
    return this.said.slice(from).map(({ name }) => name)
  }

  async comes(predicate: (agent: Agent) => boolean): Promise<void> {
    try {
      await this.phone.until(predicate, PATIENCE_MS)
    } catch (cause) {
      throw new Error(
        `${String(cause)}. It said last: ${this.said
          .slice(-8)
          .map(({ text }) => text)
          .join(' / ')}`,
        { cause },
      )
    }
  }

  async says(name: string, from = 0): Promise<PhoneEvent> {
    const find = (): PhoneEvent | undefined => this.said.slice(from).find((event) => event.name === name)
    await this.comes(() => find() !== undefined)
    const found = find()
    assert(found !== undefined, 'the event is there')
    return found
  }

  asked(from = 0): readonly string[] {
    return this.said.slice(from).flatMap(({ name, text }) => (name === 'fetch' ? [text] : []))
  }

  async resyncFails(): Promise<void> {
    const asked = this.said.findIndex(({ name, data }) => name === 'resync-asked' && data['because'] === 'web')
    await this.says('resync-failed', Math.max(0, asked))
  }

  plug(lease: Lease): void {
    this.#lease = lease
  }

  later(seconds: number): void {
    this.#aheadMs += seconds * 1000
    // The alarm before all others: ringing it rings all that have become due.
    this.#nudge.set(0)
  }

  async openLink(url: string): Promise<number> {
    await eventually('the web pages of the phone', () => this.phone.webUrl() !== undefined)
    const response = await fetch(printResyncUrl(this.phone.webUrl() ?? '', url))
    await response.text()
    return response.status
  }

  callWhenNextProfileComes(): void {
    this.#callsNext = true
  }

  async factoryReset(): Promise<void> {
    const from = this.said.length
    this.phone.send({ kind: 'keypad', entry: { kind: 'factory-reset' } })
    await this.says('factory-reset', from)
    await this.says('boot', from)
  }

  async putAway(): Promise<void> {
    await Promise.race([this.#phone?.switchOff(), pause(PATIENCE_MS, undefined, { ref: false })])
    this.#schedule.close()
    this.#syslog.close()
    this.#transport.close()
  }
}
