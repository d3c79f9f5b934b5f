/**
 * The provider of the bench: devices by their number, and the layers that make their profiles as large as they are to be.
 * Everything follows from the number, so each process knows it without asking.
 */
import {
  parseMacAddress,
  parseSerialNumber,
  type MacAddress,
  type ProductName,
  type SerialNumber,
} from '../protocol/identity.ts'
import { catalogue } from '../protocol/profile/mod.ts'
import { assert } from '../protocol/result.ts'

export interface BenchDevice {
  readonly mac: MacAddress
  readonly serial: SerialNumber
  readonly model: ProductName
  /** 32 hex digits. */
  readonly profilePath: string
}

/** Most phones are of this model; their profile has about 8 KiB of text. */
export const SMALL_MODEL = 'CP-8851-3PCC' as ProductName
/** One in 50 is of this one, whose sealed profile has about 20 KiB. */
export const LARGE_MODEL = 'CP-7841-3PCC' as ProductName
export const LARGE_EVERY = 50
export const DEVICES_PER_ACCOUNT = 10

const FIRST_MAC = 0x00_0e_08_20_00_00

/** @param index from 0 */
export function benchDevice(index: number): BenchDevice {
  const mac = parseMacAddress((FIRST_MAC + index).toString(16).padStart(12, '0'))
  const serial = parseSerialNumber(`FCH2301${index.toString(36).toUpperCase().padStart(4, '0')}`)
  assert(mac !== undefined && serial !== undefined, 'the names are made right')
  const model = index % LARGE_EVERY === LARGE_EVERY - 1 ? LARGE_MODEL : SMALL_MODEL
  return { mac, serial, model, profilePath: index.toString(16).padStart(8, '0').padStart(32, 'b') }
}

/** Text of the platform's layer: with the built-in parameters and a line it makes a profile of 8 KiB. */
const SMALL_LAYER_CHARS = 4000

/** Factory values of the first harmless parameters of the catalogue. */
export function smallLayer(): Readonly<Record<string, { readonly value: string }>> {
  const layer: Record<string, { value: string }> = {}
  let chars = 0
  for (const { element, parameter, index } of catalogue.allFor(SMALL_MODEL)) {
    const harmless = !parameter.secret && index === 0 && !/Rule|Restricted|Custom_CA|Resync|GPP_/.test(element)
    if (!harmless || parameter.defaultValue === '' || chars >= SMALL_LAYER_CHARS) continue
    layer[element] = { value: parameter.defaultValue }
    chars += 2 * element.length + 6 + parameter.defaultValue.length
  }
  return layer
}

/** Text that gzip cannot make much smaller, for the larger profile. */
export function largeLayer(): Readonly<Record<string, { readonly value: string }>> {
  return Object.fromEntries(
    Array.from({ length: 26 }, (_, place) => [`Bench_Text_${place + 1}`, { value: textOf(place + 1000, 980) }]),
  )
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Letters by chance, always the same ones. */
function textOf(seed: number, length: number): string {
  let state = (seed + 1) * 2_654_435_761
  let text = ''
  for (let place = 0; place < length; place++) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0
    text += LETTERS[state >>> 26] ?? ''
  }
  return text
}
