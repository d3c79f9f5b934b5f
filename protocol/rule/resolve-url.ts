/**
 * From a rule's URL and the server that DHCP named to the URL that is fetched, MPP §4.5 and §10.1 "Assembly".
 *
 *     rule names a server                   the rule's URL; DHCP is ignored
 *     DHCP: scheme, host and path           DHCP's URL as it is
 *     DHCP: scheme and host                 DHCP's host + path of the rule
 *     DHCP: bare host or address            tftp://host + path of the rule
 *     DHCP: nothing                         no server is known: this rule fails
 */

import { err, ok, type Result } from '../result.ts'
import { type Problem, problem } from './problems.ts'
import { encodePath, parseUrl, type Url } from './url.ts'

/**
 * @param dhcpServer the text of the chosen option. Of a list (`http://a;b`, defect CSCvi48553) the first entry counts;
 *   trailing NULs and doubled trailing slashes (CSCvi50100) are dropped. A host with a path but without a scheme is
 *   taken as a whole tftp URL (inferred). Macros in it must be expanded already.
 * @returns a URL with a host, or why there is none. A rule such as `http:///x` keeps its scheme and takes the host.
 */
export function resolveUrl(url: Url, dhcpServer: string | undefined): Result<Url, Problem> {
  if (url.host !== undefined || url.scheme === 'gds') return ok(url)
  const offered = firstServer(dhcpServer ?? '')
  if (offered === '') return err(problem('no-server', { start: 0, end: 0 }))
  const hasPath = offered.replace(/^[^/]*:\/\//, '').includes('/')
  const base = parseUrl(hasPath ? withScheme(offered) : `${withScheme(offered)}/`)
  if (!base.ok) return err({ ...base.error, start: 0, end: 0 })
  if (base.value.scheme === 'gds') return base
  if (base.value.host === undefined) return err(problem('no-server', { start: 0, end: 0 }))
  if (url.scheme !== 'tftp') {
    const port = base.value.scheme === url.scheme ? base.value.port : undefined
    return ok({ ...url, host: base.value.host, port })
  }
  if (base.value.path !== '/') return base
  return ok({ ...base.value, path: encodePath(base.value.scheme, url.path) })
}

/** Longer than any DHCP option of one piece; URLs in long options stay far below it. */
const OPTION_CHARS_MAX = 1024

/** An option may hold more than one server and be padded by its sender. */
function firstServer(text: string): string {
  const first =
    text
      .slice(0, OPTION_CHARS_MAX)
      .replaceAll('\u0000', ' ')
      .trim()
      .split(/[;,\s]/, 1)[0] ?? ''
  return first.replace(/\/\/+$/, '/').replace(/^(?:[^/]*:\/\/)?[^/]*\/$/, (host) => host.slice(0, -1))
}

function withScheme(server: string): string {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(server) ? server : `tftp://${bracketed(server)}`
}

/** A bare IPv6 address in an option has no brackets. */
function bracketed(server: string): string {
  return /^[0-9A-Fa-f:.]+$/.test(server) && (server.match(/:/g)?.length ?? 0) > 1 ? `[${server}]` : server
}
