/** The two functions of each conversion: from the profile's value to that of the tree, and back [TR-069 §10.2]. */
import { readBoolean, readInteger, writeBoolean } from '../cwmp/mod.ts'
import { err, ok, type Result } from '../result.ts'
import type { Conversion } from './data-row.ts'
import { readHost, readPort, writeHost, writePort } from './host-and-port.ts'
import { readTimeZone, writeTimeZone } from './time-zone.ts'
import type { WriteProblem } from './types.ts'

/** What a conversion starts from: the values of its elements in their order, and the instance number in the path. */
export interface Stored {
  readonly values: readonly string[]
  readonly index: number
}

/** The new values of the elements in their order; none where nothing has to change. */
export type RuleResult = Result<readonly string[], WriteProblem>

export interface Rule {
  /** Undefined: the profile has nothing at this place. */
  read(stored: Stored): string | undefined
  write(text: string, stored: Stored): RuleResult
}

/** Names of TR-104 and TR-106 with the words of the profile [TR-069 §10.2]. */
const DTMF = [
  ['InBand', 'InBand'],
  ['RFC2833', 'AVT'],
  ['SIPInfo', 'INFO'],
] as const
const CODECS = [
  ['G.711MuLaw', 'G711u'],
  ['G.711ALaw', 'G711a'],
  ['G.722', 'G722'],
  ['G.729a', 'G729a'],
  ['iLBC', 'iLBC'],
  ['Opus', 'OPUS'],
] as const
const ADDRESSING = [
  ['DHCP', 'DHCP'],
  ['Static', 'Static IP'],
] as const

/** Seconds between reports once RTCP is switched on without saying how often: the least that RFC 3550 §6.2 advises. */
const RTCP_SECONDS = '5'
const DSCP_MAX = 63
/** RFC 2132: 0 pads and 255 ends. */
const DHCP_TAG_MAX = 254

export const RULES: Readonly<Record<Conversion, Rule>> = {
  text: { read: first, write: (text) => ok([text]) },
  number: {
    read: (stored) => String(numberOf(first(stored))),
    write: (text) => numbered(text, (number) => `${number}`),
  },
  'yes-no': yesNo(true),
  'no-yes': yesNo(false),
  enabled: { read: (stored) => (isYes(first(stored)) ? 'Enabled' : 'Disabled'), write: writeEnabled },
  dtmf: words(DTMF),
  codec: words(CODECS),
  addressing: words(ADDRESSING),
  'time-zone': {
    read: (stored) => readTimeZone(first(stored)),
    write: (text) => written(writeTimeZone(text), 'a POSIX time zone without daylight saving, such as "GMT+8"'),
  },
  host: {
    read: (stored) => readHost(first(stored)),
    write: (text, stored) => written(writeHost(text, first(stored)), 'a name or an address without a port'),
  },
  port: {
    read: (stored) => String(readPort(first(stored))),
    write: (text, stored) => numbered(text, (port) => writePort(port, first(stored)), 'a port, and a host set before'),
  },
  milliseconds: {
    read: (stored) => String(millisecondsOf(first(stored))),
    write: (text) => numbered(text, secondsText),
  },
  dscp: {
    read: (stored) => String((numberOf(first(stored)) & 0xff) >> 2),
    write: (text) => numbered(text, dscpByte, `a number from 0 to ${DSCP_MAX}`),
  },
  'rtcp-on': { read: (stored) => writeBoolean(millisecondsOf(first(stored)) > 0), write: writeRtcp },
  'name-servers': { read: readServers, write: writeServers },
  'dhcp-tag': { read: readTag, write: writeTag },
  'dhcp-asked': {
    read: (stored) => (readTag(stored) === undefined ? undefined : 'true'),
    write: (text, stored) => {
      const asked = readBoolean(text)
      if (asked === undefined) return wrongType('a boolean')
      return asked && readTag(stored) !== undefined ? ok([]) : wrongValue('true, as the option is in the list')
    },
  },
}

export function wrongType(expected: string): { readonly ok: false; readonly error: WriteProblem } {
  return err({ code: 9006, message: `expected ${expected}` })
}

export function wrongValue(expected: string): { readonly ok: false; readonly error: WriteProblem } {
  return err({ code: 9007, message: `expected ${expected}` })
}

function first({ values }: Stored): string {
  return values[0] ?? ''
}

