/** What the phone's TR-069 client remembers: over power cuts in flash, and for one boot in ram [TR-069 §5, §6, §7]. */
import type { SessionMessage, SessionState } from '../../../protocol/cwmp/mod.ts'
import type { ModelShape } from '../../../protocol/data-model/mod.ts'
import type { DigestChallenge } from '../../../protocol/http/mod.ts'
import type { Millis } from '../../../protocol/result.ts'

/** Readings of the sources about TR-069 that are not settled. */
export interface CwmpPolicies {
  /** [TR-069 §10 rule 4]: whether each line has a voice profile of its own. */
  readonly voiceProfiles: ModelShape['voiceProfiles']
  /** [TR-069 §10.1]: whether the backup ACS is used only with TR-069_Fallback_Support, or whenever its URL is set. */
  readonly backupAcs: 'with-fallback-support' | 'whenever-set'
  /** [TR-069 §9.2]: whether an ACS that DHCP names counts only while ACS_URL is empty, or before it. */
  readonly acsFromDhcp: 'when-unset' | 'overrides'
  /** [TR-069 §9.2]: whether options 43, 125 and 17 are read for an ACS also where the list of options to use leaves them out. */
  readonly acsOptions: 'init-alone' | 'as-listed'
  /** [TR-069 §3.5]: whether a value must come with the type of its parameter, or only has to be one by its text. */
  readonly declaredType: 'must-match' | 'ignored'
  /** [TR-069 §3.3]: the version of CWMP in the phone's own messages. */
  readonly version: '1.0' | '1.2'
}

/** An event that survives a reboot until an Inform is answered [TR-069 §5.1]. */
export interface OwedEvent {
  readonly code: '2 PERIODIC' | 'M Reboot'
  readonly commandKey: string
}

/** What the ACS has set about one parameter [TR-069 §7, SetParameterAttributes]. */
export interface Attributes {
  /** 0: off; 1: passive; 2: active. */
  readonly notification: number
  readonly accessList: readonly string[]
}

export type TransferKind = 'firmware' | 'profile' | 'custom-ca'

/**
 * One accepted Download [TR-069 §7].
 * - `waiting`: for its time, for idle lines, and for the phone's hands to be free.
 * - `running`: it is being fetched; a power cut sends it back to `waiting`, for nothing has happened yet.
 * - `installed`: a load is in flash and has still to run.
 * - `ended`: TransferComplete is owed; it goes when the ACS has answered that.
 */
export interface Transfer {
  readonly id: number
  readonly kind: TransferKind
  readonly state: 'waiting' | 'running' | 'installed' | 'ended'
  readonly commandKey: string
  readonly url: string
  readonly username: string
  readonly password: string
  /** Bytes; 0: not known. */
  readonly fileSize: number
  readonly delaySeconds: number
  /** undefined while the session that asked for it goes on. */
  readonly notBefore: Millis | undefined
  /** The load that must run for an `installed` transfer to be a success. */
  readonly load: string | undefined
  readonly startedAt: Millis | undefined
  readonly endedAt: Millis | undefined
  /** 0: success. */
  readonly faultCode: number
  readonly faultText: string
}

/** The part of flash that belongs to TR-069. */
export interface Tr069Memory {
  readonly parameterKey: string
  /** The random part of the connection request URL; '' until it is first needed. */
  readonly connectionPath: string
  /** The ACS that has answered `0 BOOTSTRAP`; any other one gets it first. '' before the first. */
  readonly bootstrappedUrl: string
  readonly events: readonly OwedEvent[]
  /** Command keys of reboots that were asked for and have not happened yet. */
  readonly rebootKeys: readonly string[]
  /** A factory reset was asked for and has not happened yet. */
  readonly resetOwed: boolean
  /** By full path; only what differs from the start. */
  readonly attributes: Readonly<Record<string, Attributes>>
  /** The last seen value of each parameter with notification, by path; never of a secret. */
  readonly observed: Readonly<Record<string, string>>
  /** Paths whose change has still to be told to the ACS. */
  readonly changed: readonly string[]
  /** Oldest first. */
  readonly transfers: readonly Transfer[]
  readonly nextTransferId: number
  /** Parameters without a counterpart in the profile that the ACS has set, by path. */
  readonly values: Readonly<Record<string, string>>
}

