/** The parts of header values: URIs, addresses, Via, Event, lists (RFC 3261 §19.1, §20, §25.1). */
import { bytesToHex, utf8Bytes } from '../bytes.ts'
import { trimBlanks } from './head.ts'

/** Names in lower case; a parameter without `=` has the empty value. */
export type SipParams = ReadonlyMap<string, string>

/** A parameter list longer than this is not read to its end. */
export const SIP_PARAMS_MAX = 64

/** `From`, `To`, `Contact`: whom a header names, and the parameters of the header, such as `tag`. */
export interface SipAddress {
  readonly displayName?: string
  /** As written, without angle brackets; `parseSipUri` takes it apart. */
  readonly uri: string
  readonly params: SipParams
}

export interface SipUri {
  readonly scheme: 'sip' | 'sips'
  /** Percent escapes undone; without the password that some write behind a colon. */
  readonly user?: string
  /** In lower case; an IPv6 address without brackets. */
  readonly host: string
  readonly port?: number
  readonly params: SipParams
}

/** One hop of the way back. */
export interface SipVia {
  /** In upper case: `UDP`, `TCP`, `TLS`, … */
  readonly transport: string
  readonly host: string
  readonly port?: number
  /** `branch`, `rport`, `received`, … */
  readonly params: SipParams
}

/** `Event: resync;profile="http://host/profile.xml"` (MPP §8). */
export interface SipEvent {
  /** As written; names of events are compared with their case. */
  readonly name: string
  readonly params: SipParams
}

/**
 * Reads `"Name" <sip:user@host>;tag=x`, `Name <…>`, `<…>` and the bare `sip:user@host;tag=x`, where parameters
 * belong to the header and not to the URI (RFC 3261 §20).
 * @returns undefined if there is no URI, or brackets or quotes do not close
 */
export function parseAddress(text: string): SipAddress | undefined {
  const open = indexOutsideQuotes(text, '<')
  if (open < 0) return parseBareAddress(trimBlanks(text))
  const close = text.indexOf('>', open)
  if (close < 0) return undefined
  const name = trimBlanks(text.slice(0, open))
  const uri = trimBlanks(text.slice(open + 1, close))
  const tail = trimBlanks(text.slice(close + 1))
  const displayName = unquote(name) ?? (name.includes('"') ? undefined : name)
  if (displayName === undefined || !hasScheme(uri) || (tail !== '' && !tail.startsWith(';'))) return undefined
  return { ...(displayName === '' ? {} : { displayName }), uri, params: parseParams(tail) }
}

/**
 * Reads a `sip:` or `sips:` URI; headers behind `?` are left out.
 * @returns undefined for another scheme, an empty user, no host, or a port that is none
 * Source: RFC 3261 §19.1.
 */
export function parseSipUri(text: string): SipUri | undefined {
  const trimmed = trimBlanks(text)
  const schemeText = /^sips?(?=:)/i.exec(trimmed)?.[0]
  if (schemeText === undefined) return undefined
  const whole = trimmed.slice(schemeText.length + 1)
  // A user may hold `;` and `?`, but no bare `@`: what stands before the first one is the user.
  const at = whole.indexOf('@')
  const [hostPart = ''] = whole.slice(at + 1).split('?')
  const [hostPort = '', ...params] = hostPart.split(';')
  const place = parseHostPort(hostPort)
  if (place === undefined || at === 0) return undefined
  const user = at < 0 ? undefined : percentDecode(whole.slice(0, at).split(':')[0] ?? '')
  return {
    scheme: schemeText.toLowerCase() === 'sips' ? 'sips' : 'sip',
    ...(user === undefined ? {} : { user }),
    ...place,
    params: parseParams(params.join(';')),
  }
}

/** @returns the URI as text; what may not stand in a user is percent-encoded, and IPv6 gets its brackets. */
export function printSipUri(uri: Omit<SipUri, 'params'> & { readonly params?: SipParams }): string {
  const user = uri.user === undefined ? '' : `${encodeUser(uri.user)}@`
  const port = uri.port === undefined ? '' : `:${uri.port}`
  const params = Array.from(uri.params ?? [], ([name, value]) => (value === '' ? `;${name}` : `;${name}=${value}`))
  return `${uri.scheme}:${user}${bracketIpv6(uri.host)}${port}${params.join('')}`
}

/** `2001:db8::1` -> `[2001:db8::1]`; anything else stays. */
export function bracketIpv6(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}

/** @returns the first hop of a `Via` value, or undefined. Source: RFC 3261 §20.42. */
export function parseVia(text: string): SipVia | undefined {
  const [sentBy = '', ...params] = splitOutside(splitSipList(text)[0] ?? '', ';')
  const [, transport, hostPort = ''] =
    /^SIP[ \t]*\/[ \t]*2\.0[ \t]*\/[ \t]*([A-Za-z0-9-]+)[ \t]+([^ \t].*)$/i.exec(sentBy) ?? []
  // Blanks around the colon of the port are allowed here.
  const place = parseHostPort(hostPort.split(':').map(trimBlanks).join(':'))
  if (transport === undefined || place === undefined) return undefined
  return { transport: transport.toUpperCase(), ...place, params: parseParams(params.join(';')) }
}

