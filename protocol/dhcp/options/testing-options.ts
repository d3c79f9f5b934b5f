import fc from 'fast-check'
import { expect } from 'vitest'

import { bytesToHex, hexToBytes } from '../../bytes.ts'
import { assert } from '../../result.ts'
import type { Result } from '../../result.ts'
import type { AcsDiscovery } from './acs-discovery.ts'
import type { Identity } from './gateway-identity.ts'
import type { DhcpProblem } from './vendor-data.ts'

/** @returns the bytes of hex as the law prints it, with spaces and line ends. */
export function hex(text: string): Uint8Array {
  const bytes = hexToBytes(text.replace(/\s/g, ''))
  assert(bytes !== undefined, `not hex: ${text}`)
  return bytes
}

/** @returns the payload of an example that is one option with its code and length, both checked. */
export function payloadOf(code: number, option: string): Uint8Array {
  const bytes = hex(option)
  assert(bytes[0] === code && bytes[1] === bytes.length - 2, `not one option ${code}: ${bytesToHex(bytes)}`)
  return bytes.subarray(2)
}

/** @returns the value, or throws the message of the refusal. */
export function valueOf<T>(result: Result<T, DhcpProblem>): T {
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

/** @returns `code: message` of the refusal, or `ok`. */
export function refusalOf(result: Result<unknown, DhcpProblem>): string {
  return result.ok ? 'ok' : `${result.error.code}: ${result.error.message}`
}

/** The seed of all properties here. */
export const SEED = 69

const printable = fc.stringMatching(/^[ -~]{1,64}$/)
const digits = fc.stringMatching(/^[0-9]{1,10}$/)

/** ACS data with a URL. */
export const discoveries: fc.Arbitrary<AcsDiscovery> = fc.record(
  {
    url: fc.webUrl({ validSchemes: ['http', 'https'] }).filter((url) => url.length < 120),
    provisioningCode: printable,
    retryMinimumWait: digits,
    retryMultiplier: digits,
  },
  { requiredKeys: ['url'] },
)

/** A phone or a gateway. */
export const identities: fc.Arbitrary<Identity> = fc.record(
  { oui: fc.stringMatching(/^[0-9A-F]{6}$/), serialNumber: printable, productClass: printable },
  { requiredKeys: ['oui', 'serialNumber'] },
)

/** Decodes random bytes, and examples that were cut, grown or changed in one byte: it refuses in words, or reads. */
export function expectNoThrow(
  decode: (payload: Uint8Array) => Result<unknown, DhcpProblem>,
  examples: fc.Arbitrary<Uint8Array>,
): void {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1200 }), examples, fc.nat(), fc.nat(255), (random, example, at, byte) => {
      const place = at % example.length
      for (const bytes of [
        random,
        example.subarray(0, place),
        Uint8Array.from([...example, byte]),
        example.with(place, byte),
      ]) {
        expect(refusalOf(decode(bytes))).toMatch(/^(ok$|(truncated|too-long|bad-value|empty): Cannot )/)
      }
    }),
    { seed: SEED, numRuns: 500 },
  )
}

/** What is written is read again. */
export function expectRoundTrip<T>(
  encode: (value: T) => Result<Uint8Array, DhcpProblem>,
  decode: (payload: Uint8Array) => Result<unknown, DhcpProblem>,
  values: fc.Arbitrary<T>,
): void {
  fc.assert(
    fc.property(values, (value) => {
      expect(valueOf(decode(valueOf(encode(value))))).toEqual(value)
    }),
    { seed: SEED },
  )
}

/** Texts as servers are named: no space at either end. */
export const serverTexts: fc.Arbitrary<string> = fc.stringMatching(/^[!-~]{1,200}$/)

/** Lists of addresses as one option holds them. */
export const addressLists: fc.Arbitrary<readonly string[]> = fc.array(fc.ipV4(), { minLength: 1, maxLength: 63 })

/** Names of hosts. */
export const hostNames: fc.Arbitrary<string> = fc
  .array(fc.stringMatching(/^[A-Za-z0-9_]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?$/), { minLength: 1, maxLength: 6 })
  .map((labels) => labels.join('.'))
