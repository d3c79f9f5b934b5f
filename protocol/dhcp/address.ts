import { bytesToHex, hexToBytes } from '../bytes.ts'
import type { MacAddress } from '../identity.ts'
import { assert } from '../result.ts'

/*
 * Addresses as DHCP carries them, and what of them a host can have. IPv4 in four bytes, IPv6 in sixteen, big-endian.
 * Sources: RFC 6890 (addresses with a meaning of their own), RFC 5952 (IPv6 as text).
 */

/** No address, as the fields of a DHCP message say it. */
export const NO_ADDRESS = '0.0.0.0'

/** @returns the four bytes of dotted decimal, or undefined. Leading zeros are refused: some read them as octal. */
export function ipv4ToBytes(text: string): Uint8Array | undefined {
  if (!/^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/.test(text)) return undefined
  const bytes = text.split('.').map(Number)
  return bytes.every((byte) => byte <= 255) ? Uint8Array.from(bytes) : undefined
}

/** @returns dotted decimal of the first four bytes. */
export function bytesToIpv4(bytes: Uint8Array): string {
  return bytes.subarray(0, 4).join('.')
}

/** @returns the first four bytes as a number of 32 bits. */
export function ipv4Number(bytes: Uint8Array): number {
  return bytes.subarray(0, 4).reduce((value, byte) => value * 256 + byte, 0)
}

/**
 * True for an address that one host can have: not "this network" (0/8), loopback (127/8), multicast (224/4), class E with
 * the broadcast address (240/4). Source: RFC 1122 §3.2.1.3, RFC 6890.
 */
export function isHostIpv4(bytes: Uint8Array): boolean {
  const [first = 0] = bytes
  return bytes.length === 4 && first > 0 && first !== 127 && first < 224
}

/** True for an address that a server can hand out: one of a host, and not of 169.254/16, which hosts give themselves (RFC 3927). */
export function isAssignableIpv4(bytes: Uint8Array): boolean {
  return isHostIpv4(bytes) && !(bytes[0] === 169 && bytes[1] === 254)
}

/** @returns the IPv4 addresses of a list, four bytes each, at most `countMax`; bytes behind the last whole one are left out. */
export function ipv4List(bytes: Uint8Array, countMax: number): readonly Uint8Array[] {
  const count = Math.min(countMax, Math.floor(bytes.length / 4))
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * 4, index * 4 + 4))
}

/** @returns the 16 bytes of an IPv6 address in any form of RFC 4291 §2.2 without a zone, or undefined. */
export function ipv6ToBytes(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined
  const dotted = /^(.*:)([\d.]+)$/.exec(text)
  if (dotted?.[2]?.includes('.') === true) {
    const tail = ipv4ToBytes(dotted[2])
    if (tail === undefined) return undefined
    const digits = bytesToHex(tail)
    return ipv6ToBytes(`${dotted[1]}${digits.slice(0, 4)}:${digits.slice(4)}`)
  }
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  return hexToBytes(groups.map((group) => group.padStart(4, '0')).join(''))
}

/** @returns the text of 16 bytes: lower case, the longest run of two or more zero groups as `::` (RFC 5952 §4). */
export function bytesToIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[index * 2] ?? 0) * 256 + (bytes[index * 2 + 1] ?? 0))
  let best = { start: 0, count: 0 }
  for (let start = 0; start < 8; start += 1) {
    let count = 0
    while (groups[start + count] === 0) count += 1
    if (count > best.count) best = { start, count }
  }
  const print = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':')
  if (best.count < 2) return print(groups)
  return `${print(groups.slice(0, best.start))}::${print(groups.slice(best.start + best.count))}`
}

/**
 * True for an address that a server can hand out: not one of ::/8 (unspecified, loopback, IPv4 inside), link-local (fe80::/10)
 * or multicast (ff00::/8). Source: RFC 4291 §2.4, RFC 6890.
 */
export function isAssignableIpv6(bytes: Uint8Array): boolean {
  return isReachableIpv6(bytes) && !(bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80)
}

/** True for an address that another host can have; link-local ones too, as routers give theirs as DNS server. */
export function isReachableIpv6(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes[0] !== 0 && bytes[0] !== 0xff
}

/** @returns the six bytes of a MAC. */
export function macToBytes(mac: MacAddress): Uint8Array {
  const bytes = hexToBytes(mac)
  assert(bytes?.length === 6, `"${mac}" is no MAC of 12 hex digits`)
  return bytes
}

/** @returns the MAC of six bytes. */
export function bytesToMac(bytes: Uint8Array): MacAddress {
  return bytesToHex(bytes) as MacAddress
}
