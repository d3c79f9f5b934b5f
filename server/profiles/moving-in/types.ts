/** What is moved in, and what becomes of it. */
import type { MacAddress, ProductName } from '../../../protocol/identity.ts'
import type { LayerParameter } from '../types.ts'

/** One file of a phone: its own `cfg.xml`, or the profile that another server gave it. */
export interface SourceFile {
  readonly name: string
  /** Clear XML. */
  readonly text: string
  /** Absent: read from the name. */
  readonly mac?: MacAddress | undefined
  readonly model?: ProductName | undefined
}

export type LeftOutReason =
  | 'unreadable'
  | 'managed'
  | 'unknown-element'
  | 'not-valid'
  | 'default'
  | 'no-value'
  | 'secret-not-in-file'
  | 'braces'

export interface LeftOut {
  readonly file: string
  /** Empty for the whole file. */
  readonly element: string
  readonly reason: LeftOutReason
  readonly message: string
}

export interface LineProposal {
  readonly index: number
  readonly userId: string
  /** undefined: the file does not tell it. */
  readonly password: string | undefined
  readonly displayName: string
  readonly domain: string
  readonly authId: string | undefined
  readonly outboundProxy: string | undefined
  readonly transport: 'UDP' | 'TCP' | 'TLS' | 'AUTO' | undefined
}

/** One file, read. */
export interface Source {
  readonly file: string
  readonly mac: MacAddress | undefined
  readonly model: ProductName | undefined
  /** Elements that may go anywhere. */
  readonly shareable: ReadonlyMap<string, LayerParameter>
  /** Elements that are of this one phone. */
  readonly own: ReadonlyMap<string, LayerParameter>
  readonly lines: readonly LineProposal[]
  readonly leftOut: readonly LeftOut[]
}

export interface LayerProposal {
  readonly scope: 'account' | 'model'
  /** Product name of scope `model`; empty for the account. */
  readonly id: string
  readonly parameters: ReadonlyMap<string, LayerParameter>
  /** Files that agree. */
  readonly fileCount: number
}

export interface DeviceProposal {
  readonly file: string
  readonly mac: MacAddress | undefined
  readonly model: ProductName | undefined
  readonly lines: readonly LineProposal[]
  readonly parameters: ReadonlyMap<string, LayerParameter>
}

export interface MoveInProposal {
  readonly layers: readonly LayerProposal[]
  readonly devices: readonly DeviceProposal[]
  readonly leftOut: readonly LeftOut[]
  readonly counts: {
    readonly files: number
    readonly account: number
    readonly model: number
    readonly device: number
    readonly lines: number
    readonly leftOut: number
  }
}
