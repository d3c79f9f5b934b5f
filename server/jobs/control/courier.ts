/** Carries NOTIFYs on the server's sockets: finds the proxy, keeps the timers, matches answers by their branch. */
import { randomBytes } from 'node:crypto'
import { assert, assertNever, type Millis } from '../../../protocol/result.ts'
import { decodeSip, header, parseVia } from '../../../protocol/sip/mod.ts'
import {
  type NotifyCall,
  type NotifyFailure,
  type NotifyInput,
  type NotifyOutput,
  type NotifyState,
  notifyWake,
  startNotify,
  stepNotify,
} from './notify-transaction.ts'
import { openSipSockets, type ProxyPlace, type SipPeer, type SipSockets } from './sip-sockets.ts'

/** What becomes of one NOTIFY; `accepted` or `failed` comes last and once. */
export interface Delivery {
  /** The proxy was found and may be talked to; from here on something is sent. */
  leaves(): void
  challenged(by: 'proxy' | 'phone'): void
  accepted(status: number, sentAt: Millis): void
  failed(failure: NotifyFailure): void
}

export interface Courier {
  readonly port: number
  /** Never rejects: trouble is told by `delivery.failed`. */
  carry(call: Omit<NotifyCall, 'via'>, proxy: ProxyPlace, delivery: Delivery): Promise<void>
  /** What is under way is forgotten. */
  close(): Promise<void>
}

type Place = Omit<SipPeer, 'localAddress'>

interface Talk {
  readonly peer: SipPeer
  readonly delivery: Delivery
  state: NotifyState
  timer: NodeJS.Timeout | undefined
}

/** Rejects with the system's error when the port cannot be had. */
export async function openCourier(options: {
  readonly host: string
  readonly port: number
  readonly now: () => Millis
}): Promise<Courier> {
  const talks = new Talks(options.now)
  talks.sockets = await openSipSockets({
    host: options.host,
    port: options.port,
    received: (from, bytes) => talks.receive(from, bytes),
    lost: (place, detail) => talks.lose(place, detail),
  })
  return talks
}

class Talks implements Courier {
  sockets: SipSockets | undefined
  readonly #now: () => Millis
  /** By the branch that is out now; answers to earlier ones are late and of no interest. */
  readonly #talks = new Map<string, Talk>()

  constructor(now: () => Millis) {
    this.#now = now
  }

  get port(): number {
    return this.#opened().port
  }

  async carry(call: Omit<NotifyCall, 'via'>, proxy: ProxyPlace, delivery: Delivery): Promise<void> {
    const sockets = this.#opened()
    let peer: SipPeer
    try {
      const found = await sockets.resolve(proxy)
      if (!found.ok) return delivery.failed({ kind: 'forbidden', detail: found.error })
      peer = found.value
    } catch (error) {
      return delivery.failed({ kind: 'undelivered', detail: error instanceof Error ? error.message : String(error) })
    }
    const via = { transport: proxy.transport, host: peer.localAddress, port: sockets.port }
    const { state, outputs } = startNotify({ ...call, via }, this.#now(), freshName)
    delivery.leaves()
    const talk: Talk = { peer, delivery, state, timer: undefined }
    this.#become(talk, state)
    for (const output of outputs) this.#perform(talk, output)
  }

  receive(from: Place, bytes: Uint8Array): void {
    const decoded = decodeSip(bytes)
    if (!decoded.ok || decoded.value.kind !== 'response') return
    const response = decoded.value
    const talk = this.#talks.get(parseVia(header(response, 'Via') ?? '')?.params.get('branch') ?? '')
    // Only the proxy that was asked may answer: a 401 from elsewhere would fish for the line's credentials.
    if (talk === undefined || !samePlace(talk.peer, from)) return
    this.#advance(talk, { kind: 'response', response })
  }

  lose(place: Place, detail: string): void {
    // Those that end leave the map meanwhile.
    const concerned = [...this.#talks.values()].filter(({ peer }) => samePlace(peer, place))
    for (const talk of concerned) this.#advance(talk, { kind: 'undelivered', detail })
  }

  async close(): Promise<void> {
    for (const talk of this.#talks.values()) clearTimeout(talk.timer)
    this.#talks.clear()
    await this.sockets?.close()
  }

  #opened(): SipSockets {
    assert(this.sockets !== undefined, 'the sockets are open before anything is sent')
    return this.sockets
  }

  #advance(talk: Talk, input: NotifyInput): void {
    const step = stepNotify(talk.state, input, this.#now(), freshName)
    this.#become(talk, step.state)
    for (const output of step.outputs) this.#perform(talk, output)
  }

  #become(talk: Talk, state: NotifyState): void {
    this.#talks.delete(talk.state.branch)
    talk.state = state
    clearTimeout(talk.timer)
    const wake = notifyWake(state)
    if (wake === undefined) return
    this.#talks.set(state.branch, talk)
    talk.timer = setTimeout(() => this.#advance(talk, { kind: 'timer' }), Math.max(0, wake - this.#now()))
  }

  #perform({ peer, delivery }: Talk, output: NotifyOutput): void {
    switch (output.kind) {
      case 'send':
        return this.#opened().send(peer, output.bytes)
      case 'challenged':
        return delivery.challenged(output.by)
      case 'accepted':
        return delivery.accepted(output.status, output.sentAt)
      case 'failed':
        return delivery.failed(output.failure)
      default:
        return assertNever(output)
    }
  }
}

function samePlace(a: Place, b: Place): boolean {
  return a.transport === b.transport && a.port === b.port && a.address === b.address.replace(/^::ffff:/, '')
}

/** 96 bits. */
function freshName(): string {
  return randomBytes(12).toString('hex')
}