/** Where messages go. */
export interface AcsTarget {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  /** Path with query. */
  readonly path: string
}

/** What is on its way to the ACS, kept whole because authentication and redirects send it again. */
export interface Outgoing {
  readonly message: SessionMessage
  /** Its method, for whoever watches. */
  readonly name: string
  readonly body: Uint8Array
  /** Which transfer a TransferComplete reports. */
  readonly transferId: number | undefined
}

/** The answer to a challenge is used for the rest of the session. */
export type AcsAuthorization =
  | { readonly scheme: 'digest'; readonly challenge: DigestChallenge; readonly nonceCount: number }
  | { readonly scheme: 'basic' }

/** A session in progress; there is at most one. */
export interface CwmpSession {
  readonly startedAt: Millis
  /** The URL that it began with; redirects only move the target. */
  readonly url: string
  /** The configured ACS at that time: whom the answer to `0 BOOTSTRAP` stands for, also when the backup gives it. */
  readonly bootstrapUrl: string
  /** As it was at the beginning: an ACS that changes it means the next session. */
  readonly account: { readonly username: string; readonly password: string }
  readonly backup: boolean
  readonly target: AcsTarget
  readonly order: SessionState
  readonly exchangeId: number
  readonly outgoing: Outgoing
  readonly messageCount: number
  /** How often the message in flight was sent again because the ACS asked for that (fault 8005). */
  readonly resendCount: number
  readonly redirectCount: number
  readonly authTries: number
  readonly authorization: AcsAuthorization | undefined
  readonly cookies: Readonly<Record<string, string>>
  /** The events that the Inform has named. */
  readonly events: readonly { readonly code: string; readonly commandKey: string }[]
  /** Changes that the Inform has told, by path, with the value that it told. */
  readonly told: Readonly<Record<string, string>>
  readonly informed: boolean
  /** Transfers that the Inform has announced, by id. */
  readonly announced: readonly number[]
  /** Transfers whose TransferComplete was sent in this session, answered or not. */
  readonly reported: readonly number[]
  readonly nextMessageId: number
}

/** How the last session ended, for the status page. */
export interface LastSession {
  readonly at: Millis
  readonly ok: boolean
  readonly text: string
}

/** The part of ram that belongs to TR-069. */
export interface CwmpState {
  readonly session: CwmpSession | undefined
  /** A session is to begin as soon as it can. */
  readonly due: boolean
  /** `1 BOOT` has not been told since power came. */
  readonly bootOwed: boolean
  readonly connectionRequested: boolean
  /** Sessions that failed since the last success; also RetryCount of the next Inform. */
  readonly failureCount: number
  /** The backup ACS is in use until the next boot. */
  readonly backup: boolean
  /** The URL that the settings named last. */
  readonly seenUrl: string | undefined
  /** What the surroundings say of the listener for connection requests; undefined until they say something. */
  readonly listener: { readonly port: number | undefined } | undefined
  /** Until when a session waits for word of the listener. */
  readonly listenerWaitUntil: Millis | undefined
  /** What the periodic alarm was set for. */
  readonly periodicFor: string
  /** Where in its interval this phone informs when nobody has said when: 0 to 1. */
  readonly phase: number | undefined
  readonly lastSession: LastSession | undefined
  readonly nonces: readonly { readonly nonce: string; readonly at: Millis }[]
  /** Times of recent connection requests that counted. */
  readonly requestTimes: readonly Millis[]
  /** Transfers whose report the ACS refused with a fault: told again in later sessions, but no reason for one. */
  readonly refusedReports: readonly number[]
  /** What the observed values were compared with last. */
  readonly comparedWith: readonly unknown[]
}
