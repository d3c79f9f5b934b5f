import { bytesToHex, concatBytes, utf8Bytes } from '../../protocol/bytes.ts'
import { ipv4ToBytes } from '../../protocol/dhcp/mod.ts'
import { discoveryProblem } from './problem.ts'
import type { DiscoveryProblem, DiscoverySettings } from './types.ts'

/** Longest value of one option, in bytes. */
export const OPTION_BYTES_MAX = 255

/**
 * Who is given an option: who names enterprise 3561 in option 124, who says `dslforum.org` in option 60 (in DHCPv6: in option
 * 16), who says one of the product names. One device may be in all three; then an earlier one in this order has precedence.
 */
export type Group = 'acs-124' | 'acs-60' | 'phones'
export const GROUPS: readonly Group[] = ['acs-124', 'acs-60', 'phones']

/** What we write into a configuration has names that begin so, as far as it has names. */
export const OURS = 'offhook-'

/** @returns the class of a group, or its tag */
export const className = (group: Group): string => `${OURS}${group}`

export type WantedValue =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'addresses'; readonly list: readonly string[] }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }

/** One option that a group is to be sent. */
export interface WantedOption {
  readonly family: 4 | 6
  readonly code: number
  readonly to: Group
  readonly value: WantedValue
}

/** Settings that were found to be possible, as options. */
export interface Wanted {
  readonly options: readonly WantedOption[]
  readonly models: readonly string[]
  readonly settings: DiscoverySettings
  readonly hooks: string
  /** What a technician should know. */
  readonly notes: readonly string[]
}

/** What one part of the settings comes to. */
export interface Part {
  readonly options: readonly WantedOption[]
  readonly problems: readonly DiscoveryProblem[]
  readonly notes: readonly string[]
}

/** @returns the bytes of a value as they go out. */
export function wantedBytes(value: WantedValue): Uint8Array {
  if (value.kind === 'text') return utf8Bytes(value.text)
  if (value.kind === 'bytes') return value.bytes
  return concatBytes(value.list.flatMap((address) => ipv4ToBytes(address) ?? []))
}

export function colonHex(bytes: Uint8Array): string {
  return bytesToHex(bytes).replace(/(..)(?!$)/g, '$1:')
}

/** @returns a value as dnsmasq and dhcpd have it: text in quotes, else `10.0.0.1` would be an address. @param comma  between addresses */
export function daemonText(value: WantedValue, comma: string): string {
  if (value.kind === 'text') return `"${value.text}"`
  return value.kind === 'addresses' ? value.list.join(comma) : colonHex(value.bytes)
}

/** @returns the groups before this one that are sent the same option: their members have theirs already. */
export function groupsBefore(wanted: Wanted, option: WantedOption): readonly Group[] {
  return GROUPS.slice(0, GROUPS.indexOf(option.to)).filter((group) =>
    wanted.options.some((other) => other.to === group && other.code === option.code && other.family === option.family),
  )
}

/** @returns the refusal of a value that no option holds. */
export function tooLong(place: string, byteCount: number): DiscoveryProblem {
  return discoveryProblem(
    'too-long',
    place,
    `Cannot send an option of ${byteCount} bytes: expected at most ${OPTION_BYTES_MAX}`,
    'shorten the URL or leave out values',
  )
}
