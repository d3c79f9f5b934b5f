/**
 * URLs of rules, MPP §4.5.
 *
 *     url = [ scheme "://" ] [ server [ ":" port ] ] filepath        filepath = "/" ...
 *
 * The path keeps its query. A path without a slash (`CP-8841-3PCC.cfg`) is read as a file on the DHCP server.
 */

import { err, ok, type Result } from '../result.ts'
import { isHost } from './host.ts'
import { type Problem, type ProblemCode, problem } from './problems.ts'

export interface Url {
  readonly scheme: 'tftp' | 'http' | 'https' | 'gds'
  /** Name or address, IPv6 without its brackets. undefined: the server learned by DHCP (of gds: the known service). */
  readonly host: string | undefined
  /** Only when it is written. */
  readonly port: number | undefined
  /** Starts with `/`, with the query. For http and https only printable ASCII: spaces and others percent-encoded. */
  readonly path: string
}

/** As long as a rule may be after its macros are put in would be absurd; servers refuse lines beyond 8 KiB. */
export const URL_CHARS_MAX = 4096

const SCHEMES: ReadonlyMap<string, Url['scheme']> = new Map([
  ['tftp', 'tftp'],
  ['http', 'http'],
  ['https', 'https'],
  ['gds', 'gds'],
])

/**
 * Reads a URL after macro expansion. Never throws.
 * @returns scheme `tftp` where none is written. Places of problems count from the start of `text`.
 */
export function parseUrl(text: string): Result<Url, Problem> {
  const offset = text.length - text.trimStart().length
  const trimmed = text.trim()
  const at = (code: ProblemCode, start: number, end: number): { readonly ok: false; readonly error: Problem } =>
    err(problem(code, { start: offset + start, end: offset + end }))
  if (trimmed === '') return at('url-empty', 0, 0)
  if (trimmed.length > URL_CHARS_MAX) return at('too-long', 0, trimmed.length)
  const bad = trimmed.search(/["|\u0000-\u001f\u007f]/)
  if (bad !== -1) return at('url-bad-character', bad, bad + 1)
  const cut = cutUrl(trimmed)
  if (cut.scheme === undefined) return at('url-bad-scheme', 0, cut.authorityStart)
  const authority = trimmed.slice(cut.authorityStart, cut.pathStart)
  const server = readAuthority(authority)
  if (typeof server === 'string') return at(server, cut.authorityStart, cut.pathStart)
  const rawPath = trimmed.slice(cut.pathStart)
  if (!rawPath.startsWith('/') && !cut.fileName && !(cut.scheme === 'gds' && rawPath === '')) {
    return at('url-path-missing', cut.pathStart, trimmed.length)
  }
  const path = encodePath(cut.scheme, rawPath.startsWith('/') ? rawPath : `/${rawPath}`)
  return ok({ scheme: cut.scheme, ...server, path })
}

interface CutUrl {
  /** undefined: written, but none that we know. */
  readonly scheme: Url['scheme'] | undefined
  readonly authorityStart: number
  /** Where the path starts; everything before it decides which server is asked. */
  readonly pathStart: number
  /** The text is one name without any slash. */
  readonly fileName: boolean
}

/** Finds the parts of a trimmed URL without judging them. */
function cutUrl(text: string): CutUrl {
  const written = /^([A-Za-z][A-Za-z0-9+.-]{0,15}):\/\//.exec(text)
  if (written?.[1] !== undefined) {
    const authorityStart = written[0].length
    const length = text.slice(authorityStart).search(/[/?#]/)
    const pathStart = length === -1 ? text.length : authorityStart + length
    return { scheme: SCHEMES.get(written[1].toLowerCase()), authorityStart, pathStart, fileName: false }
  }
  const slash = text.indexOf('/')
  if (slash === -1 && isFileName(text)) return { scheme: 'tftp', authorityStart: 0, pathStart: 0, fileName: true }
  return { scheme: 'tftp', authorityStart: 0, pathStart: slash === -1 ? text.length : slash, fileName: false }
}

/** MPP §4.5: `$PN.cfg` is tolerated. An address, or a name with a port, is a server whose path was forgotten. */
function isFileName(text: string): boolean {
  return !/[:?#@[\]\s]/.test(text) && !/^[0-9]+(?:\.[0-9]+){3}$/.test(text)
}

/**
 * Where the path of a URL text starts, whatever is wrong with it: a macro before this place decides which server is
 * asked, one behind it does not. A text without scheme and slash may turn out to be anything.
 */
export function pathOffset(text: string): number {
  const offset = text.length - text.trimStart().length
  const cut = cutUrl(text.trim())
  return cut.fileName ? text.length : offset + cut.pathStart
}

function readAuthority(text: string): Pick<Url, 'host' | 'port'> | ProblemCode {
  if (text === '') return { host: undefined, port: undefined }
  if (text.includes('@')) return 'url-userinfo'
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(:.*)?$/.exec(text)
  if (match === null) return 'url-bad-host'
  const bracketed = match[1] !== undefined
  const host = match[1] ?? match[2] ?? ''
  if (!isHost(host) || bracketed !== host.includes(':')) return 'url-bad-host'
  if (match[3] === undefined) return { host, port: undefined }
  const port = /^:[0-9]{1,5}$/.test(match[3]) ? Number(match[3].slice(1)) : 0
  return port >= 1 && port <= 65_535 ? { host, port } : 'url-bad-port'
}

/** HTTP cannot carry spaces or other alphabets in its request line; TFTP takes the name as it is. */
export function encodePath(scheme: Url['scheme'], path: string): string {
  if (scheme === 'tftp') return path
  const utf8 = new TextEncoder()
  return path.replace(/[^\x21-\x7e]/gu, (char) =>
    Array.from(utf8.encode(char), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

/** Writes a URL so that `parseUrl` reads it back. A relative one of scheme tftp is just its path. */
export function printUrl({ scheme, host, port, path }: Url): string {
  if (host === undefined && scheme === 'tftp') return path
  const server = host === undefined ? '' : host.includes(':') ? `[${host}]` : host
  const shownPath = scheme === 'gds' && path === '/' ? '' : path
  return `${scheme}://${server}${port === undefined ? '' : `:${port}`}${shownPath}`
}

/** MPP §4.5. The activation service of gds speaks HTTPS (MPP §4.7). */
export function defaultPort(scheme: Url['scheme']): number {
  switch (scheme) {
    case 'tftp':
      return 69
    case 'http':
      return 80
    case 'https':
    case 'gds':
      return 443
  }
}
