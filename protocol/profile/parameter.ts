/** What the user account may do with a parameter: nothing, see it, change it (MPP §1.3). */
export type UserAccess = 'na' | 'ro' | 'rw'

/**
 * The data types of MPP §14. `ChoiceList` is ours: several of the choices, joined by `|`.
 * `Phone`, `UserID` and others that no row of the catalogue has are here because the section names them.
 */
export type ParameterType =
  | 'Bool'
  | 'Choice'
  | 'ChoiceList'
  | 'Uns8'
  | 'Uns16'
  | 'Uns32'
  | 'Sig8'
  | 'Sig16'
  | 'Sig32'
  | 'Float'
  | 'Time'
  | 'PwrLevel'
  | 'Str'
  | 'MacroStr'
  | 'IP'
  | 'FQDN'
  | 'Port'
  | 'URL'
  | 'UserID'
  | 'Phone'
  | 'PhTmplt'
  | 'RscTmplt'
  | 'StarCode'
  | 'CadScript'
  | 'FreqScript'
  | 'ToneScript'
  | 'RingScript'
  | 'DialPlanScript'
  | 'ProvisioningRuleSyntax'
  | 'ConditionalExpr'
  | 'DelayList'
  | 'HHmm'
  | 'DSTRule'
  | 'SoftkeyList'
  | 'FunctionScript'
  | 'Version'
  | 'Password'

/** First and last index, both included. */
export interface IndexRange {
  readonly first: number
  readonly last: number
}

/** A family of models that has a parameter, and for which indexes where the parameter has any. */
export interface ModelRange {
  /** The catalogue's family: `88xx`, `8832`, `78xx`, `7832`, `68xx`, `98xx` or `ATA19x`. */
  readonly family: string
  readonly indexes?: IndexRange
  /** Key expansion modules, for `Unit_u_Key_k_` only. */
  readonly units?: IndexRange
}

/** How the index of an element is bounded on a model: by its extensions, its line keys, its modules, or by the row. */
export type IndexKind = 'none' | 'extension' | 'line-key' | 'unit-key' | 'range'

/** One row of the catalogue. */
export interface Parameter {
  /** The name as in the catalogue: `Proxy_n_` stands for `Proxy_1_`, `Proxy_2_` and so on. */
  readonly name: string
  readonly type: ParameterType
  /** For one index use `defaultValueOf`: the row may say `n`. */
  readonly defaultValue: string
  /** The allowed values of a `Bool`, `Choice` or `ChoiceList`; else empty. */
  readonly choices: readonly string[]
  /** Access from the factory. */
  readonly ua: UserAccess
  /** Tab and section of the web page, e.g. `System / VLAN Settings`. */
  readonly section: string
  readonly description: string
  /** True if the value must not be shown, logged or reported. */
  readonly secret: boolean
  readonly models: readonly ModelRange[]
  /** `profile-only`: no page has it (MPP §1.8); `nobody`: the phone tells it, profiles and people cannot set it. */
  readonly settableBy: 'anyone' | 'profile-only' | 'nobody'
  readonly indexKind: IndexKind
  /** The documents that the row comes from. */
  readonly sources: readonly string[]
}
