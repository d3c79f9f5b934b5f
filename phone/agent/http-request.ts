/** What the phone's HTTP client sends. Source: MPP §11.1. */
import type { Millis } from '../../protocol/result.ts'
import { defaultPort, expandMacros } from '../../protocol/rule/mod.ts'
import { userAgentLookup } from './macros.ts'
import { parameterText } from './parameters.ts'
import type { Agent, Download, FetchRequest } from './types.ts'

/** Characters of the User-Agent; a longer template is cut. */
const USER_AGENT_CHARS_MAX = 200

/** @returns one exchange for a download as it stands. `scheme` has been checked to be no `gds`. */
export function requestFor(agent: Agent, download: Download, now: Millis): FetchRequest {
  const { url, host, port } = download
  const scheme = url.scheme === 'gds' ? 'https' : url.scheme
  return {
    purpose: download.purpose,
    scheme,
    host,
    port,
    path: url.path,
    method: download.method,
    headers: scheme === 'tftp' ? [] : headersOf(agent, download, now),
    body: download.body,
    bytesMax: download.bytesMax,
    customCaPem: agent.flash.customCa.pem,
    certificateName: download.certificateName,
  }
}

/** `host` or `host:port` with brackets around IPv6; the port only when it is not the scheme's own. */
export function printAuthority(scheme: 'tftp' | 'http' | 'https' | 'gds', host: string, port: number): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === defaultPort(scheme) ? name : `${name}:${port}`
}

/** The URL of a download as a watcher reads it; not yet masked. */
export function printDownloadUrl({ url, host, port }: Pick<Download, 'url' | 'host' | 'port'>): string {
  return `${url.scheme}://${printAuthority(url.scheme, host, port)}${url.path}`
}

function headersOf(agent: Agent, download: Download, now: Millis): FetchRequest['headers'] {
  const { authorization, proxyAuthorization } = download
  return [
    ['User-Agent', userAgent(agent, now)],
    ['Host', printAuthority(download.url.scheme, download.host, download.port)],
    ['Accept-Encoding', 'deflate, gzip'],
    ['Accept', '*/*'],
    ['Accept-Language', 'en'],
    ['Accept-Charset', 'iso-8859-1'],
    ...download.bodyHeaders,
    ...(authorization === undefined ? [] : [['Authorization', authorization] as const]),
    ...(proxyAuthorization === undefined ? [] : [['Proxy-Authorization', proxyAuthorization] as const]),
  ]
}

function userAgent(agent: Agent, now: Millis): string {
  const expanded = expandMacros(parameterText(agent, 'HTTP_User_Agent_Name'), userAgentLookup(agent, now)).text
  // A header line takes visible ASCII only (RFC 9110 §5.5).
  return expanded
    .replace(/[^\u0020-\u007e]+/g, ' ')
    .trim()
    .slice(0, USER_AGENT_CHARS_MAX)
}
