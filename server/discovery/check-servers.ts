import { isIPv4 } from 'node:net'

import { utf8Text } from '../../protocol/bytes.ts'
import type { Found, FoundOption } from './found.ts'
import { isAddressHost, readServerUrl } from './hosts.ts'
import { discoveryProblem, shown, shownUrl } from './problem.ts'
import type { DiscoveryProblem, DiscoverySettings } from './types.ts'
import { OPTION_BYTES_MAX } from './parts.ts'
import { TFTP_PORT } from './wanted-servers.ts'

/** @returns whether an option names a provisioning server [MPP §10.1]. */
export function isServerOption({ family, code }: FoundOption): boolean {
  return code === 159 || code === 160 || (family === 4 && (code === 66 || code === 150))
}

/** Judges options 66, 150, 159 and 160. Codes: see {@link checkDhcp}. */
export function judgeServers(found: Found, settings: DiscoverySettings | undefined): readonly DiscoveryProblem[] {
  const options = found.options.filter((option) => option.audience !== 'others' && isServerOption(option))
  return [
    ...options.flatMap((option) => [
      ...judgeReach(option, settings),
      ...(option.family === 4 && option.code === 150 ? judge150(option, settings) : judgeText(option, settings)),
    ]),
    ...disagreements(options),
  ]
}

function judgeReach(option: FoundOption, settings: DiscoverySettings | undefined): readonly DiscoveryProblem[] {
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
  if (settings !== undefined && settings.nps.options.length === 0) {
    problems.push(
      at(
        option,
        'aborts-rc',
        `${nameOf(option)} names a provisioning server, so a new phone does not ask the redirect service`,
        'remove it for these phones, or let them come by DHCP',
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
  return addressesOf(bytes).flatMap((address) => judgeBareHost(option, address, settings))
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
  if (text.includes(';')) {
    problems.push(
      at(option, 'url-list', `${name} is a list of servers, which phones take for one name`, 'name one server only'),
    )
  }
  if (text.trim().endsWith('/')) {
    problems.push(
      at(
        option,
        'trailing-slash',
        `${name} ends in a slash, to which the phone adds its own: it asks for //`,
        'end with the host or port, or name a file',
      ),
    )
  }
  const plain = text.trim().replace(/\/+$/, '')
  return problems.some(({ code }) => code === 'url-list')
    ? problems
    : [...problems, ...(plain.includes('://') ? judgeUrl(option, plain, settings) : judgeHost(option, plain, settings))]
}

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

/** What stands in a block, and what holds for all, reach a phone together. */
function disagreements(options: readonly FoundOption[]): readonly DiscoveryProblem[] {
  const v4 = options.filter((option) => option.family === 4)
  const effective = (code: number, scope: string): FoundOption | undefined =>
    v4.find((option) => option.code === code && option.scope === scope) ??
    v4.find((option) => option.code === code && option.scope === '')
  const scopes = [...new Set(v4.map((option) => option.scope))]
  const seen = new Set<string>()
  return scopes.flatMap((scope) => {
    const name = effective(66, scope)
    const list = effective(150, scope)
    if (name === undefined || list?.bytes === undefined || list.bytes.length % 4 !== 0) return []
    const text = textOf(name) ?? ''
    const url = readServerUrl(text)
    const host = typeof url === 'object' ? url.host : text.trim()
    const key = `${name.line} ${list.line}`
    if (!isIPv4(host) || addressesOf(list.bytes).includes(host) || seen.has(key)) return []
    seen.add(key)
    return [
      at(
        name,
        'tftp-servers-disagree',
        `Option 66 names ${shown(host)}, option 150 in line ${list.line} does not: which one a phone takes depends on DHCP_Option_To_Use`,
        'let both name one server, or remove one of them',
      ),
    ]
  })
}

function addressesOf(bytes: Uint8Array): readonly string[] {
  return Array.from({ length: Math.min(bytes.length, OPTION_BYTES_MAX) >> 2 }, (_, index) =>
    bytes.subarray(index * 4, index * 4 + 4).join('.'),
  )
}

/** NULs at the end are no part of the value. */
function textOf({ bytes }: FoundOption): string | undefined {
  return bytes === undefined ? undefined : utf8Text(bytes)?.replace(/\0+$/, '')
}

function nameOf({ family, code }: FoundOption): string {
  return family === 6 ? `Option ${code} of DHCPv6` : `Option ${code}`
}

function at(option: FoundOption, code: string, message: string, advice: string): DiscoveryProblem {
  return discoveryProblem(code, `line ${option.line}`, message, advice)
}
