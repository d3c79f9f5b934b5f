import { isIPv4, isIPv6 } from 'node:net'

import { utf8Bytes } from '../../protocol/bytes.ts'
import { BROADBAND_FORUM_ENTERPRISE, CISCO_ENTERPRISE } from '../../protocol/dhcp/mod.ts'
import { err, ok } from '../../protocol/result.ts'
import type { Result } from '../../protocol/result.ts'
import { audienceOf, FOUND_MAX } from './found.ts'
import type { Audience, Found, FoundOption, FoundSubOption, Unreadable } from './found.ts'
import { addressBytes, looseHex, quotedEnd } from './scan.ts'

/** One line `key=value`; the value in its parts, which commas part. */
interface Row {
  readonly line: number
  readonly key: string
  readonly parts: readonly Part[]
}

interface Part {
  readonly text: string
  readonly quoted: boolean
}

/** Names that dnsmasq has for options that we look at. */
const NAMES: Readonly<Record<string, number>> = {
  'tftp-server': 66,
  'vendor-encap': 43,
  'vendor-id-encap': 125,
  'tftp-server-address': 150,
}

/** What sets a tag for single devices, by no text of the maker. */
const DEVICE_KEYS: readonly string[] = [
  'dhcp-mac',
  'dhcp-host',
  'dhcp-userclass',
  'dhcp-circuitid',
  'dhcp-remoteid',
  'dhcp-subscrid',
  'tag-if',
  'dhcp-name-match',
]

/** Reads a configuration of dnsmasq. Directives that have nothing to do with DHCP are passed over. */
export function readDnsmasq(text: string): Result<Found, Unreadable> {
  const rows: Row[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const row = readLine(line, index + 1)
    if (row === 'bad') return err({ line: index + 1, message: 'expected a line such as dhcp-option=66,"192.0.2.1"' })
    if (row !== undefined && rows.length < FOUND_MAX) rows.push(row)
  }
  const tags = readTags(rows)
  const options: FoundOption[] = []
  const subOptions: FoundSubOption[] = []
  for (const row of rows) {
    if (row.key !== 'dhcp-option' && row.key !== 'dhcp-option-force') continue
    const found = readOption(row, tags)
    if (found === undefined) continue
    if ('within' in found) subOptions.push(found)
    else options.push(found)
  }
  return ok({ options, subOptions, classes: [], problems: [] })
}

