import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { type MacAddress, type ProductName, parseMacAddress, parseProductName } from '../identity.ts'
import { parseUserAgent, printUserAgent } from './mod.ts'

/** Any UTF-16 unit, lone surrogates too. */
const codeUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code))

function phone(product: string, hex: string): { readonly productName: ProductName; readonly mac: MacAddress } {
  const productName = parseProductName(product)
  const mac = parseMacAddress(hex)
  if (productName === undefined || mac === undefined) throw new Error(`no phone: ${product} ${hex}`)
  return { productName, mac }
}

describe('User-Agent', () => {
  it.each([
    ['Cisco-CP-8851-3PCC/12.0.2 (00562b043615)', 'CP-8851-3PCC', '12.0.2'],
    ['Cisco-CP-8841-3PCC/11.0 (00562b043615)', 'CP-8841-3PCC', '11.0'],
    ['Cisco-DP-9861/3.1.1 (00562b043615)', 'DP-9861', '3.1.1'],
  ])('reads and writes %s [MPP §11.1]', (text, product, version) => {
    const agent = { ...phone(product, '00562b043615'), version }
    expect(parseUserAgent(text)).toEqual(agent)
    expect(printUserAgent(agent)).toBe(text)
  })

  it('takes a MAC in capitals', () => {
    expect(parseUserAgent('Cisco-CP-8851-3PCC/12.0.2 (00562B043615)')?.mac).toBe('00562b043615')
  })

  it.each([
    '',
    'curl/8.5.0',
    'Cisco/ATA192-MPP-11-1-0MPP-16(FCH2118DGQP)',
    'Cisco-CP-8851-3PCC/12.0.2 (00562b04361)',
    'Cisco-CP-8851-3PCC/12.0.2 (00562b043615) x',
    'Cisco-CP-8851-3PCC/12.0.2(00562b043615)',
    'Cisco-CP-8851-3PCC/ (00562b043615)',
    'x Cisco-CP-8851-3PCC/12.0.2 (00562b043615)',
    'Cisco-SPA-962/12.0.2 (00562b043615)',
    `Cisco-CP-8851-3PCC/${'1'.repeat(300)} (00562b043615)`,
  ])('does not read %.60s [MPP §11.1]', (text) => {
    expect(parseUserAgent(text)).toBeUndefined()
  })

  it('never throws on random text', () => {
    fc.assert(
      fc.property(fc.string({ unit: codeUnit }), (text) => {
        expect(parseUserAgent(text)).toBeUndefined()
        expect(parseUserAgent(`Cisco-CP-8851-3PCC/${text} (00562b043615)`)?.version ?? text).toBe(text)
      }),
    )
  })
})