/**
 * Rewrites the parameters of the first hop of a `Via` value and leaves all else as it is written.
 * @param change gets a parameter's name in lower case and its text; undefined drops it
 * @param added further parameters, e.g. `received=192.0.2.1`
 */
export function changeViaParams(
  value: string,
  change: (name: string, text: string) => string | undefined,
  added: readonly string[] = [],
): string {
  const [first = '', ...otherHops] = splitSipList(value)
  const [sentBy = '', ...params] = splitOutside(first, ';')
  const changed = params.flatMap((param) => change(paramName(param), param) ?? [])
  return [[sentBy, ...changed, ...added].join(';'), ...otherHops].join(', ')
}

/** @returns the event and its parameters, or undefined for an empty value. Source: RFC 6665 §8.4, MPP §8. */
export function parseEvent(text: string): SipEvent | undefined {
  const [, name, params = ''] = /^([^\s;"]+)[ \t]*(?:;([^]*))?$/.exec(trimBlanks(text)) ?? []
  return name === undefined ? undefined : { name, params: parseParams(params) }
}

/** Splits a header value at commas outside of quotes and angle brackets; empty parts are dropped. */
export function splitSipList(value: string): readonly string[] {
  return splitOutside(value, ',')
}

function parseBareAddress(text: string): SipAddress | undefined {
  const [uri = '', ...params] = text.split(';')
  return hasScheme(uri) && !/["<>, \t]/.test(uri) ? { uri, params: parseParams(params.join(';')) } : undefined
}

function parseParams(text: string): SipParams {
  const params = new Map<string, string>()
  for (const part of splitOutside(text, ';').slice(0, SIP_PARAMS_MAX)) {
    const name = paramName(part)
    const equals = part.indexOf('=')
    const value = equals < 0 ? '' : trimBlanks(part.slice(equals + 1))
    // The first of a name counts: a later one could have been put behind it on the way.
    if (!params.has(name)) params.set(name, unquote(value) ?? value)
  }
  return params
}

function paramName(param: string): string {
  const equals = param.indexOf('=')
  return trimBlanks(equals < 0 ? param : param.slice(0, equals)).toLowerCase()
}

/** @returns the parts between separators that stand outside of quotes and angle brackets, trimmed, none empty. */
function splitOutside(text: string, separator: ',' | ';'): readonly string[] {
  const parts: string[] = []
  let start = 0
  while (start <= text.length) {
    let end = indexOutsideQuotes(text, `<${separator}`, start)
    while (end >= 0 && text[end] === '<') {
      const close = text.indexOf('>', end)
      end = close < 0 ? -1 : indexOutsideQuotes(text, `<${separator}`, close + 1)
    }
    const part = trimBlanks(text.slice(start, end < 0 ? text.length : end))
    if (part !== '') parts.push(part)
    start = end < 0 ? text.length + 1 : end + 1
  }
  return parts
}

/** @returns the first place from `start` on, outside of quoted strings, of any of the characters; or -1. */
function indexOutsideQuotes(text: string, characters: string, start = 0): number {
  let quoted = false
  for (let index = start; index < text.length; index++) {
    const character = text.charAt(index)
    if (quoted && character === '\\') index++
    else if (character === '"') quoted = !quoted
    else if (!quoted && characters.includes(character)) return index
  }
  return -1
}

function parseHostPort(text: string): { readonly host: string; readonly port?: number } | undefined {
  const [, ipv6, name, portText] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?$/i.exec(trimBlanks(text)) ?? []
  const host = (ipv6 ?? name)?.toLowerCase()
  const port = portText === undefined ? undefined : Number(portText)
  if (host === undefined || (port !== undefined && (port === 0 || port > 65_535))) return undefined
  return { host, ...(port === undefined ? {} : { port }) }
}

function hasScheme(uri: string): boolean {
  return /^[ \t]*[a-z][a-z0-9+.-]*:./i.test(uri)
}

/** @returns the content of a text that is one quoted string and nothing else, or undefined. */
function unquote(text: string): string | undefined {
  return /^"((?:[^"\\]|\\[^])*)"$/.exec(text)?.[1]?.replace(/\\([^])/g, '$1')
}

/** RFC 3261 §25.1: unreserved characters and those that a user may hold besides. */
function encodeUser(user: string): string {
  return Array.from(utf8Bytes(user), (byte) => {
    const character = String.fromCharCode(byte)
    return /[A-Za-z0-9\-_.!~*'()&=+$,;?/]/.test(character)
      ? character
      : `%${bytesToHex(Uint8Array.of(byte)).toUpperCase()}`
  }).join('')
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A stray percent sign is a character of the name.
    return text
  }
}
