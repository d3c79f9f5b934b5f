import { ByteReader, bytesToHex } from '../bytes.ts'
import { ok } from '../result.ts'
import type { Result } from '../result.ts'
import { bytesToIpv6, isAssignableIpv6, isReachableIpv6 } from './address.ts'
import { LEASE_ADDRESSES_MAX } from './exchange-lease.ts'
import { clampLeaseTimes, FOREVER_SECONDS } from './lease-times.ts'
import { decodeDhcpv6Options } from './message-v6.ts'
import type { Dhcpv6Message, Dhcpv6Option } from './message-v6.ts'
import { decodeDomainName } from './options/domain-name.ts'
import { problem } from './options/vendor-data.ts'
import type { DhcpProblem } from './options/vendor-data.ts'

/** What a server granted, after it was found to be possible. */
export interface Dhcpv6Lease {
  /** IPv6 of the phone (RFC 5952 form); missing in stateless mode. */
  readonly address?: string
  /** Always 128: DHCPv6 gives single addresses, the network is the router's to tell. */
  readonly prefixLength: number
  /** Those that cannot be are left out. */
  readonly dnsServers: readonly string[]
  /** Domains for names without one, in order. */
  readonly domains: readonly string[]
  /** Everything that the REPLY carried, raw, by code; one code may come several times. */
  readonly options: ReadonlyMap<number, readonly Uint8Array[]>
  /** T1 in seconds since the REPLY, or how long options without an address hold; {@link FOREVER_SECONDS} for ever. */
  readonly renewSeconds: number
  /** T2. */
  readonly rebindSeconds: number
  /** End of the address; for ever in stateless mode. */
  readonly validSeconds: number
  /** Name of the server, 1 to 130 bytes. */
  readonly serverDuid: Uint8Array
}

/** Codes of RFC 8415 §21, RFC 3646 (23, 24) and RFC 5908 (56). */
export const DHCPV6_FIELD = {
  clientId: 1,
  serverId: 2,
  addresses: 3,
  address: 5,
  asked: 6,
  elapsed: 8,
  status: 13,
  dnsServers: 23,
  domains: 24,
  refreshTime: 32,
  solicitWaitMax: 82,
  informWaitMax: 83,
} as const

/** Longest name of a server, in bytes (RFC 8415 §11.1). */
export const DUID_BYTES_MAX = 130

/** How long options without an address hold when the server does not say (RFC 8415 §21.23), in seconds. */
export const REFRESH_SECONDS = 86_400

/** Shortest time that they hold (RFC 8415 §21.23), in seconds. */
export const REFRESH_SECONDS_MIN = 600

/** The granted address, or why there is none: a status of the server (RFC 8415 §21.13), or bytes that cannot be. */
export type Granted =
  | { readonly kind: 'granted'; readonly address: string; readonly times: Times }
  /** The server said no for the address that was asked for. */
  | { readonly kind: 'refused'; readonly problem: DhcpProblem }
  /** Says nothing that can be used. */
  | { readonly kind: 'unusable'; readonly problem: DhcpProblem }

type Times = Pick<Dhcpv6Lease, 'renewSeconds' | 'rebindSeconds' | 'validSeconds'>

const DOT = 0x2e
const STATUS = { success: 0, noAddresses: 2, noBinding: 3, notOnLink: 4 }
/** With these the server says that it will not change its mind; others pass (RFC 8415 §18.2.10). */
const FINAL: ReadonlySet<number> = new Set([STATUS.noAddresses, STATUS.noBinding, STATUS.notOnLink])

/** @returns the name of the server that wrote a message, unless it is missing, doubled or too long. */
export function serverDuidOf(message: Dhcpv6Message): Uint8Array | undefined {
  const [duid, second] = valuesOf(message, DHCPV6_FIELD.serverId)
  const fits = duid !== undefined && duid.length > 0 && duid.length <= DUID_BYTES_MAX
  return fits && second === undefined ? duid : undefined
}

