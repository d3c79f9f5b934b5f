/** Layers of parameters and what becomes of them for one device. */
import type { UserAccess } from '../../protocol/profile/mod.ts'

export type LayerScope = 'platform' | 'provider' | 'model' | 'account' | 'device'

/** One parameter in a layer. `element` may be a pattern (`Proxy_n_`), meaning every line of the model. */
export interface LayerParameter {
  readonly value: string
  readonly ua?: UserAccess
  readonly preserve?: boolean
  readonly userPref?: boolean
}

export interface Layer {
  readonly scope: LayerScope
  /** `-` for platform and provider, product name, account id, MAC. */
  readonly id: string
  readonly revisionId: number
  readonly parameters: ReadonlyMap<string, LayerParameter>
}

/** Where a value comes from: `platform` (built in), a layer, or a feature such as the device's lines. */
export interface Origin {
  readonly kind: 'platform' | 'layer' | 'line' | 'device'
  readonly scope?: LayerScope
  readonly id?: string
  readonly revisionId?: number
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
  readonly ntpServer: string | undefined
  /** Where the CA of a private server certificate can be fetched; undefined when the certificate is public. */
  readonly customCaUrl: string | undefined
  /** Key of the marker HMAC. */
  readonly markerKey: Uint8Array
  /** Seconds; the second element of Resync_Periodic. */
  readonly resyncPeriodSeconds: number
}
