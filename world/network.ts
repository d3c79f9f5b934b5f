/**
 * The network between phones and provider: what gets lost, held up, doubled or overtaken. It only rolls the dice and
 * sets the clock; who sends what is the business of the links.
 */
import type { Millis } from '../protocol/result.ts'
import type { Chance } from './chance.ts'
import type { VirtualClock } from './clock.ts'

/** How bad it is. Rates are probabilities from 0 to 1. */
export interface Weather {
  /** One way, ms: from, to. Unequal delays let datagrams overtake each other. */
  readonly delayMs: readonly [least: Millis, most: Millis]
  readonly datagramLost: number
  readonly datagramDoubled: number
  /** A datagram held up for up to a second, so that later ones arrive before it. */
  readonly datagramHeld: number
  /** An HTTP connection cannot be made. */
  readonly connectionRefused: number
  /** A request that never arrives. */
  readonly requestLost: number
  /** A request that arrives when the phone has long given up. */
  readonly requestHeld: number
  /** A request that a box on the way sends twice. */
  readonly requestDoubled: number
  /** The connection is cut after the server has done its work. */
  readonly answerCut: number
}

export const CALM: Weather = {
  delayMs: [10, 20],
  datagramLost: 0,
  datagramDoubled: 0,
  datagramHeld: 0,
  connectionRefused: 0,
  requestLost: 0,
  requestHeld: 0,
  requestDoubled: 0,
  answerCut: 0,
}

/** @param strength 0 is calm, 1 is the worst that phones are expected to live through */
export function storm(strength: number): Weather {
  return {
    delayMs: [5, 10 + Math.round(290 * strength)],
    datagramLost: 0.25 * strength,
    datagramDoubled: 0.15 * strength,
    datagramHeld: 0.1 * strength,
    connectionRefused: 0.2 * strength,
    requestLost: 0.2 * strength,
    requestHeld: 0.1 * strength,
    requestDoubled: 0.15 * strength,
    answerCut: 0.25 * strength,
  }
}

const DATAGRAM_HELD_MS: readonly [Millis, Millis] = [200, 1000]
const REQUEST_HELD_MS: readonly [Millis, Millis] = [35_000, 90_000]

/** What becomes of one HTTP request, decided when it is sent. */
export interface RequestFate {
  readonly refused: boolean
  /** When each copy reaches the server, after it was sent; none when it is lost. */
  readonly arrivals: readonly Millis[]
  readonly answerCut: boolean
  readonly answerMs: Millis
}

export class Network {
  weather: Weather = CALM
  readonly #clock: VirtualClock
  readonly #chance: Chance

  constructor(clock: VirtualClock, chance: Chance) {
    this.#clock = clock
    this.#chance = chance
  }

  /** Carries one datagram: it arrives never, once or twice, and perhaps behind one that was sent after it. */
  carry(arrive: () => void | Promise<void>): void {
    const { datagramLost, datagramDoubled, datagramHeld } = this.weather
    if (this.#chance.happens(datagramLost)) return
    const copies = this.#chance.happens(datagramDoubled) ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const heldMs = this.#chance.happens(datagramHeld) ? this.#chance.whole(...DATAGRAM_HELD_MS) : 0
      this.#clock.after(this.#oneWay() + heldMs, arrive)
    }
  }

  requestFate(): RequestFate {
    const { connectionRefused, requestLost, requestHeld, requestDoubled, answerCut } = this.weather
    const refused = this.#chance.happens(connectionRefused)
    const lost = this.#chance.happens(requestLost)
    const heldMs = this.#chance.happens(requestHeld) ? this.#chance.whole(...REQUEST_HELD_MS) : 0
    const doubled = this.#chance.happens(requestDoubled)
    const first = this.#oneWay() + heldMs
    const arrivals = doubled ? [first, first + this.#oneWay()] : [first]
    const answer = { answerCut: this.#chance.happens(answerCut), answerMs: this.#oneWay() }
    return { refused, arrivals: lost ? [] : arrivals, ...answer }
  }

  #oneWay(): Millis {
    return this.#chance.whole(...this.weather.delayMs)
  }
}
