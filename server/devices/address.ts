/** Which addresses belong to one subscriber line on the Internet. Source: RFC 6890 registries, RFC 6598, RFC 4193. */
import { BlockList, isIP, isIPv6 } from 'node:net'

const SPECIAL_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
]

const SPECIAL_V6: readonly (readonly [string, number])[] = [
  ['::', 127],
  ['100::', 64],
  ['2001:db8::', 32],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
]

function specialAddresses(): BlockList {
  const list = new BlockList()
  for (const [net, prefix] of SPECIAL_V4) list.addSubnet(net, prefix, 'ipv4')
  for (const [net, prefix] of SPECIAL_V6) list.addSubnet(net, prefix, 'ipv6')
  return list
}

const SPECIAL = specialAddresses()

/** @param address numeric; `::ffff:a.b.c.d` counts as its IPv4 address, any other writing of it as no public one */
export function isPublicAddress(address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  const family = isIP(plain)
  // Not a row of the list: Node takes a network of mapped addresses for all of IPv4.
  if (family === 0 || /^[0:]*:ffff:/i.test(plain)) return false
  return !SPECIAL.check(plain, family === 4 ? 'ipv4' : 'ipv6')
}

/**
 * The network of 64 bits that a subscriber has whole.
 * @returns its four groups in lower case, `2001:db8:0:1`; undefined: it is no IPv6 address. A zone is passed over
 */
export function network64Of(address: string): string | undefined {
  const [plain = ''] = address.split('%', 1)
  if (!isIPv6(plain)) return undefined
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  // A dotted end stands for two groups, and is never within the first four of an address with `::` before it.
  const groups = right.length + (right.at(-1)?.includes('.') === true ? 1 : 0)
  const zeros = Array.from({ length: tail === undefined ? 0 : Math.max(0, 8 - left.length - groups) }, () => '0')
  const first = [...left, ...zeros, ...right].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return first.join(':')
}

/** IPv4 peers of a dual-stack socket lose their IPv6 wrapping. */
export function plainAddress(address: string): string {
  return address[0] !== ':' ? address : address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
}
