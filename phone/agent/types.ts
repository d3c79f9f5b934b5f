/**
 * The nouns of a virtual phone: what it is, what survives a power cut, what does not, what can happen to it and what
 * it asks its surroundings to do. A phone is a value: `react(agent, event, now, rng)` gives the next phone and actions.
 * Source: MPP §3 to §12; the picture of the states is in `react.ts`.
 */
import type { IkmEncoding } from '../../protocol/envelope/mod.ts'
import type { LoadPart } from '../../protocol/firmware/mod.ts'
import type { MacAddress, ProductName, SerialNumber } from '../../protocol/identity.ts'
import type { ApplyPolicies, ParameterStore } from '../../protocol/profile/mod.ts'
import type { Millis } from '../../protocol/result.ts'
import type { RuleOptions, RulePolicies, Url } from '../../protocol/rule/mod.ts'
import type { CwmpPolicies, CwmpState, CwmpTimer, Tr069Memory } from './cwmp/mod.ts'
import type { LinesState } from './sip/mod.ts'
import type { WebState } from './admin/mod.ts'

/** What left the factory with the phone and never changes. */
export interface Hardware {
  readonly mac: MacAddress
  readonly serial: SerialNumber
  readonly productName: ProductName
  /** `$HWVER`, e.g. `2.0.1`. */
  readonly hardwareVersion: string
  /** The load in flash when it was packed, e.g. `sip88xx.11-3-2MPP0001-609`. */
  readonly factoryLoad: string
  /** `$CCERT`: whether the phone holds a client certificate. */
  readonly clientCertificate: boolean
  /** Where a sealed phone asks for its redirect, MPP §9.2. */
  readonly rcUrl: string
}

/** Readings of the guide that sources disagree on; each has a row in docs/divergences.md. */
export interface PhonePolicies {
  readonly apply: ApplyPolicies
  readonly rule: RulePolicies
  /** MPP §16 row 2: how many seconds one unit of Resync_Random_Delay is. */
  readonly randomDelayUnitSeconds: number
  /** MPP §2.1: whether a clear file is taken although the rule has --key. */
  readonly clearAllowedWithKey: boolean
  /** MPP §5.3 (ii): also start a resync when a trigger turns true. */
  readonly triggersStart: boolean
  /** MPP §5.6: redirects followed in one fetch. */
  readonly redirectsMax: number
  /** MPP §5.7: sections of the catalogue whose change needs a reboot. */
  readonly rebootSections: readonly string[]
  /** MPP §7.2: how Restricted_Access_Domains matches a host. */
  readonly restrictedDomains: 'exact' | 'exact-or-subdomain'
  /** MPP §10.1: which DHCP option counts when several are present: only the first, or the next when the first fails. */
  readonly dhcpFallback: boolean
  /** MPP §10.1: of a list of servers in one option, whether the next one is tried when one fails. */
  readonly dhcpServerList: 'each-in-turn' | 'first-only'
  /** MPP §10.1: what white space inside the text of an option is: no server has it, or it separates servers. */
  readonly dhcpSpaces: 'unusable' | 'separate'
  /** MPP §10.1: whose options come first when both DHCPv4 and DHCPv6 name a server. */
  readonly dhcpFamilies: 'v4-first' | 'v6-first'
  /** MPP §10.1: whether option 132 is read while DHCP_VLAN_Option names no option. */
  readonly dhcpVlan: '132-unless-named' | 'only-named'
  /** MPP §10.2: whether option 60 ends with a NUL. */
  readonly vendorClassNul: boolean
  /** MPP §10.2: what option 60 says while the phone asks for an ACS. */
  readonly vendorClassForAcs: 'forum-and-product' | 'forum-only'
  /** MPP §10.2: whether DHCPv6 is told the text of option 60 in option 16, under Cisco's enterprise number. */
  readonly vendorClassV6: boolean
  /** MPP §4.6: order of SRV weights. */
  readonly srvWeight: 'rfc2782' | 'lower-first'
  /** MPP §2.3: how the text of IKM_HTTP_Encrypt_Content becomes bytes. */
  readonly ikmEncoding: IkmEncoding
  /** MPP §7.2: whose web server speaks HTTPS out of the box: only the 9800 series, or every phone from 12.0(3) on. */
  readonly httpsByDefault: '9800' | 'also-from-12.0.3'
  /** MPP §5.3, §5.7: whether "Submit All Changes" of the admin restarts the phone only where a change needs it. */
  readonly submitAllChanges: 'restart-when-needed' | 'restart-always'
  /** MPP §7.1: whether a blank phone's pages first insist on a password for the admin account. */
  readonly setPasswordPage: boolean
  /** MPP §9.1: which edits on the web pages or the display end the remote customization of a blank phone. */
  readonly editsAbort: 'profile-rules' | 'any-parameter'
  /** MPP §5.4: how long all lines must have been idle before a resync that waited for them starts. */
  readonly quietSeconds: number
  /** Readings about TR-069. */
  readonly cwmp: CwmpPolicies
  /** How long a boot takes in the virtual phone. */
  readonly bootMs: Millis
  /** How long writing a load to flash takes in the virtual phone. */
  readonly flashMs: Millis
}

