import { concatBytes, hexToBytes } from '../../protocol/bytes.ts'
import { ipv4ToBytes } from '../../protocol/dhcp/mod.ts'

/** @returns the line of an offset in a text, from 1. */
export function lineCounter(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return low + 1
  }
}

/** @returns the offset behind the double quotes that begin at `at`; undefined where they do not end on their line. */
export function quotedEnd(text: string, at: number): number | undefined {
  if (text.charAt(at) !== '"') return undefined
  for (let offset = at + 1; offset < text.length; offset += 1) {
    const next = text.charAt(offset)
    if (next === '\n') return undefined
    if (next === '"') return offset + 1
    if (next === '\\') offset += 1
  }
  return undefined
}

/** @returns bytes of `01:02`, `0x0102`, `01 02` or `0102`; undefined for anything else. */
export function looseHex(text: string): Uint8Array | undefined {
  const plain = text.trim().replace(/^0x/i, '')
  if (!/^[0-9a-f: ]*$/i.test(plain)) return undefined
  const parts = plain.split(/[: ]+/).filter((part) => part !== '')
  const padded = parts.length > 1 ? parts.map((part) => part.padStart(2, '0')).join('') : (parts[0] ?? '')
  if (parts.length > 1 && parts.some((part) => part.length > 2)) return undefined
  return hexToBytes(padded.length % 2 === 0 ? padded : `0${padded}`)
}

/** @returns the bytes of IPv4 addresses; undefined if one is none. */
export function addressBytes(addresses: readonly string[]): Uint8Array | undefined {
  const found = addresses.flatMap((address) => ipv4ToBytes(address) ?? [])
  return addresses.length === 0 || found.length < addresses.length ? undefined : concatBytes(found)
}
