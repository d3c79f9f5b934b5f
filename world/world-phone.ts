/** A real agent on the virtual network: carries out its actions and brings it what happens. */
import {
  type Agent,
  type AgentAction,
  type AgentEvent,
  createAgent,
  type FetchOutcome,
  type FetchRequest,
  type Hardware,
  type Lease,
  nextWake,
  type PhoneEvent,
  type PhonePolicies,
  react,
  type SipPeer,
  status,
  type WebResponse,
  webServer,
} from '../phone/agent/mod.ts'
import { printResyncUrl } from '../protocol/http/mod.ts'
import { assertNever, type Millis } from '../protocol/result.ts'
import { type Caller, isProvider, PROVISIONING_ADDRESS, REGISTRAR_HOST } from './addresses.ts'
import type { Chance } from './chance.ts'
import type { VirtualClock } from './clock.ts'
import type { Network } from './network.ts'
import type { HttpAnswer, ProvisioningServer } from './provisioning-server.ts'
import type { SipRegistrar } from './registrar/mod.ts'
import { readByTftp, type TftpDoor } from './tftp-link.ts'

/** How long a phone waits for an HTTP answer. */
const HTTP_TIMEOUT_MS: Millis = 30_000
const LOOKUP_MS: Millis = 20
/** From power to an address. */
const DHCP_MS: Millis = 100
const SIP_PORT = 5060
/** The address of the person who opens links at the phone. */
const CUSTOMER_ADDRESS = '192.168.1.50'
const TFTP_PORT_FIRST = 49_152
const TFTP_PORT_COUNT = 16_384

/** What surrounds every phone. */
export interface Surroundings {
  readonly clock: VirtualClock
  readonly network: Network
  readonly server: ProvisioningServer
  readonly tftpDoor: TftpDoor
  readonly registrar: SipRegistrar
  /** Whether this answer never reaches the phone. */
  readonly isCut: (request: FetchRequest, answer: HttpAnswer) => boolean
}

export interface WorldPhoneOptions {
  readonly hardware: Hardware
  readonly caller: Caller
  readonly lease: Lease
  readonly policies?: Partial<PhonePolicies>
  readonly chance: Chance
  /** The CA that its roots lack, so that our HTTPS needs a custom CA; by default the phone knows it. */
  readonly mustLearnCa?: string
}

export class WorldPhone {
  readonly hardware: Hardware
  readonly caller: Caller
  /** What DHCP gives at the next boot. */
  lease: Lease
  readonly fetches: { readonly at: Millis; readonly request: FetchRequest }[] = []
  readonly says: { readonly at: Millis; readonly event: PhoneEvent }[] = []
  #agent: Agent
  readonly #around: Surroundings
  readonly #chance: Chance
  readonly #mustLearnCa: string | undefined
  /** Counts boots: what belongs to an earlier one is nobody's business any more. */
  #life = 0
  #tftpCount = 0
  #requestCount = 0
  readonly #responses = new Map<number, WebResponse>()

  constructor(options: WorldPhoneOptions, around: Surroundings) {
    const { hardware, policies } = options
    this.hardware = hardware
    this.caller = options.caller
    this.lease = options.lease
    this.#agent = createAgent(hardware, policies === undefined ? {} : { policies })
    this.#around = around
    this.#chance = options.chance
    this.#mustLearnCa = options.mustLearnCa
  }

  get agent(): Agent {
    return this.#agent
  }

