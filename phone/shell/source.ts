/** Where a phone's own traffic comes from and who tells it names, when its lease came by DHCP. Source: RFC 2132 §3.8, §3.17. */
import type { LookupAddress } from 'node:dns'
import { lookup, Resolver } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import type { Millis } from '../../protocol/result.ts'

/** The phone's place in the network. Without one, the system chooses the address and asks its own name servers. */
export interface Source {
  /** Own IPv4 address; it is on the interface. */
  readonly address: string
  readonly addressV6: string | undefined
  /** Name servers of the lease; none: those of the system are asked. */
  readonly dnsServers: readonly string[]
  /** Put behind names of one label. */
  readonly domain: string | undefined
}

/** For one question to one server, and how often it is asked. */
const DNS_ATTEMPT_MS: Millis = 3000
const DNS_ATTEMPTS = 2

/** @returns the own address for traffic to that literal address; undefined: the system chooses */
export function localAddressFor(source: Source | undefined, target: string): string | undefined {
  return isIP(target) === 6 ? source?.addressV6 : source?.address
}

/** @returns a resolver that asks the lease's name servers from the phone's own address; those of the system without any */
export function resolverOf(source: Source | undefined, servers = source?.dnsServers): Resolver {
  const resolver = new Resolver({ timeout: DNS_ATTEMPT_MS, tries: DNS_ATTEMPTS })
  if (servers !== undefined && servers.length > 0) resolver.setServers([...servers])
  if (source !== undefined && servers === source.dnsServers && servers.length > 0) {
    resolver.setLocalAddress(source.address, source.addressV6 ?? '::0')
  }
  return resolver
}

/**
 * @returns the addresses of a name, in the order in which they are tried; a literal address is its own answer
 * Rejects with the reason when there are none.
 */
export async function addressesOf(host: string, source?: Source): Promise<readonly LookupAddress[]> {
  const family = isIP(host)
  if (family !== 0) return [{ address: host, family }]
  if (source === undefined || source.dnsServers.length === 0) return lookup(host, { all: true, verbatim: true })
  const names = host.includes('.') || source.domain === undefined ? [host] : [`${host}.${source.domain}`, host]
  let last: unknown = new Error(`no address for "${host}"`)
  for (const name of names) {
    try {
      return await askFor(name, source)
    } catch (cause) {
      last = cause
    }
  }
  throw last
}

async function askFor(name: string, source: Source): Promise<readonly LookupAddress[]> {
  const resolver = resolverOf(source)
  const v4 = resolver.resolve4(name)
  // Without an address of its own a phone cannot reach IPv6.
  const v6 = source.addressV6 === undefined ? Promise.resolve([]) : resolver.resolve6(name)
  const [four, six] = await Promise.allSettled([v4, v6])
  const found = [
    ...(four.status === 'fulfilled' ? four.value.map((address) => ({ address, family: 4 })) : []),
    ...(six.status === 'fulfilled' ? six.value.map((address) => ({ address, family: 6 })) : []),
  ]
  if (found.length > 0) return found
  throw four.status === 'rejected' ? four.reason : new Error(`no address for "${name}"`)
}

/** For connections of Node by name. */
export function lookupBy(source: Source): LookupFunction {
  return (host, options, callback) => {
    const wanted = options.family === 'IPv6' ? 6 : options.family === 'IPv4' ? 4 : (options.family ?? 0)
    addressesOf(host, source).then(
      (found) => {
        const fitting = found.filter(({ family }) => wanted === 0 || family === wanted)
        const [first] = fitting
        if (first === undefined) return callback(new Error(`no address for "${host}"`), '')
        if (options.all === true) return callback(null, fitting)
        return callback(null, first.address, first.family)
      },
      (cause: unknown) => callback(cause instanceof Error ? cause : new Error(String(cause)), ''),
    )
  }
}
