/** Layers of parameters and what becomes of them for one device. */
import type { UserAccess } from '../../protocol/profile/mod.ts'
import type { FeatureKind } from './features/types.ts'

export type LayerScope = 'platform' | 'provider' | 'model' | 'account' | 'batch' | 'device'

/** One parameter in a layer. `element` may be a pattern (`Proxy_n_`), meaning every line of the model. */
export interface LayerParameter {
  readonly value: string
  readonly ua?: UserAccess
  readonly preserve?: boolean
  readonly userPref?: boolean
  /**
   * Only the attributes count: the value stays what it is below, and where nothing says it, what the phone has
   * (`preserve-value`, MPP §1.3). Features use it; stored layers do not.
   */
  readonly attributesOnly?: boolean
}

export interface Layer {
  readonly scope: LayerScope
  /** `-` for platform and provider, product name, account id, batch id, MAC. */
  readonly id: string
  readonly revisionId: number
  readonly parameters: ReadonlyMap<string, LayerParameter>
}

/** Where a value comes from: `platform` (built in), a layer, the device's lines, a feature, or the device's keys. */
export interface Origin {
  readonly kind: 'platform' | 'layer' | 'line' | 'feature' | 'device'
  /** Of a layer or a feature. */
  readonly scope?: LayerScope
  /** Of that scope; the id of the line where the origin is one. */
  readonly id?: string
  readonly revisionId?: number
  readonly featureId?: string
  readonly featureKind?: FeatureKind
  /** The feature was taken back: this is the factory's value for what it had set. */
  readonly takenBack?: true
}

export interface ResolvedParameter {
  readonly value: string
  readonly ua: UserAccess | undefined
  readonly preserve: boolean
  readonly userPref: boolean | undefined
  readonly secret: boolean
  readonly origin: Origin
  /** Values that this one won over, nearest first. */
  readonly overrode: readonly { readonly value: string; readonly origin: Origin }[]
}

export type ResolvedProfile = ReadonlyMap<string, ResolvedParameter>

/** The platform as profiles see it: addresses and names that go into them. Never from a Host header. */
export interface PlatformFacts {
  /** `https://host[:port]` without a trailing slash. */
  readonly publicUrl: string
  /** `http://host[:port]`, for sealed profiles and the CA file. */
  readonly publicHttpUrl: string
  /** Where phones that are led by TR-069 call: always over TLS. Undefined: there is no such door. */
  readonly acsUrl?: string | undefined
  readonly ntpServer: string | undefined
  /** Where the CA of a private server certificate can be fetched; undefined when the certificate is public. */
  readonly customCaUrl: string | undefined
  /** Key of the marker HMAC. */
  readonly markerKey: Uint8Array
  /** Seconds; the second element of Resync_Periodic. */
  readonly resyncPeriodSeconds: number
}
