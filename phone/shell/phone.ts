/** Runs one agent on real sockets, timers and files. What it decides is the agent's; here it is only carried out. */
import { randomBytes } from 'node:crypto'
import { assertNever, type Millis, type Rng } from '../../protocol/result.ts'
import {
  type Agent,
  type AgentAction,
  type AgentEvent,
  createAgent,
  dhcpAsk,
  type FetchRequest,
  type Hardware,
  knockListener,
  type Lease,
  nextWake,
  type PhoneEvent,
  type PhonePolicies,
  react,
  type WebRequest,
  webServer,
} from '../agent/mod.ts'
import { stepLines } from '../agent/sip/mod.ts'
import type { DhcpLink, DhcpSeat } from './dhcp/mod.ts'
import { type Connections, createConnections } from './http-client.ts'
import { type Alarm, createSchedule, type Schedule } from './schedule.ts'
import { openSipLink, type SipLink } from './sip-link.ts'
import type { Source } from './source.ts'
import { openStateFile, type StateFile } from './state-file.ts'
import { createSyslogSender, type SyslogSender } from './syslog.ts'
import { createTransport, type Transport, type TransportOptions } from './transport.ts'
import type { ShellTls } from './trust.ts'
import { createWebDoor, type WebDoor, type WebDoorOptions } from './web-server.ts'

/** Exchanges in flight; the agent has one download and one question at a time. */
const EXCHANGES_MAX = 16
/** Callers of `until` at once. */
const WAITERS_MAX = 256
/** What the registrars get to take the bindings back when a phone is switched off in an orderly way. */
export const FAREWELL_MS: Millis = 1000

export interface PhoneShellOptions {
  readonly hardware: Hardware
  /** Where the lasting memory is kept; absent: nowhere. */
  readonly stateDir?: string
  /** Instead of the agent's own choice (80 or 443); 0: any free one. `none`: no web server at all. */
  readonly webPort?: number | 'none'
  /** Where the web server listens; by default only this machine reaches it, and with DHCP whoever reaches its address. */
  readonly webHost?: string
  /**
   * Where TR-069 connection requests come in, while TR-069 is on: any free port by default, `none`: nowhere. It listens
   * where the web server does, unless a host is given.
   */
  readonly connectionRequestPort?: number | 'none'
  readonly connectionRequestHost?: string
  /** For SIP over UDP; by default any free one. */
  readonly sipPort?: number
  readonly tls: ShellTls
  /** Asked at every boot; or the link on which the phone asks DHCP at every boot. */
  readonly lease: Lease | (() => Lease) | { readonly dhcp: DhcpLink }
  readonly policies?: Partial<PhonePolicies>
  /** By default from the system's own source: nonces and salts are made of it. */
  readonly rng?: Rng
  readonly now?: () => Millis
  readonly onEvent: (event: PhoneEvent, at: Millis) => void
  /** Time limits and name servers. */
  readonly network?: Pick<TransportOptions, 'times' | 'tftp' | 'dnsServers'>
}

/** A phone on real sockets. */
export interface Phone {
  agent(): Agent
  /** Lets something happen to it. Ignored while there is no power. */
  send(event: AgentEvent): void
  /** Where its web server listens; undefined while it does not. */
  webUrl(): string | undefined
  /** Where TR-069 connection requests come in; undefined while they do not. */
  connectionRequestUrl(): string | undefined
  /** Resolves with the agent as soon as the predicate holds; rejects after the time, or when the power goes for good. */
  until(predicate: (agent: Agent) => boolean, timeoutMs: Millis): Promise<Agent>
  /** A power cut: everything in flight is dropped and every socket closed. */
  powerOff(): Promise<void>
  /** Leaves the registrars, for at most a second, then cuts the power. */
  switchOff(): Promise<void>
  /** Power comes back. Trouble with sockets is told as an event `power-failed`. */
  powerOn(): void
}

/** What several phones may share. */
export interface Surroundings {
  readonly transport: Transport
  readonly syslog: SyslogSender
  readonly schedule: Schedule
}

