import { readServerUrl, isAddressHost } from './hosts.ts'
import type { ServerUrl } from './hosts.ts'
import { OPTION_BYTES_MAX, tooLong } from './parts.ts'
import type { Part, WantedOption, WantedValue } from './parts.ts'
import { discoveryProblem, shown, shownUrl } from './problem.ts'
import type { DiscoveryProblem, DiscoverySettings, NpsOption } from './types.ts'

/** The port that a bare host means [MPP §4.5]. */
export const TFTP_PORT = 69

const NPS_OPTIONS: readonly number[] = [66, 150, 159, 160]

/** @returns options 66, 150, 159 and 160, and 159 and 160 of DHCPv6, as far as they are wanted [MPP §10.1]. */
export function wantedServers(settings: DiscoverySettings): Part {
  const { nps } = settings
  const problems: DiscoveryProblem[] = []
  const notes: string[] = []
  const options: WantedOption[] = []
  if (!Number.isInteger(nps.tftpPort) || nps.tftpPort < 1 || nps.tftpPort > 65535) {
    problems.push(
      discoveryProblem(
        'bad-port',
        'nps.tftpPort',
        `Cannot use "${nps.tftpPort}" as the port of TFTP: expected 1 to 65535`,
        'give the port at which our TFTP door is reached',
      ),
    )
  }
  for (const code of new Set(nps.options)) {
    const value = NPS_OPTIONS.includes(code) ? valueOf(code, 4, settings, problems, notes) : badOption(code, problems)
    if (value !== undefined) options.push({ family: 4, code, to: 'phones', value })
  }
  for (const code of codes6(settings, notes)) {
    const value = valueOf(code, 6, settings, problems, notes)
    if (value !== undefined) options.push({ family: 6, code, to: 'phones', value })
  }
  return { options, problems, notes: problems.length > 0 ? [] : [...notes, ...generalNotes(settings)] }
}

function generalNotes({ nps }: DiscoverySettings): readonly string[] {
  if (nps.options.length === 0) return []
  const several = new Set(nps.options).size > 1
  return [
    'A phone that is told a provisioning server by DHCP does not ask the redirect service.',
    ...(several
      ? ['A phone takes the first of these options that DHCP_Option_To_Use lists (66, 160, 159, 150); one is enough.']
      : []),
  ]
}

/** DHCPv6 has no 66 and no 150: who wants only these means a server all the same. */
function codes6({ ipv6, nps }: DiscoverySettings, notes: string[]): readonly (159 | 160)[] {
  if (!ipv6 || nps.options.length === 0) return []
  const codes = ([159, 160] as const).filter((code) => nps.options.includes(code))
  if (codes.length > 0) return codes
  notes.push('DHCPv6 has neither option 66 nor 150: option 160 is sent in their place.')
  return [160]
}

function valueOf(
  code: NpsOption,
  family: 4 | 6,
  settings: DiscoverySettings,
  problems: DiscoveryProblem[],
  notes: string[],
): WantedValue | undefined {
  if (code === 150) return tftpServers(settings, problems)
  if (settings.nps.scheme === 'tftp') return tftpText(code, family, settings, notes)
  return urlText(code, family, settings, problems, notes)
}

function tftpServers({ server, nps }: DiscoverySettings, problems: DiscoveryProblem[]): WantedValue | undefined {
  if (nps.tftpPort === TFTP_PORT) return { kind: 'addresses', list: [server.address] }
  problems.push(
    discoveryProblem(
      'tftp-port',
      'nps.options',
      `Cannot send option 150 while TFTP is on port ${nps.tftpPort}: an address in 150 means port ${TFTP_PORT}`,
      `let TFTP listen on port ${TFTP_PORT}, or use option 66 or 160, which can name a port`,
    ),
  )
  return undefined
}

