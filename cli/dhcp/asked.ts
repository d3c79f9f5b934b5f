/** What `offhook dhcp` is asked, from its options and the settings of the server, as discovery knows it. */
import { networkInterfaces } from 'node:os'
import { type Command, Option } from 'commander'
import {
  addressOfDoors,
  type DiscoverySettings,
  discoverySettings,
  type DiscoveryWish,
} from '../../server/discovery/mod.ts'
import type { Settings } from '../../server/main.ts'
import { usageProblem } from '../exit-codes.ts'
import { addSettingOptions, settingsFrom } from '../settings.ts'

type Options = Readonly<Record<string, unknown>>

/** The settings of the server that say where phones find it. */
const DOOR_SETTINGS = [
  'PUBLIC_URL',
  'PUBLIC_HTTP_URL',
  'HOST',
  'HTTP_PORT',
  'HTTPS_PORT',
  'TFTP_PORT',
  'ACS_TLS_PORT',
] as const

const NPS_OPTIONS = [66, 150, 159, 160] as const
const SCHEMES = ['tftp', 'http', 'https'] as const

/** What is asked of a DHCP server, without the networks that it serves. */
export function addWishOptions(command: Command): Command {
  return command
    .option('--server <address>', 'IPv4 of the doors for phones (default: of the public URL, else of this machine)')
    .option(
      '--options <numbers>',
      `which of ${NPS_OPTIONS.join(', ')} name the provisioning server (default 66), or none`,
    )
    .addOption(
      new Option('--scheme <scheme>', 'what they name (default tftp where it has port 69, else http)').choices(SCHEMES),
    )
    .option('--acs', 'also name the ACS (TR-069)')
    .option('--acs-url <url>', 'name the ACS by this https:// URL, e.g. of a proxy before it; implies --acs')
    .option('--provisioning-code <text>', 'with --acs: what phones are to report')
    .option('--acs-retry <min,mult>', 'with --acs: seconds and thousandths, e.g. 5,2000')
    .option('--gateway <oui,serial[,class]>', 'what TR-069 devices are told of their gateway')
    .option('--voice-vlan <id[@option]>', 'the voice VLAN (default option 132)')
    .option('--model <product>', 'only phones of this model; may be repeated', collected)
    .option('--ipv6 <address>', 'IPv6 of the doors for phones: also DHCPv6')
}

/** A complete configuration for a bench. */
export function addNetworkOptions(command: Command): Command {
  return command
    .optionsGroup('A complete configuration, e.g. for a bench:')
    .option('--subnet <network>', 'e.g. 192.0.2.0/24')
    .option('--pool <range>', 'addresses to give, e.g. 192.0.2.50-192.0.2.200')
    .option('--router <address>', 'the way out')
    .option('--dns <addresses>', 'name servers, with commas')
    .option('--interface <name>', 'network interface of the DHCP server')
    .option('--subnet6 <network>', 'e.g. 2001:db8:1::/64; needs --ipv6')
    .option('--pool6 <range>', 'e.g. 2001:db8:1::100-2001:db8:1::1ff')
}

export function addDoorOptions(command: Command): Command {
  return addSettingOptions(command.optionsGroup('Where phones find the server:'), DOOR_SETTINGS).option(
    '--standard-ports',
    'ports 69, 80 and 443, as real phones ask',
  )
}

function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** Throws CliProblem (usage) for what cannot be meant, and where it says too little. */
export function askedSettings(options: Options): DiscoverySettings {
  const settings = settingsFrom(options)
  const server = textIn(options, 'server')
  const wish = wishOf(options)
  const publicUrl =
    settings.publicUrl ?? (server === undefined ? undefined : originOf('https', server, settings.httpsPort))
  if (publicUrl === undefined) {
    throw usageProblem(
      'where do phones find the server? Give --public-url https://NAME (OFFHOOK_PUBLIC_URL) as "offhook serve" has it, or --server ADDRESS',
    )
  }
  const address = server ?? addressOfDoors(publicUrl, settings.host, networkInterfaces())
  if (address === undefined) throw usageProblem('this machine has no IPv4 that leads to it: give --server ADDRESS')
  return discoverySettings(doorsOf(settings, publicUrl, address), wish)
}

function doorsOf(settings: Settings, publicUrl: string, address: string) {
  const { hostname } = new URL(publicUrl)
  return {
    address,
    tftpPort: settings.tftpPort,
    publicUrl,
    publicHttpUrl: settings.publicHttpUrl ?? originOf('http', hostname, settings.httpPort),
    acsUrl: `${originOf('https', hostname, settings.acsTlsPort)}/`,
  }
}

function originOf(scheme: 'http' | 'https', host: string, port: number): string {
  const text = `${scheme}://${host}:${port}`
  if (!URL.canParse(text)) throw usageProblem(`--server "${host}" is no IPv4 address`)
  return new URL(text).origin
}

