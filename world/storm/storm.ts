/**
 * A power cut: thousands of real agents boot at the same moment and come to the real server, through a door that is
 * modelled: it makes so many handshakes a second, one after the other, and lets in whom the real policy lets in.
 */
import {
  type Agent,
  type AgentAction,
  type AgentEvent,
  createAgent,
  type FetchOutcome,
  type FetchRequest,
  type Flash,
  type Hardware,
  nextWake,
  react,
} from '../../phone/agent/mod.ts'
import type { Millis } from '../../protocol/result.ts'
import { type AdmissionLimits, admitConnection, limitsOfMachine, mayBegin } from '../../server/nps/http/mod.ts'
import { type Caller, PROVISIONING_ADDRESS } from '../addresses.ts'
import { type Chance, chanceOf } from '../chance.ts'
import type { VirtualClock } from '../clock.ts'
import type { ProvisioningServer } from '../provisioning-server.ts'

const DHCP_MS: Millis = 100
const LOOKUP_MS: Millis = 20
/** One way. */
const NETWORK_MS: Millis = 15
/** How long a phone waits for an HTTP answer. */
const HTTP_TIMEOUT_MS: Millis = 30_000
const SIP_PORT = 5060

/** A machine that can do so many handshakes a second. */
export class ModelledDoor {
  readonly #clock: VirtualClock
  readonly #costMs: Millis
  readonly limits: AdmissionLimits
  readonly #queue: { readonly since: Millis; readonly begin: () => void; readonly close: () => void }[] = []
  readonly #bySecond = new Map<number, number>()
  #busyUntil: Millis = 0
  #underWay = 0
  readonly counts = { deferred: 0, closed: 0, givenUp: 0, handshakes: 0, mostUnderWay: 0, mostWaiting: 0 }

  constructor(clock: VirtualClock, handshakesPerSecond: number) {
    this.#clock = clock
    this.#costMs = 1000 / handshakesPerSecond
    this.limits = limitsOfMachine(handshakesPerSecond)
  }

  /** The most handshakes that were finished within one second. */
  get busiestSecond(): number {
    return Math.max(0, ...this.#bySecond.values())
  }

  /** @param served when the handshake is done; `closed` when the door closed the connection instead */
  connect(served: () => void, closed: () => void): void {
    const decision = admitConnection(this.#load(), this.limits)
    if (decision === 'begin') return this.#begin(served)
    if (decision === 'close') {
      this.counts.closed += 1
      return closed()
    }
    this.counts.deferred += 1
    this.#queue.push({ since: this.#clock.now, begin: () => this.#begin(served), close: closed })
    this.counts.mostWaiting = Math.max(this.counts.mostWaiting, this.#queue.length)
    this.#clock.after(this.limits.waitMaxMs, () => this.#dropLate())
  }

  #load() {
    const loopDelayMs = Math.max(0, this.#busyUntil - this.#clock.now)
    return { handshakes: this.#underWay, waiting: this.#queue.length, loopDelayMs, requests: 0 }
  }

  #begin(served: () => void): void {
    const { now } = this.#clock
    this.#underWay += 1
    this.counts.mostUnderWay = Math.max(this.counts.mostUnderWay, this.#underWay)
    this.#busyUntil = Math.max(now, this.#busyUntil) + this.#costMs
    this.#clock.after(this.#busyUntil - now, () => {
      this.#underWay -= 1
      this.counts.handshakes += 1
      const second = Math.floor(this.#clock.now / 1000)
      this.#bySecond.set(second, (this.#bySecond.get(second) ?? 0) + 1)
      served()
      this.#pump()
    })
  }

  #pump(): void {
    this.#dropLate()
    while (this.#queue.length > 0 && mayBegin(this.#load(), this.limits, 1)) this.#queue.shift()?.begin()
  }

  #dropLate(): void {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (this.#clock.now - first.since < this.limits.waitMaxMs) return
      this.#queue.shift()
      this.counts.givenUp += 1
      first.close()
    }
  }
}

export interface StormSurroundings {
  readonly clock: VirtualClock
  readonly door: ModelledDoor
  readonly server: ProvisioningServer
  /** Once for each phone, when its own profile has arrived. */
  readonly onServed: () => void
}

/** A phone that was provisioned before, as far as a storm needs it: no lines, no pages. */
export class StormPhone {
  readonly #caller: Caller
  readonly #around: StormSurroundings
  readonly #chance: Chance
  #agent: Agent
  #life = 0
  #wakesAt = Number.POSITIVE_INFINITY
  /** When its own profile arrived. */
  servedAt: Millis | undefined
  failures = 0