/**
 * Finds the address of a phone in an ADVERTISE or REPLY: in the IA_NA with its number, with a lifetime, and one that a host can
 * have. `wanted` is preferred, or the only one that counts where `only` is set.
 */
export function findGranted(message: Dhcpv6Message, iaid: number, wanted: string | undefined, only: boolean): Granted {
  const overall = statusOf(message.options)
  if (overall !== STATUS.success) return statusProblem(overall)
  for (const value of valuesOf(message, DHCPV6_FIELD.addresses)) {
    const reader = new ByteReader(value)
    const [number, renew, rebind] = [reader.uint32(), reader.uint32(), reader.uint32()]
    if (reader.failed || number !== iaid) continue
    const inner = decodeDhcpv6Options(reader.rest())
    if (!inner.ok) return { kind: 'unusable', problem: inner.error }
    const status = statusOf(inner.value)
    if (status !== STATUS.success) return statusProblem(status)
    // Times in the wrong order: the whole IA is left out (RFC 8415 §21.4).
    if (renew > rebind && rebind > 0) return unusable(`T1 of ${renew} s after T2 of ${rebind} s`)
    return chooseAddress(inner.value, { renew, rebind }, wanted, only)
  }
  return unusable('no address')
}

/** Reads a REPLY without an address: options, and how long they hold (RFC 8415 §21.23). */
export function judgeInformation(message: Dhcpv6Message): Result<Dhcpv6Lease, DhcpProblem> {
  const status = statusOf(message.options)
  if (status !== STATUS.success)
    return problem('bad-value', `Cannot take options: the DHCPv6 server says status ${status}`)
  const refresh = numberOf(message, DHCPV6_FIELD.refreshTime) ?? REFRESH_SECONDS
  const times = { rebindSeconds: FOREVER_SECONDS, validSeconds: FOREVER_SECONDS }
  return leaseOf(message, undefined, { renewSeconds: Math.max(REFRESH_SECONDS_MIN, refresh), ...times })
}

/** @returns the lease of a REPLY, with what {@link findGranted} found in it; `bad-value` without the name of a server. */
export function leaseOf(
  message: Dhcpv6Message,
  address: string | undefined,
  times: Times,
): Result<Dhcpv6Lease, DhcpProblem> {
  const serverDuid = serverDuidOf(message)
  if (serverDuid === undefined) return problem('bad-value', 'Cannot take a DHCPv6 lease without the name of one server')
  const options = new Map<number, readonly Uint8Array[]>()
  for (const { code, value } of message.options) options.set(code, [...(options.get(code) ?? []), value])
  return ok({
    ...(address === undefined ? {} : { address }),
    prefixLength: 128,
    dnsServers: dnsServersOf(message).filter((server) => server !== address),
    domains: domainsOf(message),
    options,
    ...times,
    serverDuid,
  })
}

/** @returns the number in the first four bytes of an option; undefined when it is missing or shorter. */
export function numberOf(message: Dhcpv6Message, code: number): number | undefined {
  const [value] = valuesOf(message, code)
  return value === undefined || value.length < 4 ? undefined : new ByteReader(value).uint32()
}

/** @returns true for a message to the client with this DUID: an answer repeats it (RFC 8415 §16.3, §16.10). */
export function isTo(message: Dhcpv6Message, duid: Uint8Array): boolean {
  const [named, second] = valuesOf(message, DHCPV6_FIELD.clientId)
  return named !== undefined && second === undefined && bytesToHex(named) === bytesToHex(duid)
}