/** Opens the sockets and switches the power on. Throws PhoneProblem for what a person can put right. */
export async function startPhone(options: PhoneShellOptions): Promise<Phone> {
  const schedule = createSchedule(options.now ?? Date.now)
  const transport = createTransport({ tls: options.tls, ...options.network })
  const syslog = createSyslogSender()
  return begin(new ShellPhone(options, { transport, schedule, syslog }, () => syslog.close()))
}

/** As `startPhone`, with surroundings that the caller owns and closes. */
export async function startPhoneIn(options: PhoneShellOptions, surroundings: Surroundings): Promise<Phone> {
  return begin(new ShellPhone(options, surroundings, () => undefined))
}

async function begin(phone: ShellPhone): Promise<Phone> {
  await phone.start()
  return phone
}

interface Waiter {
  readonly predicate: (agent: Agent) => boolean
  readonly resolve: (agent: Agent) => void
  readonly reject: (cause: Error) => void
}

class ShellPhone implements Phone {
  readonly #options: PhoneShellOptions
  readonly #around: Surroundings
  readonly #afterOff: () => void
  readonly #state: StateFile | undefined
  readonly #rng: Rng
  readonly #web: WebDoor | undefined
  readonly #knocks: WebDoor | undefined
  /** The connection of a session with the ACS, kept from message to message and closed at its end. */
  #acs: Connections | undefined
  #requestCount = 0
  /** What the agent was told last; undefined: nothing since it booted. */
  #told: { readonly port: number | undefined } | undefined
  readonly #wake: Alarm
  readonly #bootAlarm: Alarm
  readonly #waiters = new Set<Waiter>()
  readonly #events: AgentEvent[] = []
  #agent: Agent
  #link: SipLink | undefined
  /** Its place on the network while it has power, when DHCP gives it its address. */
  #seat: DhcpSeat | undefined
  /** What stands on the address that DHCP gave: the sockets of SIP (`#link`) and of the log. */
  #stand: { readonly address: string; readonly syslog: SyslogSender } | undefined
  /** Moves of that stand, one after another. */
  #moving: Promise<void> = Promise.resolve()
  /** Replaced at every power cut and reboot; what belongs to an earlier one is nobody's business any more. */
  #life = new AbortController()
  #power: 'off' | 'starting' | 'on' = 'off'
  #goingOff: Promise<void> = Promise.resolve()
  #failure: Error | undefined
  #draining = false
  #exchangeCount = 0
  #latest: Millis = 0

  constructor(options: PhoneShellOptions, around: Surroundings, afterOff: () => void) {
    const { hardware, policies = {}, stateDir, webPort, tls } = options
    this.#options = options
    this.#around = around
    this.#afterOff = afterOff
    this.#rng = options.rng ?? systemRng
    this.#state = stateDir === undefined ? undefined : openStateFile(stateDir)
    const flash = this.#state?.read()
    this.#agent = createAgent(hardware, { policies, ...(flash === undefined ? {} : { flash }) })
    this.#wake = around.schedule.alarm(() => this.send({ kind: 'tick' }))
    this.#bootAlarm = around.schedule.alarm(() => this.#boot())
    this.#web = webPort === 'none' ? undefined : createWebDoor({ ...this.#door('web-request'), tls, port: webPort })
    this.#knocks = options.connectionRequestPort === 'none' ? undefined : this.#knockDoor()
  }

  #door(kind: 'web-request' | 'connection-request'): Omit<WebDoorOptions, 'port' | 'tls' | 'changed'> {
    const isWeb = kind === 'web-request'
    return {
      what: isWeb ? WEB_SERVER : CONNECTION_REQUESTS,
      host: () => this.#options.webHost ?? this.#ownHost(),
      request: (id: number, request: WebRequest) => this.send({ kind, id, request }),
      nextId: () => (this.#requestCount += 1),
      say: (event) => {
        this.#say(event)
        this.#tellWaiters()
      },
    }
  }