  constructor(hardware: Hardware, flash: Flash, caller: Caller, around: StormSurroundings) {
    this.#agent = createAgent(hardware, { flash })
    this.#caller = caller
    this.#around = around
    this.#chance = chanceOf(1, `storm ${hardware.mac}`)
  }

  powerOn(): void {
    this.#life += 1
    this.#send({ kind: 'power-on' })
    const lease = { address: '192.168.1.100', domain: undefined, options: new Map() }
    this.#after(DHCP_MS, () => this.#send({ kind: 'network-up', lease, sipPort: SIP_PORT }))
  }

  #send(event: AgentEvent): void {
    const { clock } = this.#around
    const { agent, actions } = react(this.#agent, event, clock.now, this.#chance.next)
    this.#agent = agent
    for (const action of actions) this.#carryOut(action)
    const wake = nextWake(this.#agent)
    if (wake === undefined || wake >= this.#wakesAt) return
    this.#wakesAt = wake
    this.#after(wake - clock.now, () => {
      this.#wakesAt = Number.POSITIVE_INFINITY
      this.#send({ kind: 'tick' })
    })
  }

  #carryOut(action: AgentAction): void {
    if (action.kind === 'fetch') return this.#fetch(action.id, action.request)
    if (action.kind === 'resolve-srv') {
      return this.#after(LOOKUP_MS, () => this.#send({ kind: 'srv-resolved', id: action.id, records: [] }))
    }
    if (action.kind === 'reboot') {
      this.#life += 1
      this.#after(action.afterMs, () => this.powerOn())
    }
  }

  #served(): void {
    if (this.servedAt !== undefined) return
    this.servedAt = this.#around.clock.now
    this.#around.onServed()
  }

  /** Happens after a while, unless the phone boots meanwhile. */
  #after(delayMs: Millis, happen: () => void | Promise<void>): void {
    const life = this.#life
    this.#around.clock.after(delayMs, () => (life === this.#life ? happen() : undefined))
  }

  #fetch(id: number, request: FetchRequest): void {
    const { clock, door, server } = this.#around
    let settled = false
    const done = (outcome: FetchOutcome): void => {
      if (settled) return
      settled = true
      if (outcome.kind === 'failed') this.failures += 1
      if (outcome.kind === 'response' && outcome.status === 200 && request.path.startsWith('/cisco-init'))
        this.#served()
      this.#send({ kind: 'fetched', id, outcome })
    }
    const life = this.#life
    const closed: FetchOutcome = { kind: 'failed', reason: 'broken', detail: 'the connection was closed' }
    this.#after(HTTP_TIMEOUT_MS, () => done({ kind: 'failed', reason: 'timeout', detail: 'no answer in time' }))
    const answer = async (): Promise<void> => {
      if (life !== this.#life || settled) return
      const { status, headers, body } = await server.answerHttp(request, this.#caller)
      done({ kind: 'response', status, headers, body, peerAddress: PROVISIONING_ADDRESS })
    }
    if (request.scheme !== 'https') return this.#after(2 * NETWORK_MS, answer)
    this.#after(NETWORK_MS, () => {
      door.connect(
        () => clock.after(NETWORK_MS, answer),
        () => this.#after(NETWORK_MS, () => done(closed)),
      )
    })
  }
}

/** Lets time pass until everything is true or the limit is reached. @returns whether it came true */
export async function passUntil(clock: VirtualClock, isTrue: () => boolean, limitMs: Millis): Promise<boolean> {
  const end = clock.now + limitMs
  while (!isTrue()) {
    const { next } = clock
    if (next === undefined || next > end) return isTrue()
    clock.jumpTo(next)
    await clock.happenNext()
  }
  return true
}
