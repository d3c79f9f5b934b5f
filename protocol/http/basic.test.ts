import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { basicAuthorization, parseBasicAuthorization } from './mod.ts'

/** Any UTF-16 unit, lone surrogates too. */
const codeUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code))

describe('Basic authentication', () => {
  it('writes and reads the published examples [RFC 7617 §2, §2.1]', () => {
    expect(basicAuthorization('Aladdin', 'open sesame')).toBe('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==')
    expect(basicAuthorization('test', '123£')).toBe('Basic dGVzdDoxMjPCow==')
    expect(parseBasicAuthorization('basic   QWxhZGRpbjpvcGVuIHNlc2FtZQ')).toEqual({
      username: 'Aladdin',
      password: 'open sesame',
    })
  })

  it('reads bytes that are not UTF-8 as Latin-1', () => {
    const header = `Basic ${Buffer.from('test:123£', 'latin1').toString('base64')}`
    expect(parseBasicAuthorization(header)?.password).toBe('123£')
  })

  it.each(['', 'Basic', 'Basic !!!', 'Basic QWxhZGRpbg==', 'Digest QTpi', 'Basic QTpi, Basic QTpi', 'QTpi'])(
    'refuses %j',
    (header) => {
      expect(parseBasicAuthorization(header)).toBeUndefined()
    },
  )

  it('gives back any user name without a colon and any password', () => {
    const username = fc.string({ unit: 'grapheme' }).filter((name) => !name.includes(':'))
    fc.assert(
      fc.property(username, fc.string({ unit: 'grapheme' }), (user, secret) => {
        const read = parseBasicAuthorization(basicAuthorization(user, secret))
        expect(read?.username).toBe(user)
        expect(read?.password === secret).toBe(true)
      }),
    )
  })

  it('never throws on random text', () => {
    fc.assert(
      fc.property(fc.string({ unit: codeUnit }), fc.base64String(), (noise, base64) => {
        expect(parseBasicAuthorization(noise)).toBeUndefined()
        const parsed = parseBasicAuthorization(`Basic ${base64}`)
        expect(parsed === undefined || !parsed.username.includes(':')).toBe(true)
      }),
    )
  })
})
