/**
 * A bench for tests: one agent in virtual time, whose fetches are answered from a table. It carries out what the
 * shell carries out, and nothing more.
 */
import { parseMacAddress, parseProductName, parseSerialNumber } from '../../../protocol/identity.ts'
import { assert } from '../../../protocol/result.ts'
import { createAgent, nextWake, react } from '../mod.ts'
import type {
  Agent,
  AgentAction,
  AgentEvent,
  FetchOutcome,
  FetchRequest,
  Flash,
  Hardware,
  Lease,
  PhoneEvent,
  PhonePolicies,
  SrvRecord,
  WebResponse,
} from '../mod.ts'

/** 10 March 2026, 12:00 UTC. */
export const START = Date.UTC(2026, 2, 10, 12)
const EXCHANGE_MS = 10
const STEPS_MAX = 20_000

export type Answer = FetchOutcome | string | ((request: FetchRequest, count: number) => FetchOutcome | string)

export interface BenchOptions {
  readonly hardware?: Partial<Hardware>
  readonly policies?: Partial<PhonePolicies>
  readonly flash?: Flash
  readonly lease?: Partial<Lease>
  /** By `scheme://host:port/path?query`; a text is a profile with status 200. Anything else cannot be reached. */
  readonly files?: Readonly<Record<string, Answer>>
  readonly srv?: Readonly<Record<string, readonly SrvRecord[]>>
  readonly chance?: () => number
  /** Where connection requests come in. */
  readonly listenerPort?: number
}

export const HARDWARE: Hardware = {
  mac: known(parseMacAddress('00562b043615')),
  serial: known(parseSerialNumber('FCH2305DMH0')),
  productName: known(parseProductName('CP-8851-3PCC')),
  hardwareVersion: '2.0.1',
  factoryLoad: 'sip88xx.12-0-2MPP0001-609',
  clientCertificate: true,
  rcUrl: 'https://rc.test/software/edos/callhome/rc',
}

/** The question that this phone asks RC. */
export const RC_KEY =
  'https://rc.test:443/software/edos/callhome/rc?id=00562B043615:FCH2305DMH0:CP-8851-3PCC&sw=sip88xx.12-0-2MPP0001-609&orig=orig_mpp&authstatus=none'

export class Bench {
  agent: Agent
  now = START
  readonly fetches: { readonly key: string; readonly at: number; readonly request: FetchRequest }[] = []
  readonly says: PhoneEvent[] = []
  readonly syslog: string[] = []
  readonly responses: WebResponse[] = []
  readonly reboots: number[] = []
  files: Record<string, Answer>
  lease: Lease
  readonly #options: BenchOptions
  readonly #counts = new Map<string, number>()
  #queue: { readonly at: number; readonly event: AgentEvent }[] = []

  constructor(options: BenchOptions = {}) {
    this.#options = options
    this.agent = createAgent(
      { ...HARDWARE, ...options.hardware },
      {
        policies: { bootMs: 1000, flashMs: 1000, ...options.policies },
        ...(options.flash === undefined ? {} : { flash: options.flash }),
      },
    )
    this.files = { ...options.files }
    this.lease = { address: '192.168.1.100', domain: undefined, options: new Map(), ...options.lease }
  }

  /** Power and network come; then `seconds` pass. */
  boot(seconds: number): this {
    this.send({ kind: 'power-on' })
    this.#later(100, { kind: 'network-up', lease: this.lease, sipPort: 5060 })
    this.#later(100, { kind: 'listening', port: this.#options.listenerPort ?? 7547 })
    return this.pass(seconds)
  }

