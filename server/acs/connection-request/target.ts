/** The URL at which a device wants to be asked. */
import { err, ok, type Result } from '../../../protocol/result.ts'
import { hostOf, type OutboundProblem, readOutboundUrl } from '../../outbound/mod.ts'

/** Where to connect and what to ask for. */
export interface Target {
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
  /** Host and port as they stand in `Host`. */
  readonly authority: string
  /** Path and query for the request line, visible ASCII only. */
  readonly path: string
}

/** Everything behind the authority, without the fragment. */
const PATH = /^[a-z]+:[\\/]*[^\\/?#]*([^#]*)/i

/**
 * Reads a ConnectionRequestURL: http alone, since TR-069 knows no TLS here; any port from 1; no user or password; no
 * address near us that is written as one.
 * @param allow networks (CIDR) that may be reached although they are near
 * Source: [TR-069 §8.1].
 */
export function readTarget(text: string, allow: readonly string[]): Result<Target, OutboundProblem> {
  const read = readOutboundUrl(text, allow)
  if (!read.ok) return read
  const url = read.value
  if (url.protocol !== 'http:') return bad('The connection request URL does not begin with http://')
  const port = url.port === '' ? 80 : Number(url.port)
  if (port < 1) return bad('The connection request URL names port 0; expected 1 to 65535')
  return ok({ host: hostOf(url), port, authority: url.host, path: pathOf(text.trim(), url) })
}

/** As the device wrote it, which may compare it letter by letter; the written form of URL where that cannot be sent. */
function pathOf(text: string, url: URL): string {
  const written = /^[\x21-\x7e]*$/.test(text) ? PATH.exec(text)?.[1] : undefined
  if (written === undefined || written.startsWith('\\')) return url.pathname + url.search
  return written.startsWith('/') ? written : `/${written}`
}

function bad(message: string): Result<never, OutboundProblem> {
  return err({ code: 'bad-url', message })
}