/** MPP §9.1. */
export type CustomizationState =
  | 'Open'
  | 'Aborted'
  | 'Pending'
  | 'Custom-Pending'
  | 'Acquired'
  | 'Unavailable'
  | 'GDS-Pending'

/** MPP §5.7: the reasons of the reboot history. */
export type RebootReason = 'Upgrade' | 'Provisioning' | 'SIP Triggered' | 'RC' | 'User Triggered' | 'IP Changed'

/** `$PRVST`, MPP §3.3: explicit request, power-up, periodic, retry after failure. */
export type ProvisioningCause = -1 | 0 | 1 | 2

export interface HistoryEntry {
  readonly at: Millis
  readonly text: string
}

/** What survives a power cut. Plain data: `encodeFlash` and `decodeFlash` write and read it as JSON text. */
export interface Flash {
  readonly parameters: ParameterStore
  readonly customization: CustomizationState
  readonly activeLoad: string
  readonly inactiveLoad: string | undefined
  /** Rule text and effective URL of the last finished upgrade attempt, MPP §6 "Re-attempt". */
  readonly upgradeFingerprint: string | undefined
  /** Newest first, at most 5. */
  readonly rebootHistory: readonly { readonly at: Millis; readonly reason: RebootReason }[]
  /** Newest first, at most 3 each (MPP §7.4 Download Status). */
  readonly provisioningHistory: readonly HistoryEntry[]
  readonly upgradeHistory: readonly HistoryEntry[]
  readonly customCa: {
    readonly pem: string | undefined
    /** How the last try ended and when; undefined: there was none. */
    readonly last: { readonly ok: boolean; readonly at: Millis } | undefined
    readonly info: string
    /** The text of Custom_CA_Rule that gave the PEM; another text is fetched after the next resync. */
    readonly rule: string
  }
  /** Values at the last report, for --delta. */
  readonly reported: Readonly<Record<string, string>> | undefined
  /** Whether the next boot was caused by parameters, by an upgrade, or by nobody (then Resync_On_Reset counts). */
  readonly bootCause: 'power' | 'parameters' | 'upgrade' | 'web-submit'
  /** Whether a resync succeeded since the last power-up; reboots by software keep Resync_Periodic armed with it. */
  readonly resyncSucceeded: boolean
  /** Somebody edited parameters at the phone and no report has told the server yet (MPP §12.2, On Local Change). */
  readonly editsUnreported: boolean
  /** What is owed to the ACS, and what it has set [TR-069 §5]. */
  readonly tr069: Tr069Memory
}

/** What DHCP gave, handed in as data. */
export interface Lease {
  readonly address: string
  readonly domain: string | undefined
  /** Of DHCPv4: texts, or the bytes of the whole option as they came. */
  readonly options: ReadonlyMap<number, string | Uint8Array>
  /** Of DHCPv6, where an option may come more than once; a text stands for one. */
  readonly optionsV6?: ReadonlyMap<number, string | readonly Uint8Array[]>
  /** Addresses, the preferred one first. */
  readonly dnsServers?: readonly string[]
  /** Address of the default router. */
  readonly gateway?: string
  /** Address of the DHCP server. */
  readonly server?: string
}

/** Which work of the phone a download belongs to; `transfer`: a file that the ACS has named. */
export type DownloadPurpose =
  | 'rc'
  | 'profile'
  | 'firmware'
  | 'firmware-part'
  | 'report'
  | 'custom-ca'
  | 'problem-report'
  | 'transfer'

