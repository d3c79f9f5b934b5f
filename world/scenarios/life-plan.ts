/** What a seed says of one life of a phone: its way to the provider, the weather, and what people do meanwhile. */
import type { Millis } from '../../protocol/result.ts'
import { chanceOf } from '../mod.ts'
import { minutes } from '../testing.ts'

/** Ways to the provider, as the guide names them. */
const JOURNEYS = ['code', 'registered-link', 'held', 'rc', 'bench'] as const
type Journey = (typeof JOURNEYS)[number]

/** Ways back after a factory reset. */
const WAYS_BACK = ['dhcp', 'rc', 'link', 'new-code'] as const
export type WayBack = (typeof WAYS_BACK)[number]

const TRANSPORTS = ['tftp', 'http', 'https'] as const

export interface Plan {
  readonly journey: Journey
  readonly sealed: boolean
  readonly upgradeBy: (typeof TRANSPORTS)[number] | undefined
  readonly wayBack: WayBack | undefined
  readonly rcReachable: boolean
  /** 0 to 1. */
  readonly strength: number
  readonly stormMs: Millis
  /** How many answers to the first fetches of the own profile are lost after the server committed. */
  readonly cuts: number
  readonly restarts: readonly { readonly at: Millis; readonly downMs: Millis }[]
  readonly powerCuts: readonly Millis[]
  readonly call: { readonly at: Millis; readonly lengthMs: Millis } | undefined
  readonly strangers: readonly Millis[]
}

export function planOf(seed: number): Plan {
  const chance = chanceOf(seed, 'plan')
  const journey = chance.pick(JOURNEYS)
  const wayBack = chance.happens(0.35) ? chance.pick(WAYS_BACK) : undefined
  const stormMs = minutes(chance.whole(10, 40))
  const times = (most: number): readonly Millis[] =>
    Array.from({ length: chance.whole(0, most) }, () => chance.whole(0, stormMs))
  return {
    journey,
    sealed: chance.happens(0.3),
    upgradeBy: chance.happens(0.6) ? chance.pick(TRANSPORTS) : undefined,
    wayBack,
    rcReachable: journey === 'rc' || wayBack === 'rc' || chance.happens(0.3),
    strength: chance.happens(0.2) ? 0 : chance.next(),
    stormMs,
    cuts: chance.whole(0, 2),
    restarts: chance.happens(0.3) ? times(2).map((at) => ({ at, downMs: chance.whole(1000, 120_000) })) : [],
    powerCuts: chance.happens(0.3) ? times(2) : [],
    call: chance.happens(0.4)
      ? { at: chance.whole(0, stormMs), lengthMs: chance.whole(30_000, minutes(20)) }
      : undefined,
    strangers: times(3),
  }
}
