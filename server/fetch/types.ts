/**
 * A fetch as the doors see it: request and evidence in, one decision out, three renderings (TFTP, HTTP, HTTPS).
 * `answerFetch` (nps) and `answerRc` (rc) are pure; the store loads their facts and commits what they decided.
 */
import type { MacAddress, ProductName, SerialNumber } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import type { AccountFacts, DeviceFacts, Observation } from '../devices/types.ts'
import type { EventName } from '../events.ts'
import type { ProvenCertificate } from '../pki/types.ts'
import type { PlatformFacts } from '../profiles/types.ts'
import type { DriftBasis } from './drift.ts'
import type { ReportContent } from './report-content.ts'

export type { ProvenCertificate }

export type DoorName = 'tftp' | 'http' | 'https'

export interface FetchRequest {
  readonly door: DoorName
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  /** Path without query, percent-decoded once, starting with `/`. */
  readonly path: string
  /** Raw query without `?`, or empty. */
  readonly query: string
  /** The request target as it was sent, for digest. */
  readonly target: string
  readonly userAgent: string | undefined
  readonly peer: string
  readonly certificate: ProvenCertificate | undefined
  /** Raw `Authorization` header, TLS only. */
  readonly authorization: string | undefined
  readonly range: string | undefined
  /** The header `Content-Encoding` of a body (MPP §2.3: reports may be aes128gcm). */
  readonly contentEncoding?: string | undefined
  /** Report uploads only, at most REPORT_BYTES_MAX. */
  readonly body: Uint8Array | undefined
}

/** What the path asks for. Decided by the path alone, before any fact is loaded. */
export type Route =
  | { readonly kind: 'init'; readonly token: string | undefined }
  | { readonly kind: 'ack' }
  | { readonly kind: 'sealed'; readonly profilePath: string; readonly keyGeneration: number | undefined }
  | { readonly kind: 'rc'; readonly mac: MacAddress; readonly serial: SerialNumber; readonly productName: string }
  | { readonly kind: 'rc-malformed' }
  | { readonly kind: 'product'; readonly productName: ProductName }
  | { readonly kind: 'mac'; readonly mac: MacAddress }
  | { readonly kind: 'firmware'; readonly file: string }
  | { readonly kind: 'ca' }
  /** A report names its phone by the sealed path, by the MAC, or not at all: then the certificate says. */
  | { readonly kind: 'report'; readonly profilePath: string | undefined; readonly mac: MacAddress | undefined }
  | { readonly kind: 'unknown' }

/** Who asks, strongest first: certified > credentialed > claimed > none. */
export type Evidence =
  | { readonly kind: 'certified'; readonly certificate: ProvenCertificate }
  | { readonly kind: 'credentialed'; readonly mac: MacAddress }
  | { readonly kind: 'claimed'; readonly mac: MacAddress }
  | { readonly kind: 'none' }

export interface CodeFacts {
  readonly id: string
  readonly account: AccountFacts
  readonly lineIds: readonly string[]
  readonly expiresAt: Millis
  readonly revoked: boolean
  readonly devices: number
  readonly usedBy: readonly MacAddress[]
  /** The only phone that it is for, while that belongs to the account; undefined: any. */
  readonly forMac?: MacAddress | undefined
}

export interface WindowFacts {
  readonly id: string
  readonly openedFrom: string
  readonly until: Millis
  readonly left: number
}

export interface CustomerFacts {
  readonly account: AccountFacts
  readonly windows: readonly WindowFacts[]
}

export interface FirmwareFacts {
  readonly name: string
  readonly byteCount: number
  readonly sha256: string
}

