/**
 * Which addresses a request of ours may go to when somebody else chose the URL: the public Internet, and what a setting
 * allows. Everything near us is refused, or whoever may write a URL could reach what stands behind our firewall.
 */
import { BlockList, isIP } from 'node:net'

/** Network and the reason that is shown. Sources: IANA special-purpose address registries (RFC 6890 and its heirs). */
const FORBIDDEN: readonly (readonly [string, string])[] = [
  ['0.0.0.0/8', 'this host'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier-grade NAT'],
  ['127.0.0.0/8', 'loopback'],
  // Cloud providers answer metadata at 169.254.169.254.
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved'],
  ['192.0.2.0/24', 'documentation'],
  ['192.88.99.0/24', 'reserved'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'benchmarking'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
  ['::/128', 'this host'],
  ['::1/128', 'loopback'],
  // IPv4 in the clothes of IPv6 is looked at as IPv4 before; what is left of these networks is not for us.
  ['::/96', 'reserved'],
  ['64:ff9b:1::/48', 'private'],
  ['100::/64', 'discard only'],
  ['2001::/23', 'reserved'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', '6to4'],
  ['3fff::/20', 'documentation'],
  ['5f00::/16', 'reserved'],
  ['fc00::/7', 'private'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'private'],
  ['ff00::/8', 'multicast'],
]

const FORBIDDEN_LISTS = FORBIDDEN.map(([network, reason]) => ({ list: listOf([network]), reason }))

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIP(address)
    if (family === 0) continue
    list.addSubnet(address, bits === undefined ? (family === 4 ? 32 : 128) : Number(bits), familyName(address))
  }
  return list
}

function familyName(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}

/**
 * @param address an IPv4 or IPv6 address as text
 * @param allow   networks (CIDR) that may be reached although they are near
 * @param own     addresses of this machine: never, whatever they are, unless allowed
 * @returns why it is refused, e.g. `loopback`; undefined when it may be reached
 */
export function refusalOfAddress(
  address: string,
  allow: readonly string[],
  own: readonly string[] = [],
): string | undefined {
  const plain = embeddedIpv4(address.replace(/%.*$/, '')) ?? address.replace(/%.*$/, '')
  if (isIP(plain) === 0) return 'no address'
  const family = familyName(plain)
  if (listOf(allow).check(plain, family)) return undefined
  const forbidden = FORBIDDEN_LISTS.find(({ list }) => list.check(plain, family))
  if (forbidden !== undefined) return forbidden.reason
  return listOf(own.map((each) => each.replace(/%.*$/, ''))).check(plain, family) ? 'this machine' : undefined
}

/** The IPv4 address inside `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2) or `64:ff9b::a.b.c.d` (RFC 6052 §2.1). */
function embeddedIpv4(address: string): string | undefined {
  if (isIP(address) !== 6) return undefined
  // URL writes an IPv6 address in its one canonical form, with the last 32 bits as two groups of hex digits.
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const [, high, low] = /^(?:::ffff|64:ff9b:):([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? []
  if (high !== undefined && low !== undefined) return dotted(Number.parseInt(high, 16), Number.parseInt(low, 16))
  // 64:ff9b::1.2 is short for groups that are zero.
  const [, last] = /^64:ff9b::([0-9a-f]{1,4})?$/.exec(canonical) ?? []
  return canonical.startsWith('64:ff9b::') ? dotted(0, Number.parseInt(last ?? '0', 16)) : undefined
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
