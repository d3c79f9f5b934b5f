/** Who the phones of a fleet are. The same seed gives the same phones. */
import {
  type MacAddress,
  parseMacAddress,
  parseSerialNumber,
  type ProductName,
  type SerialNumber,
} from '../../protocol/identity.ts'
import { modelInfo } from '../../protocol/profile/mod.ts'
import { assert, type Rng } from '../../protocol/result.ts'
import type { Hardware } from '../agent/mod.ts'

/** A socket for each phone: a process can hold about so many. */
export const FLEET_MAX = 15_000
const MAC_END = 2 ** 48
const SERIAL_DIGITS = 4

/** The label of a box. */
export interface Box {
  readonly mac: MacAddress
  readonly serial: SerialNumber
  readonly productName: ProductName
}

export interface Population {
  /** Exactly these phones, instead of made-up ones: then `count`, `firstMac` and `models` do not matter. */
  readonly boxes?: readonly Box[]
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

/**
 * @returns the phones in the order of their MACs, or of their boxes. Throws RangeError for a count or MAC range that cannot
 * be, and for two boxes with one MAC.
 */
export function populate(population: Population): readonly Hardware[] {
  const { boxes } = population
  const labels = boxes === undefined ? makeUp(population) : distinct(boxes)
  const { release, rcUrl, clientCertificate } = population
  return labels.map(({ mac, serial, productName }) => {
    const factoryLoad = `${modelInfo(productName)?.firmwareFamily ?? 'sip88xx'}.${release}`
    return { mac, serial, productName, hardwareVersion: '2.0.1', factoryLoad, rcUrl, clientCertificate }
  })
}

function distinct(boxes: readonly Box[]): readonly Box[] {
  checkCount(boxes.length)
  const seen = new Set<string>()
  for (const { mac } of boxes) {
    if (seen.has(mac)) throw new RangeError(`Two boxes have the MAC ${mac}: each phone has its own`)
    seen.add(mac)
  }
  return boxes
}

function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > FLEET_MAX) {
    throw new RangeError(`A fleet has 1 to ${FLEET_MAX} phones, not ${count}`)
  }
}

function makeUp({ count, seed, firstMac, models }: Population): readonly Box[] {
  checkCount(count)
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
    return { mac, serial, productName }
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
