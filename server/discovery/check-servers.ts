import { isIPv4 } from 'node:net'

import { utf8Text } from '../../protocol/bytes.ts'
import { bytesToIpv4, ipv4List } from '../../protocol/dhcp/mod.ts'
import { resolveUrl, type Url } from '../../protocol/rule/mod.ts'
import { placeOf, problemAt as at } from './found.ts'
import type { Found, FoundOption } from './found.ts'
import { isAddressHost, isPlainIPv6, readServerUrl } from './hosts.ts'
import { shown, shownUrl } from './problem.ts'
import type { DiscoveryProblem, DiscoverySettings } from './types.ts'
import { OPTION_BYTES_MAX } from './parts.ts'
import { pairsOf } from './scopes.ts'
import { TFTP_PORT } from './wanted-servers.ts'

/** @returns whether an option names a provisioning server [MPP §10.1]. */
export function isServerOption({ family, code }: FoundOption): boolean {
  return code === 159 || code === 160 || (family === 4 && (code === 66 || code === 150))
}

/** What is known of the servers that phones are to find. */
export interface KnownOfServers {
  /** undefined: nobody said where we are. */
  readonly settings: DiscoverySettings | undefined
  /** Without settings: phones are to come by the redirect service. */
  readonly isRcExpected: boolean
}

/** Judges options 66, 150, 159 and 160. Codes: see {@link checkDhcp}. */
export function judgeServers(found: Found, known: KnownOfServers): readonly DiscoveryProblem[] {
  const { settings } = known
  const options = found.options.filter((option) => option.audience !== 'others' && isServerOption(option))
  return [
    ...options.flatMap((option) => [
      ...judgeReach(option, known),
      ...(option.family === 4 && option.code === 150 ? judge150(option, settings) : judgeText(option, settings)),
    ]),
    ...disagreements(options),
  ]
}

function judgeReach(option: FoundOption, { settings, isRcExpected }: KnownOfServers): readonly DiscoveryProblem[] {
  const problems: DiscoveryProblem[] = []
  if (option.audience === 'everyone') {
    problems.push(
      at(
        option,
        'for-everyone',
        `${nameOf(option)} is given to every device, whoever made it`,
        'move it into a class for these phones, as writeDhcp does',
      ),
    )
  }
  if (settings === undefined ? isRcExpected : settings.nps.options.length === 0) {
    problems.push(
      at(
        option,
        'aborts-rc',
        `${nameOf(option)} names a provisioning server, so a new phone does not ask the redirect service`,
        'remove it for these phones; if DHCP is to lead them, say where the server is (--server ADDRESS)',
      ),
    )
  }
  if (option.bytes !== undefined && option.bytes.length > OPTION_BYTES_MAX) {
    problems.push(
      at(
        option,
        'too-long',
        `${nameOf(option)} has ${option.bytes.length} bytes: at most ${OPTION_BYTES_MAX} are sent`,
        'shorten its value',
      ),
    )
  }
  return problems
}

function judge150(option: FoundOption, settings: DiscoverySettings | undefined): readonly DiscoveryProblem[] {
  const { bytes } = option
  if (bytes === undefined) return []
  if (bytes.length === 0 || bytes.length % 4 !== 0) {
    return [
      at(
        option,
        'option-150-length',
        `Option 150 has ${bytes.length} bytes: expected four for each address of a TFTP server`,
        'give IPv4 addresses, no names and no URL',
      ),
    ]
  }
  const addresses = addressesOf(bytes)
  if (addresses.every((address) => NO_ADDRESSES.includes(address))) {
    return [
      at(
        option,
        'no-server',
        'Option 150 holds no address of a host: phones pass it over',
        'give that of a TFTP server',
      ),
    ]
  }
  return addresses.flatMap((address) => judgeBareHost(option, address, settings))
}

function judgeText(option: FoundOption, settings: DiscoverySettings | undefined): readonly DiscoveryProblem[] {
  const text = textOf(option)
  if (text === undefined || text === '') return []
  const problems: DiscoveryProblem[] = []
  const name = nameOf(option)
  if (/\s/.test(text)) {
    problems.push(
      at(
        option,
        'host-has-space',
        `${name} has white space in ${shownUrl(text)}`,
        'remove the white space, also at the ends',
      ),
    )
  }
  if (isList(text)) {
    problems.push(
      at(option, 'url-list', `${name} is a list of servers, which phones take for one name`, 'name one server only'),
    )
  }
  const plain = text.trim().replace(/\/+$/, '')
  if (text.trim() !== plain && plain !== '') {
    const why = hasPath(plain)
      ? 'and the phone asks for exactly that path'
      : 'to which the phone adds its own: it asks for //'
    problems.push(
      at(option, 'trailing-slash', `${name} ends in a slash, ${why}`, 'end with the host or port, or name a file'),
    )
  }
  if (problems.some(({ code }) => code === 'url-list')) return problems
  const judged = plain.includes('://') ? judgeUrl(option, plain, settings) : judgeHost(option, plain, settings)
  return [
    ...problems,
    ...(judged.some(({ code }) => code === 'ipv6-brackets') ? [] : judgeName(option, plain)),
    ...judged,
  ]
}

/** Behind a path, a semicolon or a comma belongs to it, unless another URL follows. */
function isList(text: string): boolean {
  return /^\s*(?:[a-z]+:\/\/)?[^/]*[;,]/i.test(text) || /[;,]\s*[a-z]+:\/\//i.test(text)
}