/** What the store knows that this fetch needs. */
export interface FetchFacts {
  readonly platform: PlatformFacts
  /** The device of the evidence, of the sealed path, or of the RC id. */
  readonly device: DeviceFacts | undefined
  readonly code: CodeFacts | undefined
  readonly customer: CustomerFacts | undefined
  readonly firmware: FirmwareFacts | undefined
  /** Wrong codes and Customer IDs that this certificate sent lately. */
  readonly wrongTokens: number
  /** The request answers a challenge of ours that is too old: it is asked again (RFC 7616 §3.3, stale). */
  readonly staleNonce: boolean
}

/** How a profile travels. The URL decides: a rule with `--key` fails on a clear file and the reverse (MPP §2.1). */
export type Envelope = { readonly kind: 'clear' } | { readonly kind: 'sealed'; readonly generation: number }

/** What goes to the phone. A refusal looks the same whatever its reason. */
export type FetchContent =
  | { readonly kind: 'own-profile'; readonly mac: MacAddress; readonly envelope: Envelope }
  | { readonly kind: 'held-profile' }
  | { readonly kind: 'farewell-profile'; readonly mac: MacAddress; readonly envelope: Envelope }
  | { readonly kind: 'first-profile' }
  | { readonly kind: 'empty-profile' }
  | { readonly kind: 'rc-redirect' }
  | { readonly kind: 'rc-empty' }
  | { readonly kind: 'ca-file' }
  | { readonly kind: 'firmware'; readonly file: FirmwareFacts }
  | { readonly kind: 'report-taken' }
  | { readonly kind: 'challenge'; readonly stale: boolean }
  | { readonly kind: 'refusal'; readonly reason: RefusalReason }

export type RefusalReason =
  | 'no-such-path'
  | 'no-evidence'
  | 'unknown-device'
  | 'foreign-device'
  | 'disabled-device'
  | 'released-device'
  | 'wrong-code'
  | 'wrong-customer-id'
  | 'bound-elsewhere'
  | 'identity-mismatch'
  | 'wrong-ca'
  | 'expired-certificate'
  | 'locked-out'
  | 'wrong-credentials'
  | 'wrong-key-generation'
  | 'bad-report'
  | 'no-such-file'
  | 'method'

/** Writes that the phone depends on: committed in one transaction before it is answered. */
export type FetchCommit =
  | {
      readonly kind: 'bind'
      readonly certificate: ProvenCertificate
      readonly accountId: string
      readonly by: 'code' | 'window' | 'registration'
      readonly codeId: string | undefined
      readonly windowId: string | undefined
      /** Empty: the account's next free line. */
      readonly lineIds: readonly string[]
    }
  | {
      readonly kind: 'hold'
      readonly certificate: ProvenCertificate
      readonly accountId: string
      readonly windowId: string
    }
  | { readonly kind: 'farewell-served'; readonly mac: MacAddress }
  | { readonly kind: 'confirm-key'; readonly mac: MacAddress; readonly generation: number }
  | {
      readonly kind: 'store-report'
      readonly mac: MacAddress | undefined
      readonly accountId: string | undefined
      readonly trust: Observation['trust']
      readonly peer: string
      readonly at: Millis
      /** Opened and unpacked, if that was possible. */
      readonly body: Uint8Array
      readonly content: ReportContent
      /** Why it could not be opened. */
      readonly problem: string | undefined
      /** What the phone's report is compared with; undefined for one that is merely claimed. */
      readonly basis: DriftBasis | undefined
    }

export interface NotedEvent {
  readonly name: EventName
  readonly trust: 'certified' | 'credentialed' | 'sealed' | 'claimed'
  readonly mac: MacAddress | undefined
  readonly accountId: string | undefined
  readonly data: Readonly<Record<string, string | number | boolean>>
}

export interface FetchAnswer {
  readonly content: FetchContent
  readonly commits: readonly FetchCommit[]
  readonly observations: readonly Observation[]
  readonly events: readonly NotedEvent[]
}

/** One fetch and everything that is known about it: what a decision gets. */
export interface Fetch {
  readonly request: FetchRequest
  readonly evidence: Evidence
  readonly facts: FetchFacts
  readonly now: Millis
}