function wishOf(options: Options): DiscoveryWish {
  return {
    options: npsOptionsOf(textIn(options, 'options')),
    scheme: schemeOf(textIn(options, 'scheme')),
    acs: acsOf(options),
    gateway: gatewayOf(textIn(options, 'gateway')),
    voiceVlan: vlanOf(textIn(options, 'voiceVlan')),
    models: Array.isArray(options['model']) ? options['model'].map(String) : undefined,
    ...networksOf(options),
  }
}

function textIn(options: Options, name: string): string | undefined {
  const value = options[name]
  return typeof value === 'string' ? value : undefined
}

function npsOptionsOf(text: string | undefined): DiscoveryWish['options'] {
  if (text === undefined) return undefined
  if (text === 'none' || text === '') return []
  return listOf(text).map((item) => {
    const option = NPS_OPTIONS.find((each) => String(each) === item)
    if (option !== undefined) return option
    throw usageProblem(`--options "${text}": "${item}" is none of ${NPS_OPTIONS.join(', ')}`)
  })
}

function schemeOf(text: string | undefined): DiscoveryWish['scheme'] {
  return SCHEMES.find((each) => each === text)
}

function acsOf(options: Options): DiscoveryWish['acs'] {
  const [provisioningCode, retry] = [textIn(options, 'provisioningCode'), textIn(options, 'acsRetry')]
  const url = textIn(options, 'acsUrl')
  if (options['acs'] !== true && url === undefined) {
    if (provisioningCode === undefined && retry === undefined) return undefined
    throw usageProblem('--provisioning-code and --acs-retry belong to --acs')
  }
  if (retry === undefined) return { url, provisioningCode }
  const [minimum = '', multiplier = '', ...rest] = listOf(retry)
  if (!isWhole(minimum) || !isWhole(multiplier) || rest.length > 0) {
    throw usageProblem(`--acs-retry "${retry}" is not of the form MIN,MULT: seconds and thousandths, e.g. 5,2000`)
  }
  return { url, provisioningCode, retryMinimumSeconds: Number(minimum), retryMultiplier: Number(multiplier) }
}

function gatewayOf(text: string | undefined): DiscoveryWish['gateway'] {
  if (text === undefined) return undefined
  const [oui = '', serial = '', productClass, ...rest] = listOf(text)
  if (!/^[0-9a-f]{6}$/i.test(oui) || serial === '' || rest.length > 0) {
    throw usageProblem(`--gateway "${text}" is not of the form OUI,SERIAL[,CLASS], e.g. 00D09E,2BFF1A`)
  }
  return { oui: oui.toUpperCase(), serial, productClass }
}

function vlanOf(text: string | undefined): DiscoveryWish['voiceVlan'] {
  if (text === undefined) return undefined
  const [id = '', option, ...rest] = text.split('@')
  if (!isWhole(id) || (option !== undefined && !isWhole(option)) || rest.length > 0) {
    throw usageProblem(`--voice-vlan "${text}" is not of the form ID[@OPTION], e.g. 20 or 20@132`)
  }
  return { id: Number(id), option: option === undefined ? undefined : Number(option) }
}

function networksOf(options: Options): Pick<DiscoveryWish, 'subnets' | 'subnets6' | 'addressV6'> {
  const [subnet, pool] = [textIn(options, 'subnet'), textIn(options, 'pool')]
  const [subnet6, pool6] = [textIn(options, 'subnet6'), textIn(options, 'pool6')]
  const [router, dns, name] = [textIn(options, 'router'), textIn(options, 'dns'), textIn(options, 'interface')]
  const addressV6 = textIn(options, 'ipv6')
  if ((subnet === undefined) !== (pool === undefined)) throw usageProblem('--subnet and --pool belong together')
  if ((subnet6 === undefined) !== (pool6 === undefined)) throw usageProblem('--subnet6 and --pool6 belong together')
  if (subnet6 !== undefined && addressV6 === undefined) throw usageProblem('--subnet6 needs --ipv6 ADDRESS')
  if (subnet === undefined && [router, dns, name].some((each) => each !== undefined)) {
    throw usageProblem('--router, --dns and --interface belong to --subnet')
  }
  const servers = dns === undefined ? [] : listOf(dns)
  return {
    subnets:
      subnet === undefined || pool === undefined
        ? undefined
        : [{ subnet, pool, router, dns: ofFamily(servers, 4), interface: name }],
    subnets6:
      subnet6 === undefined || pool6 === undefined
        ? undefined
        : [{ subnet: subnet6, pool: pool6, dns: ofFamily(servers, 6), interface: name }],
    addressV6,
  }
}

/** Name servers of both families stand in one option. What is neither is told by whoever looks at it, as IPv4. */
function ofFamily(addresses: readonly string[], family: 4 | 6): readonly string[] | undefined {
  const own = addresses.filter((address) => address.includes(':') === (family === 6))
  return own.length === 0 ? undefined : own
}

function listOf(text: string): readonly string[] {
  return text.split(',').map((item) => item.trim())
}

function isWhole(text: string): boolean {
  return /^[0-9]{1,9}$/.test(text)
}
