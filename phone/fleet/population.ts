/** Who the phones of a fleet are. The same seed gives the same phones. */
import { type MacAddress, parseMacAddress, parseSerialNumber, type ProductName } from '../../protocol/identity.ts'
import { modelInfo } from '../../protocol/profile/mod.ts'
import { assert, type Rng } from '../../protocol/result.ts'
import type { Hardware } from '../agent/mod.ts'

/** A socket for each phone: a process can hold about so many. */
export const FLEET_MAX = 15_000
const MAC_END = 2 ** 48
const SERIAL_DIGITS = 4

export interface Population {
  readonly count: number
  readonly seed: number
  /** The phones have this one and the next ones. */
  readonly firstMac: MacAddress
  /** Phone n gets model n, over and over. At least one. */
  readonly models: readonly ProductName[]
  /** Release of the factory load, e.g. `11-3-2MPP0001-609`. */
  readonly release: string
  readonly rcUrl: string
  readonly clientCertificate: boolean
}

/** @returns the phones in the order of their MACs. Throws RangeError for a count or MAC range that cannot be. */
export function populate(population: Population): readonly Hardware[] {
  const { count, seed, firstMac, models } = population
  if (!Number.isInteger(count) || count < 1 || count > FLEET_MAX) {
    throw new RangeError(`A fleet has 1 to ${FLEET_MAX} phones, not ${count}`)
  }
  const first = Number.parseInt(firstMac, 16)
  if (first + count > MAC_END) throw new RangeError(`There are no ${count} MAC addresses from ${firstMac} on`)
  assert(models.length > 0, 'a fleet has a model')
  const rng = seededRng(seed)
  const made = `FCH${twoDigits(20 + Math.floor(rng() * 6))}${twoDigits(1 + Math.floor(rng() * 52))}`
  return Array.from({ length: count }, (_, index) => {
    const productName = models[index % models.length]
    const mac = parseMacAddress((first + index).toString(16).padStart(12, '0'))
    const serial = parseSerialNumber(made + index.toString(36).padStart(SERIAL_DIGITS, '0'))
    assert(productName !== undefined && mac !== undefined && serial !== undefined, 'the names are made right')
    const { release, rcUrl, clientCertificate } = population
    const factoryLoad = `${modelInfo(productName)?.firmwareFamily ?? 'sip88xx'}.${release}`
    return { mac, serial, productName, hardwareVersion: '2.0.1', factoryLoad, rcUrl, clientCertificate }
  })
}

/** Chance that a seed replays (mulberry32). Not for secrets of phones that anybody relies on. */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}
