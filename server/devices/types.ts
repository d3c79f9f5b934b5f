/** The nouns of a device: identity, state, keys, and everything that a decision about it needs as one plain value. */
import type { MacAddress, ProductName, SerialNumber } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import type { Feature } from '../profiles/features/types.ts'
import type { Layer } from '../profiles/types.ts'

export type DeviceState = 'known' | 'held' | 'bound' | 'released' | 'disabled'

/** One row of `device`: who it is, whose it is, what it was given. */
export interface Device {
  readonly mac: MacAddress
  readonly serial: SerialNumber
  readonly model: ProductName
  readonly accountId: string | undefined
  /** The account whose enrolment window it came through; it gets no line until somebody confirms it. */
  readonly heldAccountId: string | undefined
  readonly state: DeviceState
  /** SHA-256 fingerprint (hex) of the device CA that it first proved itself with. */
  readonly pinnedCa: string | undefined
  /** 32 hex digits: the path of its sealed profile. */
  readonly profilePath: string
  /** Generations of the profile key: 0 before binding. */
  readonly keyIssued: number
  readonly keyConfirmed: number
  /** Whether a farewell profile is still to be served. */
  readonly farewellOwed: boolean
  readonly servedVersion: string | undefined
  readonly runningVersion: string | undefined
}

/** A SIP line as a profile needs it. The password is in clear here and nowhere else. */
export interface DeviceLine {
  readonly id: string
  /** Extension number on the phone, from 1. */
  readonly index: number
  readonly userId: string
  readonly displayName: string
  readonly domain: string
  readonly authId: string | undefined
  readonly outboundProxy: string | undefined
  readonly transport: 'UDP' | 'TCP' | 'TLS' | 'AUTO' | undefined
  readonly password: string
}

/** Secrets of a bound device, opened. Never logged, never in an event. */
export interface DeviceSecrets {
  readonly adminPassword: string
  readonly userPassword: string
  /** GPP_SB: the password of `[--uid $MA --pwd $SB]`. */
  readonly uidPassword: string
  /** Profile keys by generation (64 hex digits): the confirmed one and those issued after it. */
  readonly profileKeys: ReadonlyMap<number, string>
}

/** How an account's phones get their profile; settings of the account. */
export interface AccountSettings {
  /** `https`: in clear over TLS at /cisco-init. `sealed`: at /s/…, sealed, over plain HTTP. */
  readonly delivery: 'https' | 'sealed'
  /** Whether `[--uid $MA --pwd $SB]` over TLS without a client certificate opens the clear profile. */
  readonly credentialed: boolean
  /** A factory certificate past its date. */
  readonly expiredCertificates: 'refuse' | 'accept'
  /** Whether RC answers a merely claimed MAC. */
  readonly rcForClaimed: boolean
  /** Whether a problem report is taken from a phone that only claims its MAC. */
  readonly claimedProblemReports: boolean
  /** Which side leads its phones: the profile, TR-069, or both (TR-069 then watches and commands). */
  readonly ledBy: LedBy
  /** Whether a phone that cannot be reached otherwise may be told to reboot by SIP, so that it calls the ACS. */
  readonly wakeByReboot: boolean
}

export type LedBy = 'profile' | 'tr069' | 'both'

export interface AccountFacts {
  readonly id: string
  readonly customerId: string
  readonly name: string
  readonly settings: AccountSettings
}

/** What the store knows about one device, as one plain value (cached, dropped on change). */
export interface DeviceFacts {
  readonly device: Device
  /** The account that has it, or that it is held for. */
  readonly account: AccountFacts | undefined
  readonly lines: readonly DeviceLine[]
  /** Absent until the device was bound once. */
  readonly secrets: DeviceSecrets | undefined
  /** Narrower scopes last: platform, provider, model, accounts from the root to its own, batch, device. In clear. */
  readonly layers: readonly Layer[]
  /** Narrower scopes last: accounts from the root to its own, batch, device; older ones first. */
  readonly features: readonly Feature[]
  /** What was taken back: a phone keeps what its profile leaves out, so it is told the factory's values instead. */
  readonly pastFeatures: readonly Feature[]
}

/** What a request said about a phone, kept apart by trust. */
export interface Observation {
  readonly mac: MacAddress
  readonly at: Millis
  readonly from: string
  readonly trust: 'certified' | 'credentialed' | 'sealed' | 'claimed'
  readonly servedVersion?: string
  readonly runningVersion?: string
  readonly keyGeneration?: number
  readonly firmware?: string
  readonly cause?: string
  readonly registrationSeconds?: number
  readonly product?: string
}

/** A phone that turned up, whether it is anybody's or not. Only `certificate` is proved. */
export interface Sighting {
  readonly mac: MacAddress
  /** IP address as text. */
  readonly address: string
  /** A lease that a DHCP server gave, a client certificate, or a MAC in a path or User-Agent. */
  readonly source: 'dhcp' | 'certificate' | 'path'
  readonly serial?: SerialNumber
  readonly productName?: string
  readonly at: Date
  /** The account of a limited token that told us of it; absent: our own doors saw it, or the operator told us. */
  readonly reporter?: string
  /** Why it was refused; absent: it was not. */
  readonly problem?: string
  /** It got the first profile. */
  readonly firstProfile?: boolean
}
