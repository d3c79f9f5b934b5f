import { BlockList, isIPv4 } from 'node:net'

import { ipv4ToBytes, ipv6ToBytes } from '../../protocol/dhcp/mod.ts'
import { isPlainIPv6 } from './hosts.ts'
import type { Part } from './parts.ts'
import { discoveryProblem, shown } from './problem.ts'
import type { DiscoveryProblem, DiscoverySettings } from './types.ts'

/** Most subnets of one family: more is another tool's work. */
const SUBNETS_MAX = 256

/** A range of addresses, both included. */
export interface Pool {
  readonly first: string
  readonly last: string
}

/** @returns address and prefix length of `192.0.2.0/24` or `2001:db8::/64`; undefined for anything else. */
export function readSubnet(text: string, family: 4 | 6): { address: string; prefix: number } | undefined {
  const found = /^([0-9a-f.:]+)\/([0-9]{1,3})$/i.exec(text)
  const address = found?.[1] ?? ''
  const prefix = Number(found?.[2])
  const valid = family === 4 ? isIPv4(address) && prefix <= 32 : isPlainIPv6(address) && prefix <= 128
  return found !== null && valid && prefix > 0 ? { address, prefix } : undefined
}

/** @returns first and last address of `192.0.2.100 - 192.0.2.199`. */
export function readPool(text: string): Pool | undefined {
  const [first = '', last = '', ...rest] = text.split('-').map((part) => part.trim())
  return rest.length === 0 && first !== '' && last !== '' ? { first, last } : undefined
}

/** `24` -> `255.255.255.0`. */
export function maskOf(prefix: number): string {
  const mask = prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join('.')
}

/** @returns whether an address of either family is inside a subnet. */
export function isInside(address: string, subnet: { address: string; prefix: number }): boolean {
  const family = isPlainIPv6(subnet.address) ? 'ipv6' : 'ipv4'
  if (family === 'ipv6' ? !isPlainIPv6(address) : !isIPv4(address)) return false
  const list = new BlockList()
  list.addSubnet(subnet.address, subnet.prefix, family)
  return list.check(address, family)
}

/** Checks the subnets that the daemon is to serve; they come to no option. */
export function checkSubnets(settings: DiscoverySettings): Part {
  const problems: DiscoveryProblem[] = []
  const lists = [
    { name: 'subnets', family: 4, rows: settings.subnets },
    { name: 'subnets6', family: 6, rows: settings.subnets6 ?? [] },
  ] as const
  for (const { name, family, rows } of lists) {
    if (rows.length > SUBNETS_MAX) {
      problems.push(bad('subnets', name, `Cannot serve ${rows.length} subnets: expected at most ${SUBNETS_MAX}`))
      continue
    }
    const known: { address: string; prefix: number }[] = []
    for (const [index, row] of rows.entries()) {
      checkSubnet(`${name}[${index}]`, family, row, known, problems)
    }
  }
  if (!settings.ipv6 && (settings.subnets6 ?? []).length > 0) {
    problems.push(bad('bad-subnet', 'subnets6', 'Cannot serve subnets of IPv6 while ipv6 is off'))
  }
  return { options: [], problems, notes: [] }
}

interface SubnetRow {
  readonly subnet: string
  readonly pool: string
  readonly router?: string | undefined
  readonly dns?: readonly string[] | undefined
  readonly interface?: string | undefined
}

function checkSubnet(
  place: string,
  family: 4 | 6,
  row: SubnetRow,
  known: { address: string; prefix: number }[],
  problems: DiscoveryProblem[],
): void {
  const subnet = readSubnet(row.subnet, family)
  const example = family === 4 ? '192.0.2.0/24' : '2001:db8::/64'
  if (subnet === undefined || !isNetwork(subnet)) {
    const message = `Cannot serve subnet ${shown(row.subnet)}: expected the first address of a network and its length, such as ${example}`
    problems.push(bad('bad-subnet', `${place}.subnet`, message))
    return
  }
  if (known.some((other) => isInside(other.address, subnet) || isInside(subnet.address, other))) {
    problems.push(
      bad('bad-subnet', `${place}.subnet`, `Cannot serve subnet ${shown(row.subnet)}: it overlaps another one`),
    )
  }
  known.push(subnet)
  const pool = readPool(row.pool)
  if (pool === undefined || !isRange(pool, family) || ![pool.first, pool.last].every((end) => isInside(end, subnet))) {
    const message = `Cannot give out addresses ${shown(row.pool)}: expected first and last address inside ${row.subnet}, joined by " - "`
    problems.push(bad('bad-pool', `${place}.pool`, message))
  }
  if (row.router !== undefined && !isInside(row.router, subnet)) {
    problems.push(
      bad(
        'bad-router',
        `${place}.router`,
        `Cannot use router ${shown(row.router)}: expected an address inside ${row.subnet}`,
      ),
    )
  }
  const dns = row.dns ?? []
  if (dns.length > 8 || !dns.every((address) => (family === 4 ? isIPv4(address) : isPlainIPv6(address)))) {
    problems.push(
      bad('bad-dns', `${place}.dns`, `Cannot use these DNS servers: expected at most 8 IPv${family} addresses`),
    )
  }
  if (row.interface !== undefined && !/^[\w.@-]{1,15}$/.test(row.interface)) {
    problems.push(
      bad(
        'bad-interface',
        `${place}.interface`,
        `Cannot use interface ${shown(row.interface)}: expected a name such as eth0`,
      ),
    )
  }
}

/** Whether the bits behind the prefix are zero: some daemons refuse others. */
function isNetwork(subnet: { address: string; prefix: number }): boolean {
  const bytes = ipv4ToBytes(subnet.address) ?? ipv6ToBytes(subnet.address)
  return (
    bytes !== undefined &&
    bytes.every((byte, index) => {
      const own = Math.min(8, Math.max(0, subnet.prefix - index * 8))
      return (byte & (0xff >> own)) === 0
    })
  )
}

function isRange({ first, last }: Pool, family: 4 | 6): boolean {
  const bytesOf = family === 4 ? ipv4ToBytes : ipv6ToBytes
  const [from, to] = [bytesOf(first), bytesOf(last)]
  if (from === undefined || to === undefined) return false
  const at = from.findIndex((byte, index) => byte !== to[index])
  return at < 0 || (from[at] ?? 0) < (to[at] ?? 0)
}

function bad(code: string, place: string, message: string): DiscoveryProblem {
  return discoveryProblem(code, place, message, 'correct the subnet, or leave all subnets out to write classes alone')
}
