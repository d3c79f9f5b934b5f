/**
 * Which provisioning server the lease names, and which URL a rule without a server gets from it.
 *
 *     options in the order of the settings -> texts -> macros put in -> servers in their order -> the first, or as policies say
 *
 * An option that cannot be used counts as if it were absent. Codes 60, 43, 125 and 17 of the order are about TR-069 and
 * SCEP, and name no server for profiles. Source: MPP §4.5, §10.1.
 */
import { DHCP_OPTION, decodeServerName, decodeServerUrl, decodeTftpServers } from '../../protocol/dhcp/mod.ts'
import { err, ok, type Result } from '../../protocol/result.ts'
import { expandMacros, parseUrl, type Problem, printUrl, resolveUrl, type Url } from '../../protocol/rule/mod.ts'
import { listedOptions, optionBytes, optionBytesV6 } from './dhcp-network.ts'
import { macroLookup } from './macros.ts'
import type { Agent } from './types.ts'

const { serverName, serverUrl: urlOption, serverAddressUrl, tftpServers } = DHCP_OPTION
const NAMING_OPTIONS = {
  v4: [serverName, urlOption, serverAddressUrl, tftpServers] as readonly number[],
  v6: [urlOption, serverAddressUrl] as readonly number[],
} as const

/** Servers of one list that are looked at; 150 alone could name 63. */
const SERVERS_MAX = 8
/** Texts with their macros put in; a URL may have no more. */
const TEXT_CHARS_MAX = 4096
/** Addresses that no server has. */
const NO_ADDRESSES: readonly string[] = ['0.0.0.0', '255.255.255.255']

/** A server that the lease names. */
export interface DhcpServer {
  readonly family: 'v4' | 'v6'
  readonly option: number
  /** Scheme, host and perhaps port, e.g. `tftp://192.0.2.20`. */
  readonly base: string
  /** Where the option has a path: the URL that stands for the one of a rule. */
  readonly whole: Url | undefined
}

/** What the lease names by one option; an error says why it counts as absent, without its text. */
export interface NamingOption {
  readonly family: 'v4' | 'v6'
  readonly option: number
  readonly servers: Result<readonly DhcpServer[], string>
}

/** The options of the lease that name servers, in the order in which they count. */
export function namingOptions(agent: Agent): readonly NamingOption[] {
  const found = { v4: optionsOf(agent, 'v4'), v6: optionsOf(agent, 'v6') }
  return agent.policies.dhcpFamilies === 'v4-first' ? [...found.v4, ...found.v6] : [...found.v6, ...found.v4]
}

/** @returns the servers that are tried in turn; by policy no more than one of a list, and those of the first option only. */
export function dhcpServers(agent: Agent): readonly DhcpServer[] {
  const { dhcpFallback, dhcpServerList } = agent.policies
  const usable = namingOptions(agent).flatMap(({ servers }) => (servers.ok ? [servers.value] : []))
  return usable
    .slice(0, dhcpFallback ? usable.length : 1)
    .flatMap((servers) => (dhcpServerList === 'each-in-turn' ? servers : servers.slice(0, 1)))
}

/** The server of the lease whose turn it is. */
export function currentServer(agent: Agent): DhcpServer | undefined {
  const servers = dhcpServers(agent)
  return servers[Math.min(agent.ram.dhcpIndex, servers.length - 1)]
}

/** The server that stands in for a missing one: that of the lease, else the one found by DNS SRV. undefined: none is known. */
export function learnedServer(agent: Agent): string | undefined {
  return currentServer(agent)?.base ?? agent.ram.srvServer
}

/** @returns the URL that a profile rule asks for: its own, or the one that the lease makes of it (MPP §10.1, Assembly). */
export function profileUrl(agent: Agent, url: Url): Result<Url, Problem> {
  const whole = currentServer(agent)?.whole
  // A rule such as `https:///x` keeps its scheme and its path, and takes the host alone.
  const standsIn = url.host === undefined && url.scheme === 'tftp'
  return standsIn && whole !== undefined ? ok(whole) : resolveUrl(url, learnedServer(agent))
}

function optionsOf(agent: Agent, family: 'v4' | 'v6'): readonly NamingOption[] {
  return listedOptions(agent, family)
    .filter((option) => NAMING_OPTIONS[family].includes(option))
    .flatMap((option) => {
      const payloads = payloadsOf(agent, family, option)
      if (payloads.length === 0) return []
      const read = payloads.map((payload) => serversOf(agent, family, option, payload))
      // In DHCPv6 an option may come again: the first one that can be used counts.
      const servers = read.find((one) => one.ok) ?? read[0]
      return servers === undefined ? [] : [{ family, option, servers }]
    })
}

