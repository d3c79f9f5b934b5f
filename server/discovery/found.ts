import { ACS_VENDOR_CLASS } from '../../protocol/dhcp/mod.ts'
import { discoveryProblem } from './problem.ts'
import type { DiscoveryProblem } from './types.ts'
import { DEFAULT_MODELS } from './wanted.ts'

/** Most characters of a configuration that is read: the largest that is known has a tenth of it. */
export const CONFIG_CHARS_MAX = 4 * 1024 * 1024

/** Most options of one configuration that are looked at. */
export const FOUND_MAX = 100_000

/** How deep blocks may lie in each other. */
export const DEPTH_MAX = 64

/**
 * Who is given an option: everybody in reach, devices that may be our phones, or devices that cannot be. What is not known is
 * taken for our phones: a warning too many costs less than a phone that does not come.
 */
export type Audience = 'everyone' | 'phones' | 'others'

/** An option as one of the daemons' files gives it. */
export interface FoundOption {
  readonly family: 4 | 6
  readonly code: number
  readonly line: number
  /** Where in the JSON it stands, for one that has no lines. */
  readonly path?: string | undefined
  /** As they go out; undefined where only the running daemon knows. */
  readonly bytes: Uint8Array | undefined
  /** The block that it stands in; options of one block are given together. */
  readonly scope: string
  readonly audience: Audience
}

/** One sub-option that the daemon packs into option 43 itself (in DHCPv6 into 17). */
export interface FoundSubOption extends FoundOption {
  /** The option that it goes into. */
  readonly within: number
}

export interface FoundClass {
  readonly name: string
  readonly line: number
  readonly path?: string | undefined
}

/** @returns how a person is told where something stands: `line 12`, or `Dhcp4.client-classes[2]` */
export function placeOf({ line, path }: { readonly line: number; readonly path?: string | undefined }): string {
  return path ?? `line ${line}`
}

/** @returns a problem of what stands there */
export function problemAt(
  found: Parameters<typeof placeOf>[0],
  code: string,
  message: string,
  advice: string,
): DiscoveryProblem {
  return discoveryProblem(code, placeOf(found), message, advice)
}

/** What a reader made of a file. */
export interface Found {
  readonly options: readonly FoundOption[]
  readonly subOptions: readonly FoundSubOption[]
  /** Names of classes, with the place of each. */
  readonly classes: readonly FoundClass[]
  /** What only this daemon's reader can know. */
  readonly problems: readonly DiscoveryProblem[]
}

/** A file that is no such configuration. */
export interface Unreadable {
  readonly line: number
  readonly message: string
}

/**
 * @param texts  what a class compares option 60 with
 * @returns whether our phones may be in it: nothing is compared, or one of the texts is a part of, or has as a part, a name of
 * ours
 */
export function audienceOf(texts: readonly string[]): Audience {
  const plain = texts.map((text) => text.replace(/^\0+|\0+$/g, '').toUpperCase()).filter((text) => text !== '')
  if (plain.length === 0) return 'phones'
  return plain.some((text) => OUR_TEXTS.some((ours) => ours.includes(text) || text.includes(ours)))
    ? 'phones'
    : 'others'
}

/** `CISCO` alone may be any of its devices, ours too. */
const OUR_TEXTS: readonly string[] = [...DEFAULT_MODELS, ACS_VENDOR_CLASS, 'CISCO', '3PCC'].map((text) =>
  text.toUpperCase(),
)