/** Which work of the phone an exchange belongs to; `cwmp`: one message to the ACS and its answer. */
export type FetchPurpose = DownloadPurpose | 'cwmp'

/** One transport exchange; redirects, authentication and retries are the agent's own business. */
export interface FetchRequest {
  readonly purpose: FetchPurpose
  readonly scheme: 'tftp' | 'http' | 'https'
  readonly host: string
  readonly port: number
  /** Path with query. */
  readonly path: string
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Empty for tftp. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array | undefined
  readonly bytesMax: number
  /** Extra CA that the phone trusts beside its built-in roots (Custom_CA_Rule), PEM. */
  readonly customCaPem: string | undefined
  /** The name that the server certificate must carry when that is not `host`: with SRV, the name asked for (MPP §4.6). */
  readonly certificateName: string | undefined
}

export type FetchOutcome =
  | {
      readonly kind: 'response'
      readonly status: number
      /** Names in lower case. */
      readonly headers: ReadonlyMap<string, string>
      readonly body: Uint8Array
      readonly peerAddress: string
    }
  | { readonly kind: 'tftp-file'; readonly body: Uint8Array; readonly peerAddress: string }
  | { readonly kind: 'tftp-error'; readonly code: number; readonly message: string; readonly peerAddress: string }
  | {
      readonly kind: 'failed'
      readonly reason: 'dns' | 'connect' | 'tls' | 'timeout' | 'too-large' | 'broken' | 'bad-url'
      readonly detail: string
    }

export interface SrvRecord {
  readonly priority: number
  readonly weight: number
  readonly host: string
  readonly port: number
}

/** A request at the phone's own web server, already read whole (body at most 1 MiB). */
export interface WebRequest {
  readonly method: string
  /** Path and query exactly as sent. */
  readonly target: string
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array
  readonly peerAddress: string
  readonly tls: boolean
}

