import { describe, expect, it } from 'vitest'

import { utf8Bytes } from '../../bytes.ts'
import { decodeServerName, encodeServerName } from './server-name.ts'
import { expectNoThrow, expectRoundTrip, hex, payloadOf, refusalOf, serverTexts, valueOf } from './testing-options.ts'
import { splitOption } from './vendor-data.ts'

// tftp.example.com
const EXAMPLE = '42 10 74 66 74 70 2e 65 78 61 6d 70 6c 65 2e 63 6f 6d'

describe('option 66', () => {
  it('is the text of a host, an address or a URL [MPP §10.1]', () => {
    expect(valueOf(decodeServerName(payloadOf(66, EXAMPLE)))).toBe('tftp.example.com')
    expect(valueOf(splitOption(66, valueOf(encodeServerName('tftp.example.com'))))).toEqual(hex(EXAMPLE))
  })

  const table: readonly (readonly [string, string, string])[] = [
    ['an address', '31 30 2e 30 2e 30 2e 31', '10.0.0.1'],
    ['a text closed by NUL', '61 62 00', 'ab'],
    ['white space and NULs around', '20 09 61 62 20 00 0d 0a 00', 'ab'],
    ['a space inside as it is', '61 20 62', 'a b'],
    ['letters beyond ASCII', 'c3 a4', 'ä'],
  ]
  it.each(table)('reads %s [MPP §10.1]', (_, bytes, text) => {
    expect(valueOf(decodeServerName(hex(bytes)))).toBe(text)
  })

  const refused: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['no bytes', hex(''), /^empty: Cannot read a server name: the option holds nothing$/],
    ['nothing but NULs and spaces', hex('00 20 00'), /^empty: /],
    ['a NUL in the middle', hex('61 00 62'), /^bad-value: /],
    ['a control character', hex('61 07 62'), /^bad-value: /],
    ['bytes that are no UTF-8', hex('ff fe 61'), /^bad-value: .* expected a text in UTF-8/],
    ['more than 1024 bytes', new Uint8Array(1025).fill(97), /^too-long: .* 1025 bytes: expected at most 1024 bytes$/],
  ]
  it.each(refused)('refuses %s, and does not repeat the text [MPP §10.1]', (_, bytes, message) => {
    expect(refusalOf(decodeServerName(bytes))).toMatch(message)
  })

  it('reads the longest text, which no single option holds', () => {
    expect(valueOf(decodeServerName(new Uint8Array(1024).fill(97)))).toHaveLength(1024)
  })

  it.each([
    ['', /^empty: /],
    [' a', /^bad-value: Cannot send server name with spaces around it: remove them$/],
    ['a\n', /^bad-value: /],
    ['a\u0000b', /^bad-value: /],
    ['a'.repeat(256), /^too-long: /],
  ])('does not send %j', (text, message) => {
    expect(refusalOf(encodeServerName(text))).toMatch(message)
  })

  it('comes back as it was sent', () => {
    expectRoundTrip(encodeServerName, decodeServerName, serverTexts)
  })

  it('never throws for random, cut or mutated bytes', () => {
    expectNoThrow(decodeServerName, serverTexts.map(utf8Bytes))
  })
})
