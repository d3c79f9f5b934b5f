import { expect, test } from 'vitest'

import { decodeDocument } from './decode.ts'
import { readCwmp } from './read.ts'
import { asMessage } from './testing-samples.ts'
import { writeCwmp } from './write.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const latin1 = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'))
const utf16le = (text: string) => Uint8Array.from(Buffer.from(text, 'utf16le'))
const utf16be = (text: string) => Uint8Array.from(Buffer.from(text, 'utf16le').swap16())
const declared = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?><a>é</a>`

const CASES: readonly (readonly [string, Uint8Array, string | undefined, string])[] = [
  ['UTF-8 where nobody says anything', utf8('<a>é</a>'), undefined, '<a>é</a>'],
  ['Latin-1 by the charset of HTTP', latin1('<a>é</a>'), 'iso-8859-1', '<a>é</a>'],
  ['Latin-1 under its other name, quoted', latin1('<a>é</a>'), ' "Latin1" ', '<a>é</a>'],
  ['Latin-1 by its declaration', latin1(declared('ISO-8859-1')), undefined, declared('ISO-8859-1')],
  ['Latin-1 bytes that are UTF-8 too', utf8('<a>é</a>'), 'iso-8859-1', '<a>Ã©</a>'],
  ['Windows-1252', Uint8Array.of(0x80, 0x81, 0x9f, 0xe9), 'Windows-1252', '€\u0081Ÿé'],
  ['UTF-16 with its mark, little end first', utf16le('\ufeff<a>é😀</a>'), undefined, '<a>é😀</a>'],
  ['UTF-16 with its mark, big end first', utf16be('\ufeff<a>é😀</a>'), undefined, '<a>é😀</a>'],
  ['UTF-16 with its mark against HTTP', utf16be('\ufeff<a/>'), 'utf-8', '<a/>'],
  ['UTF-16 without a mark by HTTP', utf16le('<a>é</a>'), 'UTF-16', '<a>é</a>'],
  ['UTF-16 with the big end first by HTTP', utf16be('<a>é</a>'), 'utf-16be', '<a>é</a>'],
  ['UTF-8 with its mark against HTTP', utf8('\ufeff<a>é</a>'), 'iso-8859-1', '<a>é</a>'],
  ['UTF-8 by HTTP against the declaration', utf8(declared('ISO-8859-1')), 'utf-8', declared('ISO-8859-1')],
  ['Latin-1 by HTTP against the declaration', latin1(declared('UTF-8')), 'iso-8859-1', declared('UTF-8')],
  ['a declaration of UTF-16 that cannot be', utf8(declared('UTF-16')), undefined, declared('UTF-16')],
  ['an empty charset as none', latin1(declared('latin1')), '""', declared('latin1')],
  ['an unknown charset as UTF-8', utf8('<a>é</a>'), 'koi8-z', '<a>é</a>'],
  ['bytes that are no UTF-8 as Latin-1', latin1('<a>é</a>'), 'utf-8', '<a>é</a>'],
  ['a cut UTF-8 sequence as Latin-1', utf8('<a>é').subarray(0, 4), undefined, '<a>Ã'],
  ['an overlong UTF-8 sequence as Latin-1', Uint8Array.of(0xc0, 0xaf), undefined, 'À¯'],
  ['NULs behind the last tag', utf8('<a/>\0\0\r\n'), undefined, '<a/>'],
  ['nothing', utf8(''), undefined, ''],
  ['forbidden characters', utf8('a\u0000b\u001fc\ufffe'), undefined, 'a\ufffdb\ufffdc\ufffd'],
  ['forbidden references', utf8('&#1;&#x1F;&#xD800;&#x110000;&#65;'), undefined, '\ufffd\ufffd\ufffd\ufffd&#65;'],
  ['a reference in CDATA, which is text', utf8('<![CDATA[&#1;]]>&#1;'), undefined, '<![CDATA[&#1;]]>\ufffd'],
  ['half a surrogate pair', utf16le('\ud83dx'), 'utf-16', '\ufffdx'],
]

test.each(CASES)('decodes %s [TR-069 §3.5]', (_what, bytes, charset, expected) => {
  expect(decodeDocument(bytes, charset)).toBe(expected)
})

test('reads the same message in each charset [TR-069 §3.5]', () => {
  const value = asMessage({ kind: 'Reboot', commandKey: 'é&' })
  const text = writeCwmp(value, { omitXmlDeclaration: true }).replace('&#233;', 'é')
  for (const [bytes, charset] of [
    [utf8(text), 'utf-8'],
    [latin1(text), undefined],
    [latin1(text), 'iso-8859-1'],
    [utf16le(`\ufeff${text}`), undefined],
    [utf16be(`\ufeff${text}`), 'utf-8'],
    [utf16le(text), 'utf-16le'],
  ] as const) {
    expect(readCwmp(bytes, charset)).toEqual({ ok: true, value })
  }
})