function written(value: string | undefined, expected: string): RuleResult {
  return value === undefined ? wrongValue(expected) : ok([value])
}

/** A text of digits that is too large is a wrong value; anything else is no number at all. */
function numbered(
  text: string,
  convert: (number: number) => string | undefined,
  expected = 'a number in its range',
): RuleResult {
  const number = readInteger(text, 'unsignedInt')
  if (number !== undefined) return written(convert(number), expected)
  return /^\s*[+-]?\d+\s*$/.test(text) ? wrongValue(expected) : wrongType('a whole number')
}

/** What stands in the profile, decimal or hexadecimal; what is no number counts as 0. */
function numberOf(text: string): number {
  return /^\s*(?:\d{1,10}|0x[\da-f]{1,8})\s*$/i.test(text) ? Number(text) : 0
}

function isYes(text: string): boolean {
  return /^\s*yes\s*$/i.test(text)
}

/** @param straight  false where the parameter says the opposite of its element */
function yesNo(straight: boolean): Rule {
  return {
    read: (stored) => writeBoolean(isYes(first(stored)) === straight),
    write: (text) => {
      const value = readBoolean(text)
      return value === undefined ? wrongType('a boolean') : ok([value === straight ? 'Yes' : 'No'])
    },
  }
}

/** The profile has no word for `Quiescent`, so that one reads as `Disabled` afterwards. */
function writeEnabled(text: string): RuleResult {
  if (text === 'Enabled') return ok(['Yes'])
  return text === 'Disabled' || text === 'Quiescent' ? ok(['No']) : wrongValue('Enabled, Disabled or Quiescent')
}

/** Words that only the profile has stand for themselves on both sides; its word for a listed one is taken too. */
function words(pairs: readonly (readonly [name: string, word: string])[]): Rule {
  return {
    read: (stored) => pairs.find(([, word]) => word === first(stored))?.[0] ?? first(stored),
    write: (text) => ok([pairs.find(([name]) => name === text)?.[1] ?? text]),
  }
}

function millisecondsOf(text: string): number {
  return /^(?:\d{1,10}(?:\.\d{0,9})?|\.\d{1,9})$/.test(text) ? Math.round(Number(text) * 1000) : 0
}

/** As the phone writes them: `4`, `.5`, `1.25`. */
function secondsText(milliseconds: number): string {
  const whole = Math.floor(milliseconds / 1000)
  const rest = String(milliseconds % 1000)
    .padStart(3, '0')
    .replace(/0+$/, '')
  if (rest === '') return String(whole)
  return `${whole === 0 ? '' : whole}.${rest}`
}

function dscpByte(dscp: number): string | undefined {
  return dscp > DSCP_MAX ? undefined : `0x${(dscp * 4).toString(16).padStart(2, '0')}`
}

/** On leaves an interval as it is, off is an interval of 0. */
function writeRtcp(text: string, stored: Stored): RuleResult {
  const on = readBoolean(text)
  if (on === undefined) return wrongType('a boolean')
  if (!on) return ok(['0'])
  return ok([millisecondsOf(first(stored)) > 0 ? first(stored) : RTCP_SECONDS])
}

function readServers({ values }: Stored): string {
  return values.filter((value) => value !== '').join(',')
}

/** The profile has room for two. */
function writeServers(text: string, { values }: Stored): RuleResult {
  const servers = text === '' ? [] : text.split(',').map((server) => server.trim())
  if (servers.length > values.length || (servers.length > 0 && servers.includes(''))) {
    return wrongValue(`at most ${values.length} addresses with a comma between them`)
  }
  return ok(values.map((_, at) => servers[at] ?? ''))
}

function tagsOf(stored: Stored): readonly string[] {
  return first(stored)
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '')
}

function readTag(stored: Stored): string | undefined {
  const tag = tagsOf(stored)[stored.index - 1]
  return tag === undefined ? undefined : String(numberOf(tag))
}

/** Changes one option of the list, or adds one at its end. */
function writeTag(text: string, stored: Stored): RuleResult {
  const tags = tagsOf(stored)
  const expected = `an option from 1 to ${DHCP_TAG_MAX}, at most one place behind the last`
  return numbered(
    text,
    (tag) => {
      if (tag < 1 || tag > DHCP_TAG_MAX || stored.index > tags.length + 1) return undefined
      return [...tags.slice(0, stored.index - 1), `${tag}`, ...tags.slice(stored.index)].join(',')
    },
    expected,
  )
}
