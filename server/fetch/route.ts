/**
 * From a path to what it asks for. Only the path decides: who asks and what is known come later.
 * Source: guide "Retail Distribution" (/cisco-init), MPP §4.5 (/$PSN.xml, $PN.cfg), §9.2 (RC), §6 (firmware), §12.2 (reports).
 */
import { parseMacAddress, parseProductName, parseSerialNumber } from '../../protocol/identity.ts'
import type { Route } from './types.ts'

/** Longer paths are nobody's. */
export const PATH_CHARS_MAX = 512
const FOLDERS_MAX = 8

const EXACT: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/cisco-init', { kind: 'init', token: undefined }],
  ['/cisco-init/', { kind: 'init', token: undefined }],
  ['/cisco-ack', { kind: 'ack' }],
  ['/ca.pem', { kind: 'ca' }],
  ['/report', { kind: 'report', profilePath: undefined, mac: undefined }],
])

/**
 * @param path  percent-decoded, starting with `/`
 * @param query without `?`
 * @returns what is asked for; `unknown` for everything else. Never throws.
 */
export function routePath(path: string, query: string): Route {
  if (path.length > PATH_CHARS_MAX) return { kind: 'unknown' }
  return EXACT.get(path) ?? routeByShape(path, query) ?? routeFile(path) ?? { kind: 'unknown' }
}

function routeByShape(path: string, query: string): Route | undefined {
  const token = /^\/cisco-init\/([A-Za-z0-9_-]{1,128})\/?$/.exec(path)
  if (token) return { kind: 'init', token: token[1] }
  const sealed = /^\/s\/([0-9a-f]{32})\.cfg$/.exec(path)
  if (sealed?.[1] !== undefined)
    return { kind: 'sealed', profilePath: sealed[1], keyGeneration: queryNumber(query, 'k') }
  if (path === '/software/edos/callhome/rc') return routeRc(query)
  const firmware = /^\/firmware\/([A-Za-z0-9_][A-Za-z0-9._-]{0,127})$/.exec(path)
  if (firmware?.[1] !== undefined) return { kind: 'firmware', file: firmware[1] }
  return path.startsWith('/report/') ? routeReport(path) : undefined
}

/** `/report/…`: everything below belongs to reports; the last part may say whose it is. */
function routeReport(path: string): Route {
  const name = /([^/]*?)(?:\.(?:xml|cfg))?$/i.exec(path)?.[1] ?? ''
  const profilePath = /^[0-9a-f]{32}$/.test(name) ? name : undefined
  return { kind: 'report', profilePath, mac: profilePath === undefined ? parseMacAddress(name) : undefined }
}

/** `/<PSN>.xml`, `/<PN>.cfg` (both endings for both names) and `/<any>/<mac>.xml|.cfg`. */
function routeFile(path: string): Route | undefined {
  const match = /^\/((?:[^/]+\/)*)([^/]+)\.(?:xml|cfg)$/i.exec(path)
  if (!match) return undefined
  const folders = (match[1] ?? '').split('/').length - 1
  const name = match[2] ?? ''
  if (folders > FOLDERS_MAX) return undefined
  const mac = parseMacAddress(name)
  if (mac !== undefined) return { kind: 'mac', mac }
  if (folders > 0) return undefined
  const productName = parseProductName(name) ?? parseProductName(`CP-${name}`) ?? parseProductName(`DP-${name}`)
  return productName === undefined ? undefined : { kind: 'product', productName }
}

/** `id=<MAC>:<SN>:<PN>`; the MAC may itself be written with colons or hyphens. */
function routeRc(query: string): Route {
  const id = queryValue(query, 'id')
  const match = id === undefined ? null : /^(.+):([^:]+):([^:]+)$/.exec(id)
  const mac = match ? parseMacAddress(match[1] ?? '') : undefined
  const serial = match ? parseSerialNumber(match[2] ?? '') : undefined
  if (mac === undefined || serial === undefined) return { kind: 'rc-malformed' }
  return { kind: 'rc', mac, serial, productName: match?.[3] ?? '' }
}

/** First value of a query parameter, percent-decoded; undefined when absent or badly encoded. */
export function queryValue(query: string, name: string): string | undefined {
  if (!query.includes(name)) return undefined
  for (const pair of query.split('&', 32)) {
    const equals = pair.indexOf('=')
    if (equals < 0 || pair.slice(0, equals) !== name) continue
    try {
      return decodeURIComponent(pair.slice(equals + 1))
    } catch {
      // A broken percent escape is the sender's mistake: the value counts as absent.
      return undefined
    }
  }
  return undefined
}

/** A whole number of at most nine digits, or undefined. */
export function queryNumber(query: string, name: string): number | undefined {
  const text = queryValue(query, name)
  return text !== undefined && /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined
}