export interface WebResponse {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

/** What a person does at the phone itself. */
export type KeypadEntry =
  | { readonly kind: 'enter-profile-rule'; readonly rule: string }
  | { readonly kind: 'resync' }
  | { readonly kind: 'reboot' }
  | { readonly kind: 'factory-reset' }
  | { readonly kind: 'set'; readonly element: string; readonly value: string }
  /** The entry "Report problem" (MPP §12.3); `description` is what the user chose. */
  | { readonly kind: 'report-problem'; readonly description: string }

export type SipTransport = 'udp' | 'tcp' | 'tls'

export interface SipPeer {
  readonly host: string
  readonly port: number
  readonly transport: SipTransport
}

/** Everything that can happen to a phone. */
export type AgentEvent =
  | { readonly kind: 'power-on' }
  | { readonly kind: 'network-up'; readonly lease: Lease; readonly sipPort: number }
  | { readonly kind: 'network-down' }
  /** The time that `nextWake` named has come. */
  | { readonly kind: 'tick' }
  | { readonly kind: 'fetched'; readonly id: number; readonly outcome: FetchOutcome }
  | { readonly kind: 'srv-resolved'; readonly id: number; readonly records: readonly SrvRecord[] }
  | { readonly kind: 'call-started'; readonly line: number }
  | { readonly kind: 'call-ended'; readonly line: number }
  | { readonly kind: 'web-request'; readonly id: number; readonly request: WebRequest }
  /** A request at the listener for connection requests, answered like a web request [TR-069 §8.1]. */
  | { readonly kind: 'connection-request'; readonly id: number; readonly request: WebRequest }
  /** On which port that listener waits; undefined: there is none. */
  | { readonly kind: 'listening'; readonly port: number | undefined }
  | { readonly kind: 'keypad'; readonly entry: KeypadEntry }
  | { readonly kind: 'sip-received'; readonly peer: SipPeer; readonly bytes: Uint8Array }
  /** The transport could not deliver (name unknown, connection refused). */
  | { readonly kind: 'sip-failed'; readonly peer: SipPeer; readonly detail: string }

/** Everything that a phone asks its surroundings to do. */
export type AgentAction =
  | { readonly kind: 'fetch'; readonly id: number; readonly request: FetchRequest }
  | { readonly kind: 'resolve-srv'; readonly id: number; readonly name: string }
  | { readonly kind: 'respond'; readonly id: number; readonly response: WebResponse }
  | { readonly kind: 'send-sip'; readonly peer: SipPeer; readonly bytes: Uint8Array }
  | { readonly kind: 'syslog'; readonly server: string; readonly text: string }
  /** Drop every exchange in flight; send `power-on` after `afterMs`. */
  | { readonly kind: 'reboot'; readonly afterMs: Millis }
  | { readonly kind: 'say'; readonly event: PhoneEvent }

/** What a watcher of the phone may know: one line of `offhook phone --json`. Never holds a secret. */
export interface PhoneEvent {
  /** For example `boot`, `customization`, `resync-started`, `fetch`, `profile-applied`, `resync-failed`, `registered`. */
  readonly name: string
  readonly text: string
  readonly data: Readonly<Record<string, string | number | boolean | null>>
}

/** Work that web pages, SIP and keypad ask the core to do. */
export type Command =
  | {
      readonly kind: 'resync'
      readonly rule: string | undefined
      readonly by: 'web' | 'sip' | 'keypad'
      readonly callerAddress: string | undefined
    }
  | { readonly kind: 'upgrade'; readonly url: string | undefined; readonly callerAddress: string | undefined }
  | { readonly kind: 'reboot'; readonly reason: RebootReason; readonly resyncAfter: boolean }
  | { readonly kind: 'factory-reset' }
  | { readonly kind: 'apply-profile'; readonly body: Uint8Array }
  | { readonly kind: 'report' }
  | { readonly kind: 'problem-report'; readonly description: string }
  /** Parameters were changed on the web pages or the LCD; the flash in the returned agent already holds them. */
  | {
      readonly kind: 'locally-changed'
      readonly elements: readonly string[]
      /** A reboot is the next command, so nothing needs to take effect live. */
      readonly restarts?: true
    }

export type TimerName =
  | 'boot'
  | 'resync'
  | 'periodic'
  | 'retry'
  | 'resync-at'
  | 'quiet'
  | 'upgrade'
  | 'flash'
  | 'report'
  | 'problem-report'
  | 'trigger-poll'
  | CwmpTimer

/**
 * Where a run of rules comes from, which decides what its end means (MPP §9.1, §9.3):
 * - `rules`: the configured rules of a phone that was provisioned before.
 * - `command`: web, SIP or keypad gave the rule.
 * - `dhcp`, `srv`, `rc`: a blank phone tries that source; the next one follows a failure.
 * - `redirect`: the rule that RC has set.
 */
export type RunSource = 'rules' | 'command' | 'dhcp' | 'srv' | 'rc' | 'redirect'

/** The run of rules in progress (MPP §5.5). */
export interface ResyncRun {
  readonly cause: ProvisioningCause
  /** 'rc' runs fetch the redirect; 'rules' runs A to D; 'url' runs one given rule. */
  readonly kind: 'rc' | 'rules' | 'url'
  readonly source: RunSource
  readonly givenRule: string | undefined
  readonly ruleIndex: number
  readonly changed: readonly string[]
  /** Profiles fetched and applied so far. */
  readonly appliedCount: number
  readonly callerAddress: string | undefined
  /** Set for rules made from DNS SRV: the name that the server certificate must carry (MPP §4.6). */
  readonly certificateName: string | undefined
  /** The rule in progress has no server of its own, so DHCP's is asked (MPP §10.1). */
  readonly byDhcp: boolean
}

/** A resync that waits for idle lines (MPP §5.4) or for the end of other work. */
export interface PendingResync {
  readonly run: ResyncRun
  readonly dueAt: Millis
  /** The lines must also have been quiet until then; undefined while they are busy or if they never were. */
  readonly notBefore: Millis | undefined
}

/** What a blank phone has yet to try in this attempt (MPP §9.3). */
export interface Discovery {
  readonly step: 'dhcp' | 'srv-https' | 'srv-http' | 'rc'
  /** URLs that DNS SRV gave and that were not tried yet. */
  readonly candidates: readonly string[]
  readonly cause: ProvisioningCause
}

/** A download in progress over redirects, authentication and several attempts. */
export interface Download {
  readonly id: number
  readonly purpose: DownloadPurpose
  readonly options: RuleOptions
  readonly url: Url
  readonly host: string
  readonly redirects: number
  readonly authAttempts: number
  readonly authorization: string | undefined
  readonly body: Uint8Array | undefined
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly port: number
  readonly proxyAuthorization: string | undefined
  /** Headers beside the usual ones: content type and coding of a body. */
  readonly bodyHeaders: readonly (readonly [string, string])[]
  readonly bytesMax: number
  readonly certificateName: string | undefined
  /** Other targets of the same SRV answer, best first. */
  readonly targets: readonly { readonly host: string; readonly port: number }[]
  readonly waitsFor: 'srv' | 'answer'
}

export interface UpgradeRun {
  readonly load: string
  readonly url: Url
  readonly fingerprint: string
  readonly partsLeft: readonly LoadPart[]
  readonly byCommand: boolean
  /** Of a load that the ACS has asked for: which transfer, and the account for its files. */
  readonly transfer: { readonly id: number; readonly options: RuleOptions } | undefined
}

/** One upload of a report rule (MPP §12.2). */
export interface ReportItem {
  readonly options: RuleOptions
  readonly url: Url
}

export type Mode = 'off' | 'booting' | 'network' | 'discovering' | 'running' | 'flashing' | 'rebooting'

/** What a power cut loses. */
export interface Ram {
  readonly mode: Mode
  readonly bootedAt: Millis
  readonly lease: Lease | undefined
  readonly sipPort: number
  readonly timers: Readonly<Partial<Record<TimerName, Millis>>>
  readonly nextId: number
  readonly run: ResyncRun | undefined
  readonly download: Download | undefined
  readonly upgrade: UpgradeRun | undefined
  /** A resync that waits for idle lines, and since when. */
  readonly pending: PendingResync | undefined
  readonly pendingUpgrade:
    | {
        readonly url: string | undefined
        readonly callerAddress: string | undefined
        readonly by: 'rule' | 'retry' | 'command'
      }
    | undefined
  readonly pendingReboot: { readonly reason: RebootReason; readonly cause: Flash['bootCause'] } | undefined
  readonly pendingFactoryReset: boolean
  /** The custom CA is to be fetched when its rule changed. */
  readonly pendingCustomCa: boolean
  /** Rule and URL of an upgrade that failed and waits for its retry. */
  readonly failedUpgrade: string | undefined
  /** Uploads to do; the first one is in progress when a report download is. */
  readonly reports: readonly ReportItem[]
  /** A problem report to send, by its description. */
  readonly problemReport: string | undefined
  /** Elements changed by profiles of this boot whose effect waits for the end of a successful run. */
  readonly changedSinceBoot: readonly string[]
  readonly discovery: Discovery | undefined
  /** The id of an SRV question in flight. */
  readonly srvQueryId: number | undefined
  /** The base URL of a server found by DNS SRV; stands in for a DHCP option that is missing. */
  readonly srvServer: string | undefined
  /** Which of the servers of the lease is tried (policies `dhcpFallback`, `dhcpServerList`). */
  readonly dhcpIndex: number
  readonly networkUp: boolean
  readonly lastAddress: string | undefined
  /** The value that `periodicIndex` walks; another value starts again at 0. */
  readonly periodicText: string
  readonly triggersWereTrue: boolean
  readonly busyLines: readonly number[]
  readonly errorIndex: number
  readonly periodicIndex: number
  readonly upgradeErrorIndex: number
  /** Whether a resync has succeeded since boot: arms Resync_Periodic. */
  readonly succeeded: boolean
  readonly lastResyncAt: Millis | undefined
  readonly lastUpgradeAt: Millis | undefined
  readonly provisioningCause: ProvisioningCause
  readonly upgradeState: 1 | 2
  readonly lastError: string
  readonly upgradeError: string
  /** URL in progress, for $SCHEME, $SERV, $SERVIP, $PORT, $PATH. */
  readonly inProgress: { readonly url: Url; readonly host: string; readonly address: string } | undefined
  readonly lines: LinesState
  readonly web: WebState
  readonly cwmp: CwmpState
}

export interface Agent {
  readonly hardware: Hardware
  readonly policies: PhonePolicies
  readonly flash: Flash
  readonly ram: Ram
}
