import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { utf8Bytes } from '../../bytes.ts'
import { parseProductName } from '../../identity.ts'
import type { ProductName } from '../../identity.ts'
import { assert } from '../../result.ts'
import { decodeProductClass, encodeProductClass } from './product-class.ts'
import { expectNoThrow, hex, payloadOf, refusalOf, SEED, valueOf } from './testing-options.ts'
import { splitOption } from './vendor-data.ts'

// CP-7841-3PCC, closed by NUL.
const EXAMPLE = '3c 0d 43 50 2d 37 38 34 31 2d 33 50 43 43 00'

function named(text: string): ProductName {
  const name = parseProductName(text)
  assert(name !== undefined, `no product: ${text}`)
  return name
}

const products = fc.constantFrom('CP-7841-3PCC', 'CP-8865-3PCC', 'CP-8831', 'DP-9861', 'ATA191-MPP').map(named)

describe('option 60', () => {
  it('is the product name with a trailing NUL [MPP §10.2]', () => {
    expect(valueOf(decodeProductClass(payloadOf(60, EXAMPLE)))).toEqual({
      productName: 'CP-7841-3PCC',
      asksForAcs: false,
    })
    const sent = encodeProductClass(named('CP-7841-3PCC'), { acs: false, nul: true })
    expect(valueOf(splitOption(60, valueOf(sent)))).toEqual(hex(EXAMPLE))
  })

  it.each<[string, string | undefined, boolean]>([
    ['CP-8865-3PCC', 'CP-8865-3PCC', false],
    ['cp-8865-3pcc', 'CP-8865-3PCC', false],
    ['Cisco Systems, Inc. IP Phone CP-8865-3PCC\0', 'CP-8865-3PCC', false],
    ['CISCO ATA191-MPP', 'ATA191-MPP', false],
    ['dslforum.org CP-8865-3PCC\0', 'CP-8865-3PCC', true],
    ['DP-9861', 'DP-9861', false],
    ['dslforum.org', undefined, true],
    ['CP-8865-3PCC dslforum.org', undefined, true],
    ['MSFT 5.0', undefined, false],
    ['ATA195-MPP', undefined, false],
    ['CP-88651', undefined, false],
  ])('reads %j: the model at its end, and whether an ACS is asked for [MPP §10.2]', (text, productName, asksForAcs) => {
    expect(valueOf(decodeProductClass(utf8Bytes(text)))).toEqual({ productName, asksForAcs })
  })

  it('refuses what is no text of one option', () => {
    expect(refusalOf(decodeProductClass(hex('')))).toMatch(/^empty: /)
    expect(refusalOf(decodeProductClass(hex('ff')))).toMatch(/^bad-value: /)
    expect(refusalOf(decodeProductClass(new Uint8Array(256).fill(97)))).toMatch(/^too-long: .* at most 255 bytes$/)
  })

  it('comes back as it was sent, in each form', () => {
    fc.assert(
      fc.property(products, fc.boolean(), fc.boolean(), (productName, acs, nul) => {
        const sent = valueOf(encodeProductClass(productName, { acs, nul }))
        expect(sent.at(-1) === 0).toBe(nul)
        expect(valueOf(decodeProductClass(sent))).toEqual({ productName, asksForAcs: acs })
      }),
      { seed: SEED },
    )
  })

  it('never throws for random, cut or mutated bytes', () => {
    expectNoThrow(
      decodeProductClass,
      products.map((productName) => valueOf(encodeProductClass(productName, { acs: true, nul: true }))),
    )
  })
})