function chooseAddress(
  options: readonly Dhcpv6Option[],
  times: { readonly renew: number; readonly rebind: number },
  wanted: string | undefined,
  only: boolean,
): Granted {
  const offered = options.flatMap(({ code, value }) => (code === DHCPV6_FIELD.address ? readAddress(value) : []))
  if (only && offered.some(({ address, valid }) => address === wanted && valid === 0)) {
    return { kind: 'refused', problem: { code: 'bad-value', message: `The DHCPv6 server ended address "${wanted}"` } }
  }
  const usable = offered.filter(({ valid, preferred }) => valid > 0 && preferred <= valid)
  const chosen = usable.find(({ address }) => address === wanted) ?? (only ? undefined : usable[0])
  if (chosen === undefined) return unusable('no address that a phone can have')
  const { address, valid, preferred } = chosen
  const { leaseSeconds, renewSeconds, rebindSeconds } = clampLeaseTimes(
    valid,
    times.renew,
    times.rebind,
    // The parts that RFC 8415 §21.4 recommends. Without a preferred time nothing can be measured by it.
    preferred === 0 ? undefined : { renew: preferred * 0.5, rebind: preferred * 0.8 },
  )
  return { kind: 'granted', address, times: { renewSeconds, rebindSeconds, validSeconds: leaseSeconds } }
}

interface OfferedAddress {
  readonly address: string
  readonly preferred: number
  readonly valid: number
}

function readAddress(value: Uint8Array): readonly OfferedAddress[] {
  const reader = new ByteReader(value)
  const [address, preferred, valid] = [reader.take(16), reader.uint32(), reader.uint32()]
  if (reader.failed || !isAssignableIpv6(address)) return []
  const inner = decodeDhcpv6Options(reader.rest())
  if (!inner.ok || statusOf(inner.value) !== STATUS.success) return []
  return [{ address: bytesToIpv6(address), preferred, valid }]
}

function dnsServersOf(message: Dhcpv6Message): readonly string[] {
  const bytes = valuesOf(message, DHCPV6_FIELD.dnsServers)
  const found = bytes.flatMap((value) =>
    Array.from({ length: Math.min(LEASE_ADDRESSES_MAX, Math.floor(value.length / 16)) }, (_, index) =>
      value.subarray(index * 16, index * 16 + 16),
    ),
  )
  const texts = found.filter(isReachableIpv6).map(bytesToIpv6)
  return [...new Set(texts)].slice(0, LEASE_ADDRESSES_MAX)
}

/** Names as DNS writes them, labels with a length byte, up to an empty one; without compression (RFC 8415 §10). */
function domainsOf(message: Dhcpv6Message): readonly string[] {
  const [value] = valuesOf(message, DHCPV6_FIELD.domains)
  const reader = new ByteReader(value ?? new Uint8Array(0))
  const domains: string[] = []
  let labels: Uint8Array[] = []
  while (reader.remainingCount > 0 && domains.length < LEASE_ADDRESSES_MAX) {
    const label = reader.take(reader.uint8())
    if (reader.failed) break
    if (label.length > 0) {
      labels.push(label)
      continue
    }
    const domain = decodeDomainName(joinLabels(labels))
    // A dot inside a label would be read as two of them.
    if (domain.ok && !labels.some((part) => part.includes(DOT))) domains.push(domain.value)
    labels = []
  }
  return domains
}

function joinLabels(labels: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(labels.flatMap((label, index) => (index === 0 ? [...label] : [DOT, ...label])))
}

function valuesOf(message: Dhcpv6Message, code: number): readonly Uint8Array[] {
  return message.options.filter((option) => option.code === code).map((option) => option.value)
}

function statusOf(options: readonly Dhcpv6Option[]): number {
  const value = options.find(({ code }) => code === DHCPV6_FIELD.status)?.value
  return value === undefined || value.length < 2 ? STATUS.success : new ByteReader(value).uint16()
}

function statusProblem(status: number): Granted {
  const message = `Cannot take an address: the DHCPv6 server says status ${status} (RFC 8415 §21.13)`
  return { kind: FINAL.has(status) ? 'refused' : 'unusable', problem: { code: 'bad-value', message } }
}

function unusable(what: string): Granted {
  const message = `Cannot take a DHCPv6 answer with ${what}: correct the DHCPv6 server`
  return { kind: 'unusable', problem: { code: 'bad-value', message } }
}
