/**
 * Features: things that people say about phones ("speed dial 3 is the front desk"), as values. Pure functions expand
 * them into parameters for a model. They hold no secret.
 */
import type { ProductName } from '../../../protocol/identity.ts'
import type { UserAccess } from '../../../protocol/profile/mod.ts'

/** Whose phones a feature is for: an account and all below it, the devices of a batch, one device. */
export type FeatureScope = 'account' | 'batch' | 'device'

export interface Feature {
  readonly id: string
  readonly scope: FeatureScope
  /** Account id, batch id, or MAC. */
  readonly scopeId: string
  readonly revisionId: number
  readonly body: FeatureBody
}

/** A key with a lamp, on the phone or on a module beside it; `list` is the speed dial list of the menu, 2 to 9. */
export type KeyPlace =
  | { readonly kind: 'key'; readonly key: number }
  | { readonly kind: 'unit-key'; readonly unit: number; readonly key: number }
export type SpeedDialPlace = KeyPlace | { readonly kind: 'list'; readonly entry: number }

export interface SpeedDial {
  readonly kind: 'speed-dial'
  readonly place: SpeedDialPlace
  readonly name: string
  readonly number: string
  /** The extension that calls; undefined: the phone chooses. Keys only. */
  readonly line?: number
}

export interface Blf {
  readonly kind: 'blf'
  readonly place: KeyPlace
  readonly name: string
  /** User to watch. */
  readonly user: string
  /** Where that user is, if not at the proxy of the line. */
  readonly host?: string
  /** Besides watching: call by the key, pick up by the key. */
  readonly call: boolean
  readonly pickUp: boolean
  readonly line?: number
}

export interface LineKey {
  readonly kind: 'line-key'
  readonly key: number
  readonly line: number
  readonly name?: string
  readonly shared: boolean
}

export interface SharedLine {
  readonly kind: 'shared-line'
  readonly line: number
  readonly userId: string
  readonly subscriptionSeconds?: number
}

export const HUNT_STRATEGIES = ['all', 'linear', 'round-robin', 'longest-idle'] as const
export type HuntStrategy = (typeof HUNT_STRATEGIES)[number]

/** What the members' phones show of their group. The ringing itself is a matter of the PBX (MPP §13.9). */
export type HuntGroupOnPhones =
  | { readonly kind: 'nothing' }
  /** A lamp with pick-up for every other member, from this key on. */
  | { readonly kind: 'pickup-keys'; readonly fromKey: number }
  /** The member's own extension takes part in the shared line of the group. */
  | { readonly kind: 'shared-line' }
  /** One more key of the member's own extension, with the name of the group. */
  | { readonly kind: 'line-key'; readonly key: number }

export interface HuntGroup {
  readonly kind: 'hunt-group'
  readonly name: string
  /** What callers dial. */
  readonly number: string
  readonly strategy: HuntStrategy
  readonly ringSeconds: number
  /** User ids in the order in which they ring. */
  readonly members: readonly string[]
  readonly onPhones: HuntGroupOnPhones
}

export interface KeyNames {
  readonly kind: 'key-names'
  readonly keys: readonly { readonly key: number; readonly name: string }[]
  /** What the screen calls the phone. */
  readonly phone?: string
}

export interface Forward {
  readonly kind: 'forward'
  /** Empty: not forwarded. */
  readonly all: string
  readonly busy: string
  readonly noAnswer: string
  readonly noAnswerSeconds: number
  /** `users`: what a user has changed stays. `provider`: ours, users may look. `hidden`: ours, users do not see it. */
  readonly mayChange: 'users' | 'provider' | 'hidden'
}

export interface TimeAndLocale {
  readonly kind: 'time-and-locale'
  /** A place such as `Europe/Berlin`, or an offset as the phone has it, `GMT+01:00`. */
  readonly timeZone?: string
  /** Undefined: as the place has it. A rule in the words of the phone is taken as it is (MPP §14, DSTRule). */
  readonly daylightSaving?: string
  readonly dateFormat?: 'month/day' | 'day/month'
  readonly timeFormat?: '12hr' | '24hr'
  readonly language?: string
  readonly locale?: string
  /** `serv=…;d1=…;x1=…;` */
  readonly dictionary?: string
  /** Country of the call progress tones. */
  readonly tones?: string
}

export interface AccessLimit {
  /** A named set (`ringtone`) or one element or pattern (`Default_Ring_n_`). */
  readonly of: string
  readonly access: UserAccess
}

export interface UserLimits {
  readonly kind: 'user-limits'
  readonly access: readonly AccessLimit[]
  /** `no-admin-pages`: only what is open to users remains. */
  readonly web?: 'on' | 'off' | 'no-admin-pages'
  /** `by-access`: the menus follow each parameter's access. */
  readonly screen?: 'open' | 'by-access' | 'read-only'
  /** Whether the profile rule can be entered at the keypad. */
  readonly profileRuleOnScreen?: boolean
  /** Hosts that the phone may talk to, besides those that its profile names. */
  readonly domains?: readonly string[]
  /** `ours`: written at each resync. `first`: ours until a user sets another. `theirs`: whatever the phone has. */
  readonly userPassword?: 'ours' | 'first' | 'theirs'
  readonly adminPassword?: 'ours' | 'theirs'
}

export interface Voicemail {
  readonly kind: 'voicemail'
  /** What the message key calls. */
  readonly number: string
  /** Who tells of waiting messages; undefined: the proxy of the line. */
  readonly server?: string
  readonly mailbox?: string
  /** Undefined: every extension, for `server` and `mailbox`. */
  readonly line?: number
}

export interface DoNotDisturb {
  readonly kind: 'dnd'
  /** Whether the phone offers it. */
  readonly offered: boolean
  /** Undefined: as the user left it. */
  readonly on?: boolean
  /** Whether it is kept in step with the PBX, for each extension. */
  readonly sync?: boolean
}

export type FeatureBody =
  | SpeedDial
  | Blf
  | LineKey
  | SharedLine
  | HuntGroup
  | KeyNames
  | Forward
  | TimeAndLocale
  | UserLimits
  | Voicemail
  | DoNotDisturb

export type FeatureKind = FeatureBody['kind']

/** What an expansion needs of a device; `DeviceFacts` is one. Without lines it is any phone of that model. */
export interface FeatureTarget {
  readonly device: { readonly model: ProductName }
  readonly lines: readonly { readonly index: number; readonly userId: string; readonly domain: string }[]
}

/** What cannot be done, where, and what to do. */
export interface FeatureProblem {
  readonly code:
    | 'bad-feature'
    | 'too-few-keys'
    | 'too-few-lines'
    | 'no-such-unit'
    | 'no-such-element'
    | 'bad-value'
    | 'same-key'
    | 'same-element'
    | 'line-without-key'
  /** Element, or place in the feature where no element is concerned. */
  readonly element: string
  readonly message: string
  readonly advice: string
  /** Features concerned. */
  readonly featureIds?: readonly string[]
}