  send(event: AgentEvent): this {
    const turn = react(this.agent, event, this.now, this.#options.chance ?? (() => 0.5))
    this.agent = turn.agent
    for (const action of turn.actions) this.#carryOut(action)
    return this
  }

  /** Lets virtual time pass: answers arrive and alarms ring, in order. */
  pass(seconds: number): this {
    const until = this.now + seconds * 1000
    for (let step = 0; step < STEPS_MAX; step += 1) {
      this.#queue.sort((a, b) => a.at - b.at)
      const next = this.#queue[0]
      const wake = nextWake(this.agent)
      const at = Math.max(this.now, Math.min(next?.at ?? Number.POSITIVE_INFINITY, wake ?? Number.POSITIVE_INFINITY))
      if (at > until) {
        this.now = until
        return this
      }
      this.now = at
      if (next !== undefined && next.at <= at) {
        this.#queue.shift()
        this.send(next.event)
      } else this.send({ kind: 'tick' })
    }
    throw new Error('The phone never came to rest')
  }

  web(target: string, headers: Readonly<Record<string, string>> = {}): this {
    const request = { method: 'GET', target, headers: new Map(Object.entries(headers)), body: new Uint8Array(0), peerAddress: '192.168.1.50', tls: false }
    return this.send({ kind: 'web-request', id: this.responses.length + 1, request })
  }

  /** A power cut: all that was in flight is gone; power and network come back at once. */
  cut(): this {
    this.#queue = []
    return this.boot(0)
  }

  /** What was fetched, oldest first. */
  keys(): readonly string[] {
    return this.fetches.map(({ key }) => key)
  }

  /** Seconds from the start of each fetch of one URL. */
  seconds(key: string): readonly number[] {
    return this.fetches.filter((fetch) => fetch.key === key).map(({ at }) => Math.round((at - START) / 1000))
  }

  parameter(element: string): string | undefined {
    return this.agent.flash.parameters.get(element)?.value
  }

  names(): readonly string[] {
    return this.says.map(({ name }) => name)
  }

  #carryOut(action: AgentAction): void {
    switch (action.kind) {
      case 'fetch':
        this.#later(EXCHANGE_MS, { kind: 'fetched', id: action.id, outcome: this.#answer(action.request) })
        return
      case 'resolve-srv':
        this.#later(EXCHANGE_MS, { kind: 'srv-resolved', id: action.id, records: this.#options.srv?.[action.name] ?? [] })
        return
      case 'reboot':
        this.reboots.push(this.now)
        this.#queue = []
        this.#later(action.afterMs, { kind: 'power-on' })
        this.#later(action.afterMs + 100, { kind: 'network-up', lease: this.lease, sipPort: 5060 })
        this.#later(action.afterMs + 100, { kind: 'listening', port: this.#options.listenerPort ?? 7547 })
        return
      case 'syslog':
        this.syslog.push(action.text)
        return
      case 'say':
        this.says.push(action.event)
        return
      case 'respond':
        this.responses.push(action.response)
        return
      case 'send-sip':
        return
    }
  }

  #answer(request: FetchRequest): FetchOutcome {
    const key = `${request.scheme}://${request.host}:${request.port}${request.path}`
    this.fetches.push({ key, at: this.now, request })
    const count = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, count)
    const entry = this.files[key]
    const answer = typeof entry === 'function' ? entry(request, count) : entry
    if (answer === undefined) return { kind: 'failed', reason: 'connect', detail: 'connection refused' }
    if (typeof answer !== 'string') return answer
    const body = new TextEncoder().encode(answer)
    return request.scheme === 'tftp' ? { kind: 'tftp-file', body, peerAddress: '192.0.2.7' } : response(200, answer)
  }

  #later(ms: number, event: AgentEvent): void {
    this.#queue.push({ at: this.now + ms, event })
  }
}

/** An HTTP answer. */
export function response(
  status: number,
  body: string | Uint8Array = '',
  headers: Readonly<Record<string, string>> = {},
): FetchOutcome {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  return { kind: 'response', status, headers: new Map(Object.entries(headers)), body: bytes, peerAddress: '192.0.2.7' }
}

/** A profile of elements and values. */
export function profile(values: Readonly<Record<string, string>>): string {
  const rows = Object.entries(values).map(([name, value]) => {
    const text = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
    return `<${name}>${text}</${name}>`
  })
  return `<flat-profile>${rows.join('')}</flat-profile>`
}

/** A phone that was provisioned before: its rules are followed and RC is not asked. */
export function provisioned(values: Readonly<Record<string, string>>, change: Partial<Flash> = {}): Flash {
  const entries = Object.entries(values).map(
    ([element, value]) => [element, { value, ua: 'na', userPref: false, userModified: false }] as const,
  )
  return { ...createAgent(HARDWARE).flash, customization: 'Aborted', parameters: new Map(entries), ...change }
}

export function known<T>(value: T | undefined): T {
  assert(value !== undefined, 'the bench names real things')
  return value
}
