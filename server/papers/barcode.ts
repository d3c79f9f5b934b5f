/** Code 128 as bars. Source: ISO/IEC 15417. */
import { assert } from '../../protocol/result.ts'

/** Light on both sides of the bars, in modules. */
export const QUIET_MODULES = 10

export interface Bars {
  /** Start and width of each dark bar, in modules from the first bar on. */
  readonly dark: readonly { readonly at: number; readonly width: number }[]
  /** Of all of it, without the quiet zones. */
  readonly modules: number
}

/** @param text printable ASCII */
export async function code128(text: string): Promise<Bars> {
  // Only who prints waits until it is loaded.
  const { default: bwip } = await import('bwip-js')
  const [symbol] = bwip.raw('code128', text, {})
  assert(symbol !== undefined && 'sbs' in symbol, 'a bar code is made of bars and spaces')
  // Bars and spaces in turn, beginning and ending with a bar.
  const dark: { at: number; width: number }[] = []
  let at = 0
  for (const [index, width] of symbol.sbs.entries()) {
    if (index % 2 === 0) dark.push({ at, width })
    at += width
  }
  return { dark, modules: at }
}
