/** What DHCP gave, as the phone's firmware takes it and as a watcher may see it. */
import { bytesToHex } from '../../../protocol/bytes.ts'
import { type DhcpLease, FOREVER_SECONDS } from '../../../protocol/dhcp/mod.ts'
import type { Lease, PhoneEvent } from '../../agent/mod.ts'
import type { Source } from '../source.ts'
import type { OwnAddress } from './interface.ts'
import type { GivenV6 } from './seat-v6.ts'

/** The lease for the agent, MPP §10.1. Options of DHCPv6 only if there are any. */
export function agentLease(lease: DhcpLease, v6: GivenV6 | undefined): Lease {
  const [gateway] = lease.routers
  return {
    address: lease.address,
    domain: lease.domain,
    options: lease.options,
    dnsServers: dnsServersOf(lease, v6),
    server: lease.serverId,
    ...(gateway === undefined ? {} : { gateway }),
    ...(v6 === undefined || v6.options.size === 0 ? {} : { optionsV6: v6.options }),
  }
}

export function sourceOf(lease: DhcpLease, v6: GivenV6 | undefined): Source {
  return {
    address: lease.address,
    addressV6: v6?.address,
    dnsServers: dnsServersOf(lease, v6),
    domain: lease.domain ?? v6?.domains[0],
  }
}

/** Without an address of its own a phone cannot reach a name server by IPv6. */
function dnsServersOf(lease: DhcpLease, v6: GivenV6 | undefined): readonly string[] {
  return [...lease.dnsServers, ...(v6?.address === undefined ? [] : v6.dnsServers)]
}

export function ownAddressOf({ address, prefixLength, routers, leaseSeconds }: DhcpLease): OwnAddress {
  return { address, prefixLength, router: routers[0], seconds: lifeOf(leaseSeconds) }
}

/** @returns undefined for a lease without end */
export function lifeOf(seconds: number): number | undefined {
  return seconds >= FOREVER_SECONDS ? undefined : seconds
}

/** Options of times: they say when a lease ends, and nothing about the network. */
const TIMES = new Set([51, 58, 59])

/** Whether both say the same about the network; when they end does not count. */
export function sameLease(a: Lease, b: Lease): boolean {
  return printed(a) === printed(b)
}

function printed({ options, optionsV6, ...rest }: Lease): string {
  const v4 = sorted(options).filter(([code]) => !TIMES.has(code))
  return JSON.stringify([rest, v4, sorted(optionsV6 ?? new Map())], (_key, value: unknown) =>
    value instanceof Uint8Array ? bytesToHex(value) : value,
  )
}

/** A server may give them in another order each time. */
function sorted<T>(options: ReadonlyMap<number, T>): readonly (readonly [number, T])[] {
  return [...options].toSorted(([a], [b]) => a - b)
}

export function discoverEvent(interfaceName: string, lastAddress: string | undefined): PhoneEvent {
  const again = lastAddress === undefined ? '' : `, ${lastAddress} if it may keep it`
  const text = `Asks DHCP on ${interfaceName} for an address${again}`
  return { name: 'dhcp-discover', text, data: { interface: interfaceName, lastAddress: lastAddress ?? null } }
}

/** Options by their numbers only: a value may be a secret (SCEP challenge, MPP §10.4). */
export function leaseEvent(lease: DhcpLease, v6: GivenV6 | undefined, renewed: boolean): PhoneEvent {
  const options = numbersOf(lease.options)
  const optionsV6 = v6 === undefined ? '' : numbersOf(v6.options)
  const seconds = lifeOf(lease.leaseSeconds)
  const life = seconds === undefined ? 'for ever' : `for ${seconds} s`
  const text = `${renewed ? 'Keeps' : 'Has'} ${lease.address}/${lease.prefixLength} from ${lease.serverId} ${life}; options ${options}`
  return {
    name: 'dhcp-lease',
    text: optionsV6 === '' ? text : `${text}; of DHCPv6 ${optionsV6}`,
    data: {
      address: lease.address,
      prefixLength: lease.prefixLength,
      server: lease.serverId,
      gateway: lease.routers[0] ?? null,
      leaseSeconds: seconds ?? null,
      options,
      optionsV6,
      addressV6: v6?.address ?? null,
      renewed,
    },
  }
}

export function lostEvent(address: string, reason: 'expired' | 'refused'): PhoneEvent {
  const why = reason === 'expired' ? 'nobody renewed it' : 'the server refuses it'
  return { name: 'dhcp-lost', text: `Gives up ${address}: ${why}`, data: { address, reason } }
}

export function ignoredEvent(code: string, message: string): PhoneEvent {
  return { name: 'dhcp-ignored', text: `Does not take a DHCP reply: ${message}`, data: { code } }
}

function numbersOf(options: ReadonlyMap<number, unknown>): string {
  return [...options.keys()].toSorted((a, b) => a - b).join(',')
}