function payloadsOf(agent: Agent, family: 'v4' | 'v6', option: number): readonly Uint8Array[] {
  if (family === 'v6') return optionBytesV6(agent, option)
  const bytes = optionBytes(agent, option)
  return bytes === undefined ? [] : [bytes]
}

function serversOf(
  agent: Agent,
  family: 'v4' | 'v6',
  option: number,
  payload: Uint8Array,
): Result<readonly DhcpServer[], string> {
  const texts = textsOf(agent, family, option, payload)
  if (!texts.ok) return texts
  const read = texts.value.map((text) => readServer(text))
  const servers = read.flatMap((one) => (one.ok ? [{ family, option, ...one.value }] : []))
  if (servers.length > 0) return ok(servers)
  const refused = read.find((one) => !one.ok)
  return refused !== undefined && !refused.ok ? refused : err('Cannot use a list without any server')
}

/** The texts of an option, one for each server in it. */
function textsOf(
  agent: Agent,
  family: 'v4' | 'v6',
  option: number,
  payload: Uint8Array,
): Result<readonly string[], string> {
  if (option === tftpServers && typeof agent.ram.lease?.options.get(option) !== 'string') {
    const addresses = decodeTftpServers(payload)
    if (!addresses.ok) return err(addresses.error.message)
    const usable = addresses.value.filter((address) => !NO_ADDRESSES.includes(address)).slice(0, SERVERS_MAX)
    return usable.length > 0 ? ok(usable) : err('Cannot use TFTP servers that are no addresses of a host')
  }
  const text = option === serverName && family === 'v4' ? decodeServerName(payload) : decodeServerUrl(payload)
  if (!text.ok) return err(text.error.message)
  const expanded = expandMacros(text.value, macroLookup(agent, agent.ram.bootedAt), { charsMax: TEXT_CHARS_MAX })
  if (expanded.tooLong) return err(`Cannot use a server of more than ${TEXT_CHARS_MAX} characters`)
  const lists = agent.policies.dhcpSpaces === 'separate' ? expanded.text.split(/\s+/) : [expanded.text]
  return ok(lists.flatMap((list) => splitList(list)).slice(0, SERVERS_MAX))
}

/**
 * Cuts `HTTP://a;b` into its servers. One without a scheme has that of the server before it. Behind a path a semicolon or
 * comma belongs to that path, unless a scheme follows (MPP §10.1, CSCvi48553).
 */
function splitList(text: string): readonly string[] {
  const entries: string[] = []
  let scheme = ''
  for (const [whole, separator = '', piece = ''] of text.matchAll(/([;,]?)([^;,]*)/g)) {
    if (whole === '') continue
    const entry = piece.trim()
    const written = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.exec(entry)?.[0]
    const before = entries.at(-1)
    if (written === undefined && before !== undefined && hasPath(before)) {
      entries[entries.length - 1] = `${before}${separator}${piece}`.trimEnd()
    } else if (entry !== '') {
      scheme = written ?? scheme
      entries.push(written === undefined ? `${scheme}${entry}` : entry)
    }
  }
  return entries
}

function readServer(text: string): Result<Pick<DhcpServer, 'base' | 'whole'>, string> {
  if (/\s/.test(text)) return err('Cannot use a server with white space in it')
  const scheme = /^[^/]*(?=:\/\/)/.exec(text)?.[0].toLowerCase()
  if (scheme !== undefined && !SCHEMES.includes(scheme)) return err(NOT_A_SERVER)
  const trimmed = text.replace(/\/\/+$/, '/')
  const read = hasPath(trimmed) ? parseUrl(withScheme(trimmed)) : resolveUrl(ANY_FILE, trimmed)
  if (!read.ok) return err(`Cannot use a server: ${read.error.message}`)
  const url = read.value
  if (url.host === undefined) return err(NOT_A_SERVER)
  return ok({ base: printUrl({ ...url, path: '' }), whole: hasPath(trimmed) ? url : undefined })
}

const SCHEMES: readonly string[] = ['tftp', 'http', 'https']
const NOT_A_SERVER = 'Cannot use a server: expected a host, or a URL of tftp, http or https'

/** Stands for any rule without a server. */
const ANY_FILE: Url = { scheme: 'tftp', host: undefined, port: undefined, path: '/' }

function withScheme(text: string): string {
  return text.includes('://') ? text : `tftp://${text}`
}

/** A slash that only closes the host is no path (MPP §10.1, CSCvi50100). */
function hasPath(text: string): boolean {
  return text
    .replace(/^[^/]*:\/\//, '')
    .replace(/\/+$/, '')
    .includes('/')
}
