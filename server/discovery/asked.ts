import { isIPv4 } from 'node:net'
import { DHCP_OPTION } from '../../protocol/dhcp/mod.ts'
import { isAddressHost } from './hosts.ts'
import type { AcsSettings, DiscoverySettings, NpsOption } from './types.ts'
import { DEFAULT_MODELS } from './wanted.ts'
import { TFTP_PORT } from './wanted-servers.ts'

/** Where phones reach this Offhook. */
export interface DiscoveryDoors {
  /** IPv4; the phones' own network leads to it. */
  readonly address: string
  readonly tftpPort: number
  /** `https://host[:port]`, and so on. */
  readonly publicUrl: string
  readonly publicHttpUrl: string
  /** `https://host[:port]/` of the TLS door. */
  readonly acsUrl: string
}

/** What somebody asks to be told by DHCP; what is left out has a default. */
export interface DiscoveryWish {
  /** 66, which phones look at first, when left out; none: the redirect service or the ACS leads them. */
  readonly options?: readonly NpsOption[] | undefined
  /** TFTP where it has its own port, else HTTP; HTTPS only on request, as a phone must know who signed the certificate. */
  readonly scheme?: DiscoverySettings['nps']['scheme'] | undefined
  /** Absent: DHCP names no ACS. `url`: an ACS behind another name or path than that of our door. */
  readonly acs?: (Omit<AcsSettings, 'url'> & { readonly url?: string | undefined }) | undefined
  readonly gateway?: DiscoverySettings['gateway']
  /** `option` 132, which Cisco advises, when left out [MPP §10.1]. */
  readonly voiceVlan?: { readonly id: number; readonly option?: number | undefined } | undefined
  readonly models?: readonly string[] | undefined
  readonly subnets?: DiscoverySettings['subnets'] | undefined
  /** IPv6 where our doors listen: also DHCPv6. */
  readonly addressV6?: string | undefined
  readonly subnets6?: DiscoverySettings['subnets6']
}

/** The whole settings of what somebody asks for, with nothing checked yet: `writeDhcp` says what cannot be. */
export function discoverySettings(doors: DiscoveryDoors, wish: DiscoveryWish): DiscoverySettings {
  const { hostname } = new URL(doors.publicUrl)
  const { acs, voiceVlan } = wish
  return {
    server: {
      address: doors.address,
      addressV6: wish.addressV6,
      host: isAddressHost(hostname) ? undefined : hostname,
    },
    nps: {
      options: wish.options ?? [66],
      tftpPort: doors.tftpPort,
      httpUrl: doors.publicHttpUrl,
      httpsUrl: doors.publicUrl,
      scheme: wish.scheme ?? (doors.tftpPort === TFTP_PORT ? 'tftp' : 'http'),
    },
    acs: acs && { ...acs, url: acs.url ?? doors.acsUrl },
    gateway: wish.gateway,
    voiceVlan: voiceVlan && { id: voiceVlan.id, option: voiceVlan.option ?? DHCP_OPTION.vlan },
    models: wish.models === undefined || wish.models.length === 0 ? DEFAULT_MODELS : wish.models,
    subnets: wish.subnets ?? [],
    ipv6: wish.addressV6 !== undefined,
    subnets6: wish.subnets6,
  }
}

/** The addresses of a machine as `node:os` lists them, by interface. */
type Interfaces = Readonly<
  Record<
    string,
    readonly { readonly address: string; readonly family: string; readonly internal: boolean }[] | undefined
  >
>

/**
 * The IPv4 where the doors for phones are, as far as it can be known without asking anybody: the public URL names one, or
 * the doors listen on one alone, or this machine has one.
 * @param host  what the doors listen on
 * @returns undefined where there is none
 */
export function addressOfDoors(
  publicUrl: string | undefined,
  host: string,
  interfaces: Interfaces,
): string | undefined {
  const named = publicUrl === undefined ? '' : new URL(publicUrl).hostname
  const own = Object.values(interfaces).flatMap((addresses) => addresses ?? [])
  const first = own.find(({ address, family, internal }) => family === 'IPv4' && !internal && isUsable(address))
  return [named, host].find((each) => isIPv4(each) && isUsable(each)) ?? first?.address
}

/** Loopback and link-local addresses lead no phone to us. */
function isUsable(address: string): boolean {
  return !/^(?:0\.|127\.|169\.254\.)/.test(address)
}