/** 66 is a bare host where that means our port; else a URL. 159 has an address, 160 a name where there is one. */
function tftpText(code: NpsOption, family: 4 | 6, { server, nps }: DiscoverySettings, notes: string[]): WantedValue {
  const address = family === 6 && server.addressV6 !== undefined ? `[${server.addressV6}]` : server.address
  const host = code === 160 ? (server.host ?? address) : address
  if (code === 160 && server.host === undefined) notes.push(noName(family))
  if (family === 6 && host === server.address) notes.push(onlyIpv4(code))
  if (nps.tftpPort === TFTP_PORT) return { kind: 'text', text: code === 66 ? host : `tftp://${host}` }
  return { kind: 'text', text: `tftp://${host}:${nps.tftpPort}` }
}

function urlText(
  code: NpsOption,
  family: 4 | 6,
  { server, nps }: DiscoverySettings,
  problems: DiscoveryProblem[],
  notes: string[],
): WantedValue | undefined {
  const place = nps.scheme === 'https' ? 'nps.httpsUrl' : 'nps.httpUrl'
  const url = readOwnUrl(nps.scheme === 'https' ? nps.httpsUrl : nps.httpUrl, place, nps.scheme, problems)
  if (url === undefined) return undefined
  const named = !isAddressHost(url.host)
  if (code === 159 && named) {
    problems.push(
      discoveryProblem(
        'url-159-needs-address',
        place,
        `Cannot send host ${shown(url.host)} in option 159: its URL must have an IP address`,
        'use option 160, which takes a name; or name the server by its address',
      ),
    )
    return undefined
  }
  if (code === 160 && !named) notes.push(noName(family))
  const swap = family === 6 && url.host === server.address && server.addressV6 !== undefined
  const host = swap ? `[${server.addressV6}]` : url.host
  if (family === 6 && !swap && !named && !host.startsWith('[')) notes.push(onlyIpv4(code))
  const text = `${url.scheme}://${host}${url.port === undefined ? '' : `:${url.port}`}${url.path}`
  if (text.length <= OPTION_BYTES_MAX) return { kind: 'text', text }
  problems.push(tooLong(place, text.length))
  return undefined
}

/** A lone `/` would be a whole path to the phone: it is left out, so that the path of Profile_Rule follows [MPP §10.1]. */
function readOwnUrl(text: string, place: string, scheme: string, problems: DiscoveryProblem[]): ServerUrl | undefined {
  const url = readServerUrl(text)
  if (typeof url === 'object' && url.scheme === scheme) {
    if (url.path === '/') return { ...url, path: '' }
    if (!url.path.endsWith('/')) return url
    problems.push(
      discoveryProblem(
        'trailing-slash',
        place,
        `Cannot send ${shownUrl(text)} with a path that ends in a slash: the phone asks for exactly this path`,
        'end with the host or port, or name a file',
      ),
    )
    return undefined
  }
  const brackets = url === 'brackets'
  problems.push(
    discoveryProblem(
      brackets ? 'ipv6-brackets' : 'bad-url',
      place,
      brackets
        ? `Cannot send ${shownUrl(text)}: an IPv6 address in a URL stands in brackets`
        : `Cannot send ${shownUrl(text)}: expected ${scheme}://host[:port][/path] without white space, quotes, user name or password`,
      brackets ? 'write http://[2001:db8::1]:8080' : 'give the URL at which the phones reach this server',
    ),
  )
  return undefined
}

function badOption(code: number, problems: DiscoveryProblem[]): undefined {
  problems.push(
    discoveryProblem(
      'bad-option',
      'nps.options',
      `Cannot name a provisioning server in option "${code}": expected 66, 150, 159 or 160`,
      'choose among these four',
    ),
  )
}

function noName(family: 4 | 6): string {
  return `Option 160${family === 6 ? ' of DHCPv6' : ''} is meant for a URL with a DNS name, and is sent with an address.`
}

function onlyIpv4(code: number): string {
  return `Option ${code} of DHCPv6 names an IPv4 address: phones that have IPv6 only cannot reach it.`
}