  get wake(): Millis | undefined {
    return nextWake(this.#agent)
  }

  get customization(): Agent['flash']['customization'] {
    return this.#agent.flash.customization
  }

  get load(): string {
    return this.#agent.flash.activeLoad
  }

  parameter(element: string): string | undefined {
    return this.#agent.flash.parameters.get(element)?.value
  }

  /** User ids of the lines that are registered, as the phone itself believes. */
  registered(): readonly string[] {
    const { lines } = status(this.#agent, this.#around.clock.now)
    return lines.filter(({ state }) => state === 'registered').map(({ userId }) => userId)
  }

  /** Whether its web pages can be opened now. */
  get webReachable(): boolean {
    const { mode } = this.#agent.ram
    return webServer(this.#agent).enabled && (mode === 'running' || mode === 'discovering')
  }

  /** Power comes; for a phone that is on, it was gone for a moment. */
  powerOn(): void {
    this.#life += 1
    const life = this.#life
    this.send({ kind: 'power-on' })
    this.#around.clock.after(DHCP_MS, () => {
      if (life === this.#life) this.send({ kind: 'network-up', lease: this.lease, sipPort: SIP_PORT })
    })
  }

  tick(): void {
    this.send({ kind: 'tick' })
  }

  factoryReset(): void {
    this.send({ kind: 'keypad', entry: { kind: 'factory-reset' } })
  }

  /** What a person on the same network does who opens the link of the guide; the answer's status, 0 when nobody answers. */
  openResyncLink(profileUrl: string): number {
    return this.openPage(printResyncUrl('http://phone', profileUrl).slice('http://phone'.length))
  }

  openPage(target: string): number {
    if (!this.webReachable) return 0
    this.#requestCount += 1
    const request = {
      method: 'GET',
      target,
      headers: new Map([['host', this.lease.address]]),
      body: new Uint8Array(0),
      peerAddress: CUSTOMER_ADDRESS,
      tls: false,
    }
    this.send({ kind: 'web-request', id: this.#requestCount, request })
    return this.#responses.get(this.#requestCount)?.status ?? 0
  }

  send(event: AgentEvent): void {
    const { agent, actions } = react(this.#agent, event, this.#around.clock.now, this.#chance.next)
    this.#agent = agent
    for (const action of actions) this.#carryOut(action)
  }

  #carryOut(action: AgentAction): void {
    switch (action.kind) {
      case 'fetch':
        return this.#fetch(action.id, action.request)
      case 'resolve-srv':
        return this.#later(LOOKUP_MS, { kind: 'srv-resolved', id: action.id, records: [] })
      case 'reboot':
        return this.#reboot(action.afterMs)
      case 'respond':
        this.#responses.set(action.id, action.response)
        return
      case 'send-sip':
        return this.#sendSip(action.peer, action.bytes)
      case 'say':
        this.says.push({ at: this.#around.clock.now, event: action.event })
        return
      case 'syslog':
        return
      default:
        return assertNever(action)
    }
  }

  #reboot(afterMs: Millis): void {
    this.#life += 1
    const life = this.#life
    this.#around.clock.after(afterMs, () => {
      if (life === this.#life) this.powerOn()
    })
  }

  /** Happens to the phone after a while, unless it boots meanwhile. */
  #later(delayMs: Millis, event: AgentEvent): void {
    const life = this.#life
    this.#around.clock.after(delayMs, () => {
      if (life === this.#life) this.send(event)
    })
  }

  #fetch(id: number, request: FetchRequest): void {
    const { clock } = this.#around
    this.fetches.push({ at: clock.now, request })
    const life = this.#life
    let settled = false
    const done = (outcome: FetchOutcome): void => {
      if (settled || life !== this.#life) return
      settled = true
      this.send({ kind: 'fetched', id, outcome })
    }
    const problem = this.#unreachable(request)
    if (problem !== undefined) clock.after(LOOKUP_MS, () => done(problem))
    else if (request.scheme === 'tftp') this.#fetchByTftp(request, done)
    else this.#fetchByHttp(request, done)
  }

  #unreachable({ host, scheme, customCaPem }: FetchRequest): FetchOutcome | undefined {
    if (!isProvider(host)) return { kind: 'failed', reason: 'dns', detail: `nobody is called "${host}"` }
    if (scheme !== 'https' || this.#mustLearnCa === undefined || customCaPem === this.#mustLearnCa) return undefined
    return { kind: 'failed', reason: 'tls', detail: 'unable to get local issuer certificate' }
  }

  #fetchByTftp(request: FetchRequest, done: (outcome: FetchOutcome) => void): void {
    const { clock, network, tftpDoor: door } = this.#around
    const port = TFTP_PORT_FIRST + (this.#tftpCount % TFTP_PORT_COUNT)
    this.#tftpCount += 1
    const { path, bytesMax } = request
    readByTftp({ path, bytesMax, address: this.caller.address, port, network, clock, door, done })
  }

  #fetchByHttp(request: FetchRequest, done: (outcome: FetchOutcome) => void): void {
    const { clock, network, server } = this.#around
    const fate = network.requestFate()
    const refused: FetchOutcome = { kind: 'failed', reason: 'connect', detail: 'connection refused' }
    clock.after(HTTP_TIMEOUT_MS, () => done({ kind: 'failed', reason: 'timeout', detail: 'no answer in time' }))
    if (fate.refused) return clock.after(fate.answerMs, () => done(refused))
    for (const arrivalMs of fate.arrivals) {
      clock.after(arrivalMs, async () => {
        if (!server.isUp) return clock.after(fate.answerMs, () => done(refused))
        const answer = await server.answerHttp(request, this.caller)
        const cut = fate.answerCut || this.#around.isCut(request, answer)
        return clock.after(fate.answerMs, () => done(cut ? CUT : arrived(answer)))
      })
    }
  }

  #sendSip(peer: SipPeer, bytes: Uint8Array): void {
    const { clock, network, registrar } = this.#around
    if (peer.host !== REGISTRAR_HOST)
      return this.#later(LOOKUP_MS, { kind: 'sip-failed', peer, detail: 'no such host' })
    const life = this.#life
    network.carry(() => {
      const answer = registrar.receive(bytes, { address: this.caller.address, port: SIP_PORT }, clock.now)
      if (answer === undefined) return
      network.carry(() => {
        if (life === this.#life) this.send({ kind: 'sip-received', peer, bytes: answer })
      })
    })
  }
}

const CUT: FetchOutcome = { kind: 'failed', reason: 'broken', detail: 'the connection was cut' }

function arrived({ status: code, headers, body }: HttpAnswer): FetchOutcome {
  return { kind: 'response', status: code, headers, body, peerAddress: PROVISIONING_ADDRESS }
}
