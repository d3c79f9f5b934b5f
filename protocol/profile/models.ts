import type { ProductName } from '../identity.ts'

/** What a model has, as far as parameters and firmware depend on it. */
export interface ModelInfo {
  readonly productName: ProductName
  /** The catalogue's family, e.g. `88xx`. */
  readonly family: string
  /** The leading part of its firmware's file names, e.g. `sip88xx`. */
  readonly firmwareFamily: string
  /** Extensions: how many `Proxy_n_` there are. */
  readonly lines: number
  /** How many `Extension_n_` there are. */
  readonly lineKeys: number
  /** Key expansion modules that can be attached. */
  readonly keyExpansionUnits: number
}

type ModelRow = readonly [string, string, string, lines: number, lineKeys: number, keyExpansionUnits: number]

/**
 * Source: MPP §13.1. Where it says uncertain we take the larger number, so that nothing a phone has is refused.
 * The 9800 series and the 8875 are known from one export only (16 extensions, three modules).
 */
const ROWS: readonly ModelRow[] = [
  ['CP-6821-3PCC', '68xx', 'sip6821', 2, 2, 0],
  ['CP-6841-3PCC', '68xx', 'sip68xx', 4, 4, 0],
  ['CP-6851-3PCC', '68xx', 'sip68xx', 4, 4, 1],
  ['CP-6861-3PCC', '68xx', 'sip68xx', 4, 4, 0],
  ['CP-6871-3PCC', '68xx', 'sip68xx', 6, 6, 0],
  ['CP-7811-3PCC', '78xx', 'sip78xx', 1, 0, 0],
  ['CP-7821-3PCC', '78xx', 'sip78xx', 2, 2, 0],
  ['CP-7841-3PCC', '78xx', 'sip78xx', 4, 4, 0],
  ['CP-7861-3PCC', '78xx', 'sip78xx', 16, 16, 0],
  ['CP-7832-3PCC', '7832', 'sip7832', 1, 1, 0],
  ['CP-8811-3PCC', '88xx', 'sip88xx', 10, 10, 0],
  ['CP-8841-3PCC', '88xx', 'sip88xx', 10, 10, 0],
  ['CP-8845-3PCC', '88xx', 'sip8845_65', 10, 10, 0],
  ['CP-8851-3PCC', '88xx', 'sip88xx', 10, 10, 2],
  ['CP-8861-3PCC', '88xx', 'sip88xx', 10, 10, 3],
  ['CP-8865-3PCC', '88xx', 'sip8845_65', 10, 10, 3],
  ['CP-8832-3PCC', '8832', 'sip8832', 1, 1, 0],
  ['CP-8831-3PCC', '8831', 'sip8831', 1, 1, 0],
  ['DP-9841', '98xx', 'sip98xx', 16, 16, 3],
  ['DP-9851', '98xx', 'sip98xx', 16, 16, 3],
  ['DP-9861', '98xx', 'sip98xx', 16, 16, 3],
  ['DP-9871', '98xx', 'sip98xx', 16, 16, 3],
  ['CP-8875', '98xx', 'sip8875', 10, 10, 0],
]

/** Every phone model that we know, in the order of MPP §13.1. The ATA 191 and 192 are out of its scope. */
export const MODELS: readonly ModelInfo[] = ROWS.map(
  ([productName, family, firmwareFamily, lines, lineKeys, keyExpansionUnits]) => ({
    productName: productName as ProductName,
    family,
    firmwareFamily,
    lines,
    lineKeys,
    keyExpansionUnits,
  }),
)

const BY_NAME: ReadonlyMap<string, ModelInfo> = new Map(MODELS.map((model) => [model.productName, model]))

/** @returns the model of a product name as `$PN` gives it, or undefined for one that we do not know. */
export function modelInfo(product: ProductName): ModelInfo | undefined {
  return BY_NAME.get(product)
}

/**
 * The family whose rows a model follows: the 8831 has an older code base without rows of its own, and is nearest to
 * the other conference phone (inferred).
 */
export function parentFamily(family: string): string | undefined {
  return family === '8831' ? '8832' : undefined
}