function readLine(line: string, number: number): Row | 'bad' | undefined {
  const plain = line.replace(/^\uFEFF/, '').trim()
  if (plain === '' || plain.startsWith('#')) return undefined
  const found = /^([a-z0-9][a-z0-9-]*)\s*(?:=(.*)|#.*)?$/i.exec(plain)
  if (found === null) return 'bad'
  const parts = splitParts(found[2] ?? '')
  return parts === undefined ? 'bad' : { line: number, key: (found[1] ?? '').toLowerCase(), parts }
}

/** Commas and `#` within quotes belong to the text. undefined: the quotes do not end. */
function splitParts(value: string): readonly Part[] | undefined {
  const parts: Part[] = []
  let text = ''
  let quoted = false
  const close = (): void => {
    parts.push({ text: quoted ? text : text.trim(), quoted })
    text = ''
    quoted = false
  }
  for (let at = 0; at < value.length; ) {
    const next = value.charAt(at)
    if (next === '"') {
      const end = quotedEnd(value, at)
      if (end === undefined) return undefined
      text = (text.trim() + value.slice(at + 1, end - 1)).replace(/\\(.)/g, '$1')
      quoted = true
      at = end
      continue
    }
    if (next === '#' && (at === 0 || /\s/.test(value.charAt(at - 1)))) break
    if (next === ',') close()
    else if (!quoted || !/\s/.test(next)) text += next
    at += 1
  }
  close()
  return parts
}

/** @returns who has each tag that this file sets. */
function readTags(rows: readonly Row[]): ReadonlyMap<string, Audience> {
  const tags = new Map<string, Audience>()
  const add = (name: string, audience: Audience): void => {
    // Several lines may set one tag: it is as wide as the widest.
    const before = tags.get(name)
    if (before === undefined || before === 'others' || audience === 'everyone') tags.set(name, audience)
  }
  for (const { key, parts } of rows) {
    const set = parts.flatMap(({ text }) => (/^(?:set|net):/.test(text) ? [text.slice(4)] : []))
    const rest = parts.filter(({ text }) => !/^(?:set|net|tag|enterprise):/.test(text)).map(({ text }) => text)
    // The name of its interface is a tag of each request; a range may give its tag without `set:`.
    const [first = ''] = rest
    if (key === 'interface' || (key === 'dhcp-range' && /^[a-z][\w-]*$/i.test(first))) add(first, 'everyone')
    for (const name of set) {
      if (key === 'dhcp-range' || key === 'shared-network') add(name, 'everyone')
      else if (key === 'dhcp-vendorclass') add(name, audienceOf([rest.join(',')]))
      else if (key === 'dhcp-match') add(name, matchAudience(rest))
      else if (DEVICE_KEYS.includes(key)) add(name, 'phones')
    }
  }
  return tags
}

/** Only options 60, 77 and 124 say who made a device; `dhcp-match=set:x,vi-encap:N` is of one maker. */
function matchAudience([option = '', ...value]: readonly string[]): Audience {
  const enterprise = /^vi-encap:(\d+)$/.exec(option)?.[1]
  if (enterprise !== undefined)
    return [BROADBAND_FORUM_ENTERPRISE, CISCO_ENTERPRISE].includes(Number(enterprise)) ? 'phones' : 'others'
  if (!/^(?:60|124|option:vendor-class|option6:16)$/.test(option)) return 'phones'
  return audienceOf(value)
}

function readOption(row: Row, tags: ReadonlyMap<string, Audience>): FoundOption | FoundSubOption | undefined {
  const parts = [...row.parts]
  const wanted: string[] = []
  const vendor: string[] = []
  let within: number | undefined
  while (parts.length > 1 && !isOptionWord(parts[0])) {
    const text = parts.shift()?.text ?? ''
    const [, prefix, value = text] = /^(tag|net|encap|vi-encap|vendor):(.*)$/.exec(text) ?? []
    if (prefix === 'vi-encap' && Number(value) !== BROADBAND_FORUM_ENTERPRISE) return undefined
    if (prefix === 'vendor') vendor.push(value)
    // Before `tag:` there was, a tag was its name alone; that is still read.
    if (prefix === undefined || prefix === 'tag' || prefix === 'net') wanted.push(value)
    else within = prefix === 'encap' ? Number(value) : prefix === 'vendor' ? 43 : 125
  }
  const named = optionOf(parts.shift()?.text ?? '')
  if (named === undefined) return undefined
  const { family, code } = named
  const option: FoundOption = {
    family,
    code,
    line: row.line,
    bytes: valueBytes(code, parts),
    scope: wanted.toSorted().join(','),
    audience: vendor.length > 0 ? audienceOf(vendor) : audienceOfTags(wanted, tags),
  }
  return within === undefined ? option : { ...option, within: family === 6 ? 17 : within }
}

/** What stands before the option is about who is given it. */
function isOptionWord(part: Part | undefined): boolean {
  return part === undefined || part.quoted || /^(?:\d{1,5}$|option6?:)/.test(part.text)
}

/** All tags of an option must be there: the narrowest decides. A tag that this file does not set may be of our phones. */
function audienceOfTags(wanted: readonly string[], tags: ReadonlyMap<string, Audience>): Audience {
  const found = wanted.filter((tag) => !tag.startsWith('!')).map((tag) => tags.get(tag) ?? 'phones')
  if (found.includes('others')) return 'others'
  return found.includes('phones') ? 'phones' : 'everyone'
}

function optionOf(text: string): { readonly family: 4 | 6; readonly code: number } | undefined {
  const found = /^(?:(option6?):)?([a-z0-9-]+)$/.exec(text)
  if (found === null) return undefined
  const family = found[1] === 'option6' ? 6 : 4
  const name = found[2] ?? ''
  const code = /^\d{1,5}$/.test(name) ? Number(name) : Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
  return code === undefined ? undefined : { family, code }
}

/** A number without a suffix takes as few bytes as it needs: `132,20` is one byte, and no text. */
function numberBytes(value: number, suffix: string): Uint8Array | undefined {
  const byteCount =
    suffix === 'b' ? 1 : suffix === 's' ? 2 : suffix === 'i' || value > 0xffff ? 4 : value > 0xff ? 2 : 1
  if (value >= 256 ** byteCount) return undefined
  return Uint8Array.from({ length: byteCount }, (_, index) => Math.floor(value / 256 ** (byteCount - 1 - index)) % 256)
}

/** What dnsmasq makes of a value: addresses, hex with colons, a number, or a text. */
function valueBytes(code: number, parts: readonly Part[]): Uint8Array | undefined {
  const texts = parts.map((part) => part.text)
  const text = texts.join(',')
  // 66 is a name to dnsmasq, whatever it looks like.
  if (code === 66 || parts.some((part) => part.quoted)) return utf8Bytes(text)
  // With 0.0.0.0 dnsmasq means itself.
  if (texts.every((part) => isIPv4(part))) return texts.includes('0.0.0.0') ? undefined : addressBytes(texts)
  if (texts.some((part) => isIPv6(part.replace(/^\[|\]$/g, '')) && part.startsWith('['))) return undefined
  if (/^[0-9a-f]{1,2}(?::[0-9a-f]{1,2})*$/i.test(text) && text.includes(':')) return looseHex(text)
  const number = /^(\d{1,10})([bsi]?)$/.exec(text)
  if (number !== null) return numberBytes(Number(number[1]), number[2] ?? '')
  return utf8Bytes(text)
}
