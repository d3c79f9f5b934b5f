import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'

/** The DHCP servers that we write for and read. */
export type Daemon = 'kea' | 'dnsmasq' | 'isc'

/** The options that name a provisioning server to a phone [MPP §10.1]. */
export type NpsOption = 66 | 150 | 159 | 160

/** What DHCP is to tell the phones. Plain data: it may come from JSON. */
export interface DiscoverySettings {
  readonly server: {
    /** IPv4 where our doors listen. */
    readonly address: string
    /** IPv6 without brackets. */
    readonly addressV6?: string | undefined
    /** DNS name. */
    readonly host?: string | undefined
  }
  /** The provisioning server. No `options`: the phones are to come by the redirect service or by the ACS alone. */
  readonly nps: {
    readonly options: readonly NpsOption[]
    readonly tftpPort: number
    /** Scheme, host, port and perhaps a path; e.g. `http://192.0.2.1:8080`. */
    readonly httpUrl: string
    readonly httpsUrl: string
    /** What 66, 159 and 160 name; 150 always means TFTP. */
    readonly scheme: 'tftp' | 'http' | 'https'
  }
  readonly acs?: AcsSettings | undefined
  /** Told to the phones as the gateway of TR-069 §9.3. */
  readonly gateway?:
    | { readonly oui: string; readonly serial: string; readonly productClass?: string | undefined }
    | undefined
  readonly voiceVlan?: { readonly option: number; readonly id: number } | undefined
  /** The payload of option 43 for SCEP, as protocol/dhcp writes it, in hex [MPP §10.4]; never with `nps.options`. */
  readonly scep?: string | undefined
  /** Product names as option 60 ends with; `DEFAULT_MODELS` is all of the catalogue. */
  readonly models: readonly string[]
  /** Empty: only classes and options, to be put beside what is there. */
  readonly subnets: readonly DiscoverySubnet[]
  readonly ipv6: boolean
  readonly subnets6?: readonly DiscoverySubnet6[] | undefined
  /** Where Kea's own hook libraries lie; `KEA_HOOKS` is where Debian puts them. */
  readonly keaHooks?: string | undefined
}

/** The ACS that DHCP names [TR-069 §9.2]. */
export interface AcsSettings {
  /** `https://…`: always the TLS door. */
  readonly url: string
  /** At most 64 bytes. */
  readonly provisioningCode?: string | undefined
  readonly retryMinimumSeconds?: number | undefined
  /** Thousandths. */
  readonly retryMultiplier?: number | undefined
}

/** One network that the daemon is to give addresses in. */
export interface DiscoverySubnet {
  /** `192.0.2.0/24`. */
  readonly subnet: string
  /** `192.0.2.100 - 192.0.2.199`. */
  readonly pool: string
  readonly router?: string | undefined
  readonly dns?: readonly string[] | undefined
  readonly interface?: string | undefined
}

/** One network of IPv6; routers are announced by the network, not by DHCP. */
export interface DiscoverySubnet6 {
  /** `2001:db8:1::/64`. */
  readonly subnet: string
  /** `2001:db8:1::100 - 2001:db8:1::1ff`. */
  readonly pool: string
  readonly dns?: readonly string[] | undefined
  readonly interface?: string | undefined
}

/** One file of a daemon, to be put where the daemon looks for it. */
export interface DiscoveryFile {
  /** e.g. `kea-dhcp4.conf`. */
  readonly name: string
  readonly text: string
}

/** What `writeDhcp` gives: the files, and what the technician should know. */
export interface WrittenDhcp {
  readonly files: readonly DiscoveryFile[]
  readonly notes: readonly string[]
}

/** A setting or a line of a configuration that cannot be meant. */
export interface DiscoveryProblem {
  /** One of the codes that `writeDhcp` and `checkDhcp` list. */
  readonly code: string
  /** A path in the settings, e.g. `nps.options`; `line 12` of a file; a path in the configuration of a running Kea. */
  readonly place: string
  readonly message: string
  readonly advice: string
}

/**
 * What Kea's `config-get` answers under `arguments`, and what `config-set` takes: an object with `Dhcp4` or `Dhcp6`.
 * Newer Kea puts a `hash` beside it, which `config-set` does not take; we leave it out.
 */
export type KeaConfig = Readonly<Record<string, unknown>>

/** A phone that Kea is to know. */
export interface KeaReservation {
  readonly mac: MacAddress
  /** IPv4 inside a subnet of the configuration; undefined: any of the pool. */
  readonly address?: string | undefined
  /** Classes beside those that the phone earns by option 60. */
  readonly clientClasses?: readonly string[] | undefined
}

/** A lease that is running, as Kea knows it. */
export interface KeaLease {
  readonly mac: MacAddress
  readonly address: string
  readonly hostName: string
  /** When it ends unless it is renewed; undefined: never. */
  readonly expiresAt: Millis | undefined
  /** When it was given or last renewed; undefined where Kea does not say. */
  readonly heardAt: Millis | undefined
}
