/** From the model names of other systems to product names. Source: MPP §13.1. */
import { parseProductName, type ProductName } from '../../../protocol/identity.ts'
import { MODELS } from '../../../protocol/profile/mod.ts'

export type ModelGuess =
  /** `assumed`: the name does not say whether the phone has Multiplatform firmware. */
  | { readonly kind: 'model'; readonly model: ProductName; readonly assumed: boolean }
  | { readonly kind: 'other'; readonly reason: string }

const PRODUCTS: ReadonlyMap<string, ProductName> = new Map(
  MODELS.map(({ productName }) => [/[0-9]{4}/.exec(productName)?.[0] ?? productName, productName]),
)

/**
 * Reads `8851`, `CP-8851`, `cp8851-3pcc`, `cisco/8851`, `Cisco 8851`, `8851-3PCC`, `DP-9861`. The product of four digits is
 * taken to be the Multiplatform one, since no list of the others' says more.
 * @param name a model or template name; anything
 */
export function guessModel(name: string): ModelGuess {
  const text = name.trim().slice(0, 100)
  const exact = parseProductName(text)
  if (exact !== undefined && MODELS.some(({ productName }) => productName === exact)) {
    return { kind: 'model', model: exact, assumed: false }
  }
  if (text === '') return { kind: 'other', reason: 'no model is given' }
  if (/spa[-_ ]?[0-9]{3}/i.test(text))
    return { kind: 'other', reason: `"${text}" is of the SPA series, which has no Multiplatform firmware` }
  if (/ata[-_ ]?[0-9]{3}|spa[-_ ]?1[0-9]{2}/i.test(text))
    return { kind: 'other', reason: `"${text}" is an analogue adapter` }
  const digits = /(?:^|[^0-9])([0-9]{4})(?:[^0-9]|$)/.exec(text)?.[1]
  const product = digits === undefined ? undefined : PRODUCTS.get(digits)
  if (product !== undefined && !/sccp|skinny|enterprise/i.test(text)) {
    return { kind: 'model', model: product, assumed: !/3pcc|mpp/i.test(text) && product.endsWith('-3PCC') }
  }
  if (/(?:^|[^0-9])79[0-9x]{2}|sccp|skinny|enterprise|(?:^|[^0-9])(?:69|89|99)[0-9]{2}(?:[^0-9]|$)/i.test(text)) {
    return { kind: 'other', reason: `"${text}" is an enterprise phone, which has no Multiplatform firmware` }
  }
  return { kind: 'other', reason: `"${text}" is no phone with Multiplatform firmware that Offhook knows` }
}
