import type { Result } from '../result.ts'
import { err, ok } from '../result.ts'
import { bytesToIpv4, ipv4List, ipv4Number, ipv4ToBytes, isAssignableIpv4, isHostIpv4 } from './address.ts'
import { clampLeaseTimes } from './lease-times.ts'
import type { DhcpMessage } from './message.ts'
import { decodeDomainName } from './options/domain-name.ts'
import type { DhcpProblem } from './options/vendor-data.ts'

/** What a server granted, after it was found to be possible. */
export interface DhcpLease {
  /** Dotted IPv4 of the phone. */
  readonly address: string
  /** Bits of the network, 1 to 32. */
  readonly prefixLength: number
  /** Routers, the preferred one first; those that cannot be are left out. */
  readonly routers: readonly string[]
  /** Address of the server that granted it. */
  readonly serverId: string
  readonly dnsServers: readonly string[]
  /** Domain for names without one. */
  readonly domain: string | undefined
  /** Seconds since the request was sent; {@link FOREVER_SECONDS} for a lease without end, then all three are. */
  readonly leaseSeconds: number
  /** T1: renew from here on. */
  readonly renewSeconds: number
  /** T2: ask any server from here on. */
  readonly rebindSeconds: number
  /** Everything that the ACK carried, raw, by code. */
  readonly options: ReadonlyMap<number, Uint8Array>
}

/** Routers and DNS servers kept of one list: more are never tried. */
export const LEASE_ADDRESSES_MAX = 16

const OPTION = { mask: 1, routers: 3, dns: 6, domain: 15, leaseTime: 51, serverId: 54, renewTime: 58, rebindTime: 59 }

/** @returns the server that an OFFER, ACK or NAK names (option 54), if a phone can write to it. */
export function serverIdOf(message: DhcpMessage): string | undefined {
  const bytes = message.options.get(OPTION.serverId)?.subarray(0, 4)
  return bytes !== undefined && isHostIpv4(bytes) ? bytesToIpv4(bytes) : undefined
}

/**
 * Reads the lease of an OFFER or ACK, and refuses one that no phone could use (`bad-value`): an address that no host can have or
 * that is the network's own, a mask that is none, no lease time, no server. Routers and DNS servers that cannot be are left
 * out; times are brought into order. A missing mask follows from the address as before CIDR (RFC 1122 §3.2.1.3).
 */
export function judgeLease(message: DhcpMessage): Result<DhcpLease, DhcpProblem> {
  const serverId = serverIdOf(message)
  if (serverId === undefined) {
    return refuse(`no server that can be written to (option 54 is "${printed(message, OPTION.serverId)}")`)
  }
  const leaseSeconds = secondsOf(message, OPTION.leaseTime)
  if (leaseSeconds === undefined || leaseSeconds === 0) {
    return refuse(`no lease time (option 51 is "${printed(message, OPTION.leaseTime)}")`)
  }
  const address = ipv4ToBytes(message.yiaddr) ?? new Uint8Array(0)
  if (!isAssignableIpv4(address)) return refuse(`address "${message.yiaddr}", which no server can give`)
  if (message.yiaddr === serverId) return refuse(`address "${message.yiaddr}", which is the server's own`)
  const domain = decodeDomainName(message.options.get(OPTION.domain) ?? new Uint8Array(0))
  const prefixLength = prefixLengthOf(message.options.get(OPTION.mask), address)
  if (prefixLength === undefined) return refuse(`mask "${printed(message, OPTION.mask)}", which is none`)
  if (!isInside(address, address, prefixLength)) {
    return refuse(`address "${message.yiaddr}", which stands for the whole network of ${prefixLength} bits`)
  }
  return ok({
    address: message.yiaddr,
    prefixLength,
    routers: routersOf(message, address, prefixLength),
    serverId,
    dnsServers: dnsServersOf(message, address),
    domain: domain.ok ? domain.value : undefined,
    ...clampLeaseTimes(leaseSeconds, secondsOf(message, OPTION.renewTime), secondsOf(message, OPTION.rebindTime)),
    options: message.options,
  })
}

/** @returns seconds of an option of four bytes; undefined when it is missing or shorter. */
function secondsOf(message: DhcpMessage, code: number): number | undefined {
  const payload = message.options.get(code)
  return payload === undefined || payload.length < 4 ? undefined : ipv4Number(payload)
}

function prefixLengthOf(mask: Uint8Array | undefined, address: Uint8Array): number | undefined {
  if (mask === undefined) {
    const first = address[0] ?? 0
    return first < 128 ? 8 : first < 192 ? 16 : 24
  }
  if (mask.length < 4) return undefined
  const ones = /^(1+)0*$/.exec(ipv4Number(mask).toString(2).padStart(32, '0'))?.[1]
  return ones?.length
}

/** True for a host's address in the network of `base`. A network of 31 or 32 bits has no addresses of its own (RFC 3021). */
function isInside(base: Uint8Array, address: Uint8Array, prefixLength: number): boolean {
  const size = 2 ** (32 - prefixLength)
  const start = ipv4Number(base) - (ipv4Number(base) % size)
  const offset = ipv4Number(address) - start
  return size <= 2 ? offset >= 0 && offset < size : offset > 0 && offset < size - 1
}

/** With a mask of 32 bits a router is always outside, and reached all the same. */
function routersOf(message: DhcpMessage, address: Uint8Array, prefixLength: number): readonly string[] {
  return addressesOf(message, OPTION.routers, address, (router) =>
    prefixLength === 32 ? true : isInside(address, router, prefixLength),
  )
}

function dnsServersOf(message: DhcpMessage, address: Uint8Array): readonly string[] {
  return addressesOf(message, OPTION.dns, address, () => true)
}

function addressesOf(
  message: DhcpMessage,
  code: number,
  own: Uint8Array,
  fits: (address: Uint8Array) => boolean,
): readonly string[] {
  const found = ipv4List(message.options.get(code) ?? new Uint8Array(0), LEASE_ADDRESSES_MAX)
    .filter((address) => isHostIpv4(address) && ipv4Number(address) !== ipv4Number(own) && fits(address))
    .map(bytesToIpv4)
  return [...new Set(found)]
}

function printed(message: DhcpMessage, code: number): string {
  return message.options.get(code)?.subarray(0, 8).join('.') ?? 'missing'
}

function refuse(what: string): { readonly ok: false; readonly error: DhcpProblem } {
  return err({ code: 'bad-value', message: `Cannot take a lease with ${what}: correct the DHCP server` })
}