function hasPath(text: string): boolean {
  return text.replace(/^[a-z]+:\/\//i, '').includes('/')
}

/** Whether a phone finds a server in it, as it reads it itself. White space was told already, a macro is taken for a word. */
function judgeName(option: FoundOption, text: string): readonly DiscoveryProblem[] {
  // What is too long was told as that.
  if (text.length > OPTION_BYTES_MAX) return []
  const plain = text.replace(/\s/g, '').replace(/\$(?:\([^)]*\)|[A-Z_0-9]*)/gi, 'x')
  const url = plain === '' ? undefined : resolveUrl(ANY_FILE, plain)
  if (url?.ok === true && url.value.host !== undefined) return []
  return [
    at(
      option,
      'no-server',
      `${nameOf(option)} holds ${shownHost(text)}, in which phones find no server: they pass it over`,
      'give a host, or a URL of tftp, http or https without a user in it',
    ),
  ]
}

/** A path or a user stays out of messages: either may hold a secret. */
function shownHost(text: string): string {
  const [host = ''] = text.split(/[/?#]/)
  return text.includes('://') || host.includes('@') ? shownUrl(text) : shown(host)
}

/** Stands for any rule without a server [MPP §10.1]. */
const ANY_FILE: Url = { scheme: 'tftp', host: undefined, port: undefined, path: '/' }
/** Addresses that no server has. */
const NO_ADDRESSES: readonly string[] = ['0.0.0.0', '255.255.255.255']

function judgeUrl(
  option: FoundOption,
  text: string,
  settings: DiscoverySettings | undefined,
): readonly DiscoveryProblem[] {
  const url = readServerUrl(text)
  if (url === 'brackets') {
    const advice = 'write http://[2001:db8::1]:8080'
    return [at(option, 'ipv6-brackets', `${nameOf(option)} has an IPv6 address without brackets`, advice)]
  }
  if (url === undefined) return []
  return [...judge159(option, url.host), ...judgeOwner(option, url.host, settings)]
}

function judgeHost(
  option: FoundOption,
  text: string,
  settings: DiscoverySettings | undefined,
): readonly DiscoveryProblem[] {
  const host = text.split('/')[0] ?? ''
  if (/:\d+$/.test(host)) return []
  return [...judge159(option, host), ...judgeBareHost(option, host, settings)]
}

function judge159(option: FoundOption, host: string): readonly DiscoveryProblem[] {
  if (option.code !== 159 || isAddressHost(host)) return []
  return [
    at(
      option,
      'url-159-needs-address',
      `${nameOf(option)} names host ${shown(host)}: its URL must have an IP address`,
      'use option 160, which takes a name; or name the server by its address',
    ),
  ]
}

function judgeBareHost(
  option: FoundOption,
  host: string,
  settings: DiscoverySettings | undefined,
): readonly DiscoveryProblem[] {
  if (settings === undefined) return []
  const { tftpPort } = settings.nps
  if (!ownHosts(settings).has(host.toLowerCase()) || tftpPort === TFTP_PORT) return judgeOwner(option, host, settings)
  return [
    at(
      option,
      'tftp-port',
      `${nameOf(option)} names ${shown(host)}, which means TFTP on port ${TFTP_PORT}; ours is on ${tftpPort}`,
      `let TFTP listen on port ${TFTP_PORT}, or give a URL with its port in option 66 or 160`,
    ),
  ]
}

/** Where phones are to come by the redirect service, any server is wrong, and was told already. */
function judgeOwner(
  option: FoundOption,
  host: string,
  settings: DiscoverySettings | undefined,
): readonly DiscoveryProblem[] {
  if (settings === undefined || settings.nps.options.length === 0 || ownHosts(settings).has(host.toLowerCase()))
    return []
  // Which IPv6 address is ours nobody has said.
  if (settings.server.addressV6 === undefined && isPlainIPv6(host.replace(/^\[(.*)\]$/, '$1'))) return []
  return [
    at(
      option,
      'other-server',
      `${nameOf(option)} sends the phones to ${shown(host)}, which is not this server`,
      'remove it for these phones, or name this server',
    ),
  ]
}

function ownHosts({ server, nps }: DiscoverySettings): ReadonlySet<string> {
  const urls = [nps.httpUrl, nps.httpsUrl].flatMap((text) => {
    const url = readServerUrl(text)
    return typeof url === 'object' ? [url.host] : []
  })
  const v6 = server.addressV6 === undefined ? [] : [server.addressV6, `[${server.addressV6}]`]
  return new Set([server.address, server.host ?? server.address, ...v6, ...urls].map((host) => host.toLowerCase()))
}

function disagreements(options: readonly FoundOption[]): readonly DiscoveryProblem[] {
  const v4 = options.filter((option) => option.family === 4)
  return pairsOf(v4, 66, 150).flatMap(({ first: name, second: list }) => {
    if (list.bytes === undefined || list.bytes.length % 4 !== 0) return []
    const text = textOf(name) ?? ''
    const url = readServerUrl(text)
    const host = typeof url === 'object' ? url.host : text.trim()
    if (!isIPv4(host) || addressesOf(list.bytes).includes(host)) return []
    return [
      at(
        name,
        'tftp-servers-disagree',
        `Option 66 names ${shown(host)}, option 150 in ${placeOf(list)} does not: which one a phone takes depends on DHCP_Option_To_Use`,
        'let both name one server, or remove one of them',
      ),
    ]
  })
}

function addressesOf(bytes: Uint8Array): readonly string[] {
  return ipv4List(bytes, OPTION_BYTES_MAX >> 2).map(bytesToIpv4)
}

/** @returns the text of a value; NULs at its end are no part of it */
export function textOf({ bytes }: FoundOption): string | undefined {
  return bytes === undefined ? undefined : utf8Text(bytes)?.replace(/\0+$/, '')
}

function nameOf({ family, code }: FoundOption): string {
  return family === 6 ? `Option ${code} of DHCPv6` : `Option ${code}`
}
