import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { parseCertificateSubject, SUBJECT_CHARS_MAX } from './mod.ts'

/** Any UTF-16 unit, lone surrogates too. */
const codeUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code))

const PHONE = { mac: '000e08abcdef', serial: '88012BA01234', productName: 'CP-8841-3PCC' }
const OU_FORM = 'OU=CP-8841-3PCC\nL=88012BA01234\nST=000e08abcdef'

describe('parseCertificateSubject', () => {
  it.each([
    ['the form of the guide', 'OU=CP-8841-3PCC, L=88012BA01234, S=000e08abcdef'],
    ['the form that Node prints', OU_FORM],
    ['the form of RFC 2253', 'ST=000e08abcdef,L=88012BA01234,OU=CP-8841-3PCC,O=Cisco,C=US'],
    ['semicolons', 'OU=CP-8841-3PCC; L=88012BA01234; ST=000e08abcdef'],
    ['several values in one RDN', 'L=88012BA01234 + ST=000e08abcdef + OU=CP-8841-3PCC'],
    ['blanks around signs and lower case', 'ou = cp-8841-3pcc , l = 88012ba01234 , st = 00:0E:08:AB:CD:EF'],
    ['quotes', 'OU="CP-8841-3PCC", L="88012BA01234", ST="000e08abcdef"'],
    ['other fields beside it', `C=US\nO=Cisco Systems\\, Inc.\nOU=CTG\n${OU_FORM}\nCN=a phone`],
    [
      'a product and a serial number in serialNumber',
      'CN=CP-8841-3PCC-SEP000E08ABCDEF\nserialNumber=PID:CP-8841-3PCC SN:88012BA01234',
    ],
    ['a version beside them', 'serialNumber=PID:CP-8841-3PCC VID:V03 SN:88012BA01234\nCN=CP-8841-3PCC-SEP000E08ABCDEF'],
    ['a bare serial number', 'CN=CP-8841-3PCC-SEP000E08ABCDEF, serialNumber=88012BA01234'],
    [
      'a town and a state beside the common name',
      'CN=CP-8841-3PCC-SEP000E08ABCDEF\nserialNumber=SN:88012BA01234\nL=Richardson\nST=Texas\nOU=CP-8841-3PCC',
    ],
    ['a quoted common name', 'CN="CP-8841-3PCC, MAC: 000E08ABCDEF, Serial: 88012BA01234"'],
    [
      'an escaped common name',
      'CN=CP-8841-3PCC\\, MAC: 00:0E:08:AB:CD:EF\nserialNumber=PID:CP-8841-3PCC SN:88012BA01234',
    ],
    ['two forms that agree', `${OU_FORM}\nCN=CP-8841-3PCC-SEP000E08ABCDEF`],
  ])('finds the phone in %s [MPP §11.2]', (_, subject) => {
    expect(parseCertificateSubject(subject)).toEqual(PHONE)
  })

  it.each([
    ['nothing', ''],
    ['the generic certificate of old units', 'OU=cisco.com, L=ciscogeneric, S=ciscogeneric'],
    ['no serial number', 'OU=CP-8841-3PCC, S=000e08abcdef'],
    ['no MAC', 'OU=CP-8841-3PCC, L=88012BA01234'],
    ['no product', 'L=88012BA01234, S=000e08abcdef'],
    ['another product', 'OU=SPA-962, L=88012BA01234, S=000e08abcdef'],
    ['a common name without serial number', 'CN=CP-8841-3PCC-SEP000E08ABCDEF'],
    ['two MACs', `${OU_FORM}\nST=000e08abcdee`],
    ['two serial numbers', `${OU_FORM}\nL=88012BA01235`],
    ['two products', `${OU_FORM}\nOU=CP-8851-3PCC`],
    ['a MAC and a state', `${OU_FORM}\nST=Texas`],
    ['a common name of another phone', `${OU_FORM}\nCN=CP-8841-3PCC-SEP000E08ABCDEE`],
    ['a common name of another product', `${OU_FORM}\nCN=CP-8851-3PCC-SEP000E08ABCDEF`],
    ['another serialNumber', `${OU_FORM}\nserialNumber=PID:CP-8841-3PCC SN:88012BA01235`],
    [
      'a MAC of another phone beside a complete common name',
      'CN=CP-8841-3PCC-SEP000E08ABCDEF\nserialNumber=88012BA01234\nL=88012BA01234\nST=000e08abcdee',
    ],
    [
      'two of one label',
      'CN=CP-8841-3PCC-SEP000E08ABCDEF\nserialNumber=PID:CP-8841-3PCC SN:88012BA01234 SN:88012BA01235',
    ],
    ['an escaped separator', 'CN=x\\, OU=CP-8841-3PCC\\, L=88012BA01234\\, ST=000e08abcdef'],
    ['an escaped line end', 'CN=x\\0AOU=CP-8841-3PCC\\0AL=88012BA01234\\0AST=000e08abcdef'],
    ['a quoted separator', 'CN="x\nOU=CP-8841-3PCC\nL=88012BA01234\nST=000e08abcdef"'],
    ['a quote that does not close', 'CN="x, OU=CP-8841-3PCC, L=88012BA01234, ST=000e08abcdef'],
    ['a part that is no field', 'OU=CP-8841-3PCC, L=88012BA01234, S=000e08abcdef, Inc.'],
    ['slashes', '/OU=CP-8841-3PCC/L=88012BA01234/ST=000e08abcdef'],
    ['too much text', `${OU_FORM}\nCN=${'x'.repeat(SUBJECT_CHARS_MAX)}`],
  ])('finds no phone in %s [MPP §11.2]', (_, subject) => {
    expect(parseCertificateSubject(subject)).toBeUndefined()
  })

  it('cannot be led by any text that is escaped into another field', () => {
    // As OpenSSL escapes it (RFC 2253 and control characters).
    const escape = (text: string): string =>
      text
        .replace(/[,+"\\<>;]/g, '\\$&')
        .replace(/\n/g, '\\0A')
        .replace(/^[ #]| $/g, '\\$&')
    const hostile = fc
      .array(
        fc.constantFrom(
          '\n',
          ',',
          '+',
          ';',
          '"',
          '\\',
          ' ',
          'OU=CP-8851-3PCC',
          'L=FCH2305DMH0',
          'ST=00562b043615',
          'x',
        ),
      )
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(hostile, (text) => {
        expect(parseCertificateSubject(`O=${escape(text)}\n${OU_FORM}`)).toEqual(PHONE)
      }),
      { numRuns: 500 },
    )
  })

  it('never throws on random or changed text', () => {
    const mutated = fc
      .tuple(fc.nat(OU_FORM.length), fc.nat(5), fc.string({ maxLength: 5 }))
      .map(([at, count, insert]) => OU_FORM.slice(0, at) + insert + OU_FORM.slice(at + count))
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string({ unit: codeUnit, maxLength: 100 })), (subject) => {
        const found = parseCertificateSubject(subject)
        expect(found === undefined || /^[0-9a-f]{12}$/.test(found.mac)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