  #knockDoor(): WebDoor {
    const { connectionRequestHost, connectionRequestPort } = this.#options
    const door = this.#door('connection-request')
    return createWebDoor({
      ...door,
      host: () => connectionRequestHost ?? door.host(),
      port: typeof connectionRequestPort === 'number' ? connectionRequestPort : 0,
      // [TR-069 §8.1]: connection requests come by HTTP only.
      tls: {},
      changed: (port) => this.#tellPort(port),
    })
  }

  #tellPort(port: number | undefined): void {
    if (this.#power !== 'on' || (this.#told !== undefined && this.#told.port === port)) return
    this.#told = { port }
    this.send({ kind: 'listening', port })
  }

  /** Without DHCP a phone has no address of its own on this machine. */
  #ownHost(): string | undefined {
    return this.#seat === undefined ? '127.0.0.1' : this.#stand?.address
  }

  connectionRequestUrl(): string | undefined {
    return this.#knocks?.url()
  }

  agent(): Agent {
    return this.#agent
  }

  webUrl(): string | undefined {
    return this.#web?.url()
  }

  powerOn(): void {
    if (this.#power !== 'off') return
    this.start().catch((cause: unknown) => {
      this.#say({ name: 'power-failed', text: cause instanceof Error ? cause.message : String(cause), data: {} })
    })
  }

  async start(): Promise<void> {
    this.#power = 'starting'
    this.#failure = undefined
    const life = this.#life
    try {
      // The ports of before must be free again.
      await this.#goingOff
      if (life.signal.aborted) return
      const { lease } = this.#options
      if ('dhcp' in lease) this.#seat = this.#join(lease.dhcp)
      else {
        const link = await this.#openLink(leaseNow(lease))
        // The power may have gone again meanwhile.
        if (life.signal.aborted) return await link.close()
        this.#link = link
      }
    } catch (cause) {
      if (!life.signal.aborted) this.#power = 'off'
      throw cause
    }
    this.#power = 'on'
    this.#boot()
    await Promise.all([this.#web?.settled(), this.#knocks?.settled()])
    if (this.#failure !== undefined) throw this.#failure
  }

  #openLink({ address }: Lease, from?: Source): Promise<SipLink> {
    return openSipLink({
      address,
      from,
      port: this.#options.sipPort ?? 0,
      context: () => this.#around.transport.trust.context(this.#agent.flash.customCa.pem),
      received: (peer, bytes) => this.send({ kind: 'sip-received', peer, bytes }),
      failed: (peer, detail) => this.send({ kind: 'sip-failed', peer, detail }),
    })
  }

  #boot(): void {
    const { lease } = this.#options
    this.send({ kind: 'power-on' })
    if ('dhcp' in lease) this.#seat?.start(dhcpAsk(this.#agent))
    else this.send({ kind: 'network-up', lease: leaseNow(lease), sipPort: this.#link?.port ?? 0 })
    this.#told = undefined
    const port = this.#knocks?.port()
    // While it does not listen, the agent hears of it when it does.
    if (port !== undefined || this.#knocks === undefined) this.#tellPort(port)
  }

  #join(dhcp: DhcpLink): DhcpSeat {
    return dhcp.join({
      mac: this.#options.hardware.mac,
      now: () => this.#now(),
      rng: this.#rng,
      schedule: this.#around.schedule,
      up: (lease) => this.#move(() => this.#settle(lease)),
      down: () => {
        this.send({ kind: 'network-down' })
        this.#move(() => this.#unsettle())
      },
      say: (event) => {
        this.#say(event)
        this.#tellWaiters()
      },
    })
  }

  #move(step: () => Promise<void>): void {
    this.#moving = this.#moving.then(step).catch((cause: unknown) => this.#collapse(cause))
  }

  /** The agent hears of its address when its sockets stand on it. A boot that got the same address finds them there. */
  async #settle(lease: Lease): Promise<void> {
    const { address } = lease
    const stands = (): Source | undefined => {
      const source = this.#power === 'on' ? this.#seat?.source() : undefined
      return source?.address === address ? source : undefined
    }
    const from = stands()
    if (from !== undefined && this.#stand?.address !== address) {
      await this.#unsettle()
      const link = await this.#openLink(lease, from)
      // The address may have gone again meanwhile.
      if (stands() === undefined) return await link.close()
      this.#link = link
      this.#stand = { address, syslog: createSyslogSender(from) }
    }
    if (stands() !== undefined) this.send({ kind: 'network-up', lease, sipPort: this.#link?.port ?? 0 })
  }

  async #unsettle(): Promise<void> {
    const link = this.#link
    this.#link = undefined
    this.#stand?.syslog.close()
    this.#stand = undefined
    this.#closeAcs()
    await link?.close()
    this.#rest()
  }

  /** Events that an action causes wait until that action's list is done, so the agent sees one thing after another. */
  send(event: AgentEvent): void {
    if (this.#power !== 'on') return
    this.#events.push(event)
    if (this.#draining) return
    this.#draining = true
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) this.#live(next)
    } catch (cause) {
      this.#collapse(cause)
    } finally {
      this.#draining = false
    }
    this.#rest()
  }

  #live(event: AgentEvent): void {
    const { agent, actions } = react(this.#agent, event, this.#now(), this.#rng)
    this.#become(agent, actions)
  }

  #become(agent: Agent, actions: readonly AgentAction[]): void {
    const flashed = agent.flash !== this.#agent.flash
    this.#agent = agent
    // Before anybody hears of it: what was answered or fetched must not be forgotten by a power cut.
    if (flashed) this.#state?.write(agent.flash)
    for (const action of actions) this.#perform(action)
  }

  #perform(action: AgentAction): void {
    switch (action.kind) {
      case 'fetch':
        return this.#fetch(action.id, action.request)
      case 'resolve-srv':
        return this.#resolveSrv(action.id, action.name)
      case 'respond':
        this.#web?.respond(action.id, action.response)
        return this.#knocks?.respond(action.id, action.response)
      case 'send-sip':
        return this.#link?.send(action.peer, action.bytes)
      case 'syslog':
        return (this.#seat === undefined ? this.#around.syslog : this.#stand?.syslog)?.send(action.server, action.text)
      case 'reboot':
        return this.#reboot(action.afterMs)
      case 'say':
        return this.#say(action.event)
      default:
        return assertNever(action)
    }
  }

  #fetch(id: number, request: FetchRequest): void {
    if (this.#exchangeCount >= EXCHANGES_MAX) {
      return this.send({
        kind: 'fetched',
        id,
        outcome: { kind: 'failed', reason: 'connect', detail: 'too much at once' },
      })
    }
    this.#inFlight(
      (signal) =>
        this.#around.transport.exchange(request, signal, {
          own: this.#connectionsFor(request),
          from: this.#seat?.source(),
        }),
      (outcome) => this.send({ kind: 'fetched', id, outcome }),
    )
  }

  /** [TR-069 §2.2]: one connection for a whole session, of this phone alone. */
  #connectionsFor(request: FetchRequest): Connections | undefined {
    if (request.purpose !== 'cwmp') return undefined
    this.#acs ??= createConnections(true)
    return this.#acs
  }

  #closeAcs(): void {
    this.#acs?.close()
    this.#acs = undefined
  }

  #resolveSrv(id: number, name: string): void {
    if (this.#exchangeCount >= EXCHANGES_MAX) return this.send({ kind: 'srv-resolved', id, records: [] })
    this.#inFlight(
      (signal) => this.#around.transport.resolveSrv(name, signal, this.#seat?.source()),
      (records) => this.send({ kind: 'srv-resolved', id, records }),
    )
  }

  #inFlight<T>(exchange: (signal: AbortSignal) => Promise<T>, done: (result: T) => void): void {
    const { signal } = this.#life
    this.#exchangeCount += 1
    exchange(signal)
      .finally(() => {
        this.#exchangeCount -= 1
      })
      .then((result) => {
        if (!signal.aborted) done(result)
      })
      .catch((cause: unknown) => this.#collapse(cause))
  }

  /** Also the answers of this very step go out: they were handed to the sockets before. */
  #reboot(afterMs: Millis): void {
    this.#dropAll()
    this.#web?.dropRequests()
    this.#knocks?.dropRequests()
    this.#closeAcs()
    this.#link?.dropConnections()
    this.#bootAlarm.set(this.#now() + afterMs)
  }

  #dropAll(): void {
    this.#life.abort()
    this.#life = new AbortController()
  }

  /** After each round: the next wake, the web server as the parameters want it, and whoever waits for something. */
  #rest(): void {
    if (this.#power !== 'on') return
    this.#wake.set(nextWake(this.#agent))
    this.#web?.follow(webServer(this.#agent))
    this.#knocks?.follow(knockListener(this.#agent))
    if (this.#agent.ram.cwmp.session === undefined) this.#closeAcs()
    this.#tellWaiters()
  }

  #tellWaiters(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.predicate(this.#agent)) continue
      this.#waiters.delete(waiter)
      waiter.resolve(this.#agent)
    }
  }

  until(predicate: (agent: Agent) => boolean, timeoutMs: Millis): Promise<Agent> {
    if (predicate(this.#agent)) return Promise.resolve(this.#agent)
    if (this.#waiters.size >= WAITERS_MAX)
      return Promise.reject(new Error(`More than ${WAITERS_MAX} wait for one phone`))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter)
        reject(new Error(`The phone has not come there in ${timeoutMs} ms`))
      }, timeoutMs)
      const waiter: Waiter = {
        predicate,
        resolve(agent) {
          clearTimeout(timer)
          resolve(agent)
        },
        reject(cause) {
          clearTimeout(timer)
          reject(cause)
        },
      }
      this.#waiters.add(waiter)
    })
  }

  async switchOff(): Promise<void> {
    if (this.#power === 'on' && this.#agent.ram.lines.running) {
      const { agent, actions } = stepLines(this.#agent, { kind: 'stop' }, this.#now(), this.#rng)
      this.#become(agent, actions)
      // A registrar that does not answer is left without goodbye.
      const gone = this.until(({ ram }) => ram.lines.leaving.length === 0, FAREWELL_MS)
      await gone.catch((cause: unknown) => cause)
    }
    await this.#off({ orderly: true })
  }

  powerOff(): Promise<void> {
    return this.#off({ orderly: false })
  }

  #off(how: { readonly orderly: boolean }): Promise<void> {
    if (this.#power === 'off') return this.#goingOff
    this.#power = 'off'
    this.#dropAll()
    this.#events.length = 0
    this.#wake.set(undefined)
    this.#bootAlarm.set(undefined)
    const { hardware, policies, flash } = this.#agent
    this.#agent = createAgent(hardware, { policies, flash })
    const seat = this.#seat
    this.#seat = undefined
    this.#move(() => this.#unsettle())
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter)
      if (waiter.predicate(this.#agent)) waiter.resolve(this.#agent)
      else waiter.reject(new Error('The phone has no power any more'))
    }
    this.#closeAcs()
    this.#afterOff()
    // Sockets first, then the address below them.
    const closed = Promise.all([this.#web?.close(), this.#knocks?.close(), this.#moving])
    this.#goingOff = closed.then(() => seat?.leave(how))
    return this.#goingOff
  }

  /** The agent is wrong, or the disk is full: this phone ends, others go on. */
  #collapse(cause: unknown): void {
    const text = `The phone has failed: ${cause instanceof Error ? cause.message : String(cause)}`
    this.#say({ name: 'phone-failed', text, data: {} })
    this.#failure = new Error(text, { cause })
    for (const waiter of this.#waiters) waiter.reject(this.#failure)
    this.#waiters.clear()
    this.powerOff().catch((again: unknown) => this.#say({ name: 'phone-failed', text: String(again), data: {} }))
  }

  #say(event: PhoneEvent): void {
    this.#options.onEvent(event, this.#now())
  }

  /** The time of day, but never backwards: the agent's alarms rely on it. */
  #now(): Millis {
    this.#latest = Math.max(this.#latest, (this.#options.now ?? Date.now)())
    return this.#latest
  }
}

const WEB_SERVER = { event: 'web-server', title: 'Web server' } as const
const CONNECTION_REQUESTS = { event: 'connection-request-listener', title: 'Connection request listener' } as const

function leaseNow(lease: Lease | (() => Lease)): Lease {
  return typeof lease === 'function' ? lease() : lease
}

/** 48 bits of the system's own chance. */
function systemRng(): number {
  return randomBytes(6).readUIntBE(0, 6) / 2 ** 48
}
