import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  AUTH_HEADER_CHARS_MAX,
  AUTH_PARAMETERS_MAX,
  AUTH_SCHEMES_MAX,
  checkDigest,
  type DigestAnswer,
  type DigestChallenge,
  digestAuthorization,
  digestChallengeHeader,
  type ParsedDigest,
  parseAuthChallenges,
  parseDigestAuthorization,
} from './mod.ts'

/** Any UTF-16 unit, lone surrogates too. */
const codeUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code))

const CHALLENGE_7616: DigestChallenge = {
  realm: 'http-auth@example.org',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  qop: 'auth, auth-int',
  opaque: 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS',
  algorithm: 'MD5',
  stale: false,
}
const ANSWER_7616: DigestAnswer = {
  username: 'Mufasa',
  password: 'Circle of Life',
  method: 'GET',
  uri: '/dir/index.html',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  nonceCount: 1,
}
const CHALLENGE_2617: DigestChallenge = {
  realm: 'testrealm@host.com',
  nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
  qop: 'auth,auth-int',
  opaque: '5ccc069c403ebaf9f0171e9517f40e41',
  algorithm: 'MD5',
  stale: false,
}
const ANSWER_2617: DigestAnswer = { ...ANSWER_7616, password: 'Circle Of Life', cnonce: '0a4f113b' }

function withoutQop(challenge: DigestChallenge): DigestChallenge {
  const { realm, nonce, algorithm, stale } = challenge
  return { realm, nonce, algorithm, stale }
}

function answered(challenge: DigestChallenge, answer: DigestAnswer): ParsedDigest {
  const parsed = parseDigestAuthorization(digestAuthorization(challenge, answer))
  if (parsed === undefined) throw new Error('our own answer cannot be read')
  return parsed
}

describe('digestAuthorization', () => {
  const responses: readonly (readonly [string, DigestChallenge, DigestAnswer, string])[] = [
    ['MD5 [RFC 7616 §3.9.1]', CHALLENGE_7616, ANSWER_7616, '8ca523f5e9506fed4657c9700eebdbec'],
    [
      'SHA-256 [RFC 7616 §3.9.1]',
      { ...CHALLENGE_7616, algorithm: 'SHA-256' },
      ANSWER_7616,
      '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
    ],
    ['MD5 with qop [RFC 2617 §3.5]', CHALLENGE_2617, ANSWER_2617, '6629fae49393a05397450978507c4ef1'],
    [
      'MD5 without qop [RFC 2069 §2.4, corrected]',
      withoutQop(CHALLENGE_2617),
      { ...ANSWER_2617, password: 'CircleOfLife' },
      '1949323746fe6a43ef61f9606e7febea',
    ],
  ]
  it.each(responses)('gives the published response for %s', (_, challenge, answer, response) => {
    expect(answered(challenge, answer).response).toBe(response)
  })

  it('writes all fields in their published forms [RFC 7616 §3.4]', () => {
    expect(digestAuthorization(CHALLENGE_7616, ANSWER_7616)).toBe(
      'Digest username="Mufasa", realm="http-auth@example.org", ' +
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", ' +
        'response="8ca523f5e9506fed4657c9700eebdbec", algorithm=MD5, ' +
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", qop=auth, nc=00000001, ' +
        'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"',
    )
  })

  it.each([
    ['auth', 'auth'],
    ['auth-int,auth', 'auth'],
    ['AUTH', 'auth'],
    ['auth-int', 'auth-int'],
    ['auth-conf', undefined],
    ['', undefined],
  ])('answers an offer of qop "%s" with %s [RFC 7616 §3.3]', (qop, chosen) => {
    const parsed = answered({ ...CHALLENGE_7616, qop }, ANSWER_7616)
    expect(parsed.protection?.qop).toBe(chosen)
  })

  it('hashes the body where only auth-int is offered [RFC 7616 §3.4.3]', () => {
    const parsed = answered({ ...CHALLENGE_7616, qop: 'auth-int' }, { ...ANSWER_7616, body: Uint8Array.of(1, 2) })
    const expected = { method: 'GET', password: ANSWER_7616.password }
    expect(checkDigest(parsed, { ...expected, body: Uint8Array.of(1, 2) })).toBe(true)
    expect(checkDigest(parsed, { ...expected, body: Uint8Array.of(1, 3) })).toBe(false)
    const empty = answered({ ...CHALLENGE_7616, qop: 'auth-int' }, ANSWER_7616)
    expect(checkDigest(empty, { ...expected, body: new Uint8Array(0) })).toBe(true)
    // Who does not look at the body must not take its protection for proven.
    expect(checkDigest(empty, expected)).toBe(false)
  })

  it('escapes quotes and drops line ends, so that no name can end the header [RFC 9110 §5.6.4]', () => {
    const text = digestAuthorization({ ...CHALLENGE_7616, realm: 'a"b\\c\r\nX: y' }, ANSWER_7616)
    expect(text).toContain('realm="a\\"b\\\\cX: y"')
    expect(/[\r\n]/.test(text)).toBe(false)
  })

  it('sends a user name beyond ASCII as username* [RFC 7616 §3.4.4]', () => {
    const text = digestAuthorization(CHALLENGE_7616, { ...ANSWER_7616, username: 'Jäsøn Doe' })
    expect(text).toContain("username*=UTF-8''J%C3%A4s%C3%B8n%20Doe,")
    expect(parseDigestAuthorization(text)?.username).toBe('Jäsøn Doe')
  })
})

describe('parseAuthChallenges', () => {
  it('reads a challenge and writes it back [RFC 7616 §3.3]', () => {
    const challenge: DigestChallenge = { ...CHALLENGE_7616, stale: true }
    const text = digestChallengeHeader(challenge)
    expect(text).toBe(
      'Digest realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ' +
        'qop="auth, auth-int", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", algorithm=MD5, stale=true',
    )
    expect(parseAuthChallenges(text)).toEqual([{ scheme: 'digest', challenge }])
  })

  it('tells several challenges in one header apart and keeps their order [RFC 7616 §3.7]', () => {
    const header =
      'Negotiate, NTLM TlRMTVNTUAAB==, Digest realm="a, b", nonce="1", algorithm=SHA-256, qop="auth",' +
      ' digest REALM = plain , NONCE=2, stale=TRUE, Basic realm="say \\"hi\\""'
    expect(parseAuthChallenges(header)).toEqual([
      { scheme: 'digest', challenge: { realm: 'a, b', nonce: '1', algorithm: 'SHA-256', qop: 'auth', stale: false } },
      { scheme: 'digest', challenge: { realm: 'plain', nonce: '2', algorithm: 'MD5', stale: true } },
      { scheme: 'basic', realm: 'say "hi"' },
    ])
  })

  it.each([
    ['', 0],
    ['Digest', 0],
    ['Digest realm="x"', 0],
    ['Digest nonce="x"', 0],
    ['Digest realm="x", nonce="y", algorithm=MD5-sess', 0],
    ['Digest realm="x", nonce="y", algorithm=SHA-512-256', 0],
    ['Digest realm="x", nonce="y", nonce="z"', 0],
    ['Digest realm="x", nonce="y', 0],
    ['Digest realm="x", nonce="y", opaque="z', 0],
    ['Digest realm="x"y, nonce="z"', 0],
    ['Basic realm="x", Digest realm="x", nonce="y', 1],
    ['Digest realm="x", nonce="y", algorithm="md5"', 1],
    ['Basic', 1],
  ])('finds in %j challenges that it can answer: %i [RFC 7616 §3.3]', (header, count) => {
    expect(parseAuthChallenges(header).length).toBe(count)
  })

  it('refuses headers, schemes and parameters without end', () => {
    expect(parseAuthChallenges(`Basic realm="${'x'.repeat(AUTH_HEADER_CHARS_MAX)}"`)).toEqual([])
    expect(parseAuthChallenges('Basic, '.repeat(AUTH_SCHEMES_MAX + 5)).length).toBeLessThanOrEqual(AUTH_SCHEMES_MAX)
    const parameters = Array.from({ length: AUTH_PARAMETERS_MAX }, (_, index) => `p${index}=1`).join(', ')
    expect(parseAuthChallenges(`Basic realm=x, ${parameters}`)).toEqual([])
  })
})

describe('checkDigest', () => {
  const parsed = answered(CHALLENGE_7616, ANSWER_7616)
  const good = { method: 'GET', password: 'Circle of Life', nonce: CHALLENGE_7616.nonce }

  it('accepts the right password with all that is expected', () => {
    const rest = { username: 'Mufasa', realm: CHALLENGE_7616.realm, uri: '/dir/index.html', algorithm: 'MD5' as const }
    expect(checkDigest(parsed, { ...good, ...rest, qopRequired: true })).toBe(true)
  })

  it.each([
    ['password', { ...good, password: 'Circle of life' }],
    ['method', { ...good, method: 'PUT' }],
    ['nonce', { ...good, nonce: 'another' }],
    ['user name', { ...good, username: 'Scar' }],
    ['realm', { ...good, realm: 'elsewhere' }],
    ['URI', { ...good, uri: '/dir/' }],
    ['algorithm', { ...good, algorithm: 'SHA-256' as const }],
  ])('refuses another %s', (_, expected) => {
    expect(checkDigest(parsed, expected)).toBe(false)
  })

  it('refuses a response whose fields were changed on the way', () => {
    expect(checkDigest({ ...parsed, uri: '/dir/other.html' }, good)).toBe(false)
    expect(checkDigest({ ...parsed, response: parsed.response.replace(/^./, '0') }, good)).toBe(false)
    expect(checkDigest({ ...parsed, response: '' }, good)).toBe(false)
  })

  it('refuses an answer without qop where one was offered, since its uses cannot be counted', () => {
    const plain = answered(withoutQop(CHALLENGE_7616), ANSWER_7616)
    expect(checkDigest(plain, good)).toBe(true)
    expect(checkDigest(plain, { ...good, qopRequired: true })).toBe(false)
  })

  it('hashes the nonce count as it was sent', () => {
    const text = digestAuthorization(CHALLENGE_7616, { ...ANSWER_7616, nonceCount: 0xab })
    expect(text).toContain('nc=000000ab')
    expect(parseDigestAuthorization(text)?.protection?.nonceCount).toBe(0xab)
    const changed = parseDigestAuthorization(text.replace('nc=000000ab', 'nc=000000AB'))
    expect(changed !== undefined && checkDigest(changed, good)).toBe(false)
  })

  it('accepts what it is asked to answer, for any names and passwords', () => {
    const printable = fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)) })
    fc.assert(
      fc.property(
        fc.record({
          realm: printable,
          nonce: printable,
          algorithm: fc.constantFrom('MD5' as const, 'SHA-256' as const),
        }),
        fc.constantFrom(undefined, 'auth', 'auth-int'),
        fc.record({ username: fc.string({ unit: 'grapheme' }), password: fc.string({ unit: 'grapheme' }) }),
        fc.record({ uri: printable, cnonce: printable, nonceCount: fc.integer({ min: 1, max: 0xffff_ffff }) }),
        (fields, qop, account, request) => {
          const challenge = { ...fields, stale: false, ...(qop === undefined ? {} : { qop }) }
          const [read] = parseAuthChallenges(digestChallengeHeader(challenge))
          expect(read).toEqual({ scheme: 'digest', challenge })
          const answer = answered(challenge, { ...account, ...request, method: 'NOTIFY' })
          const expected = { method: 'NOTIFY', body: new Uint8Array(0), username: account.username, uri: request.uri }
          expect(checkDigest(answer, { ...expected, password: account.password })).toBe(true)
          expect(checkDigest(answer, { ...expected, password: `${account.password}x` })).toBe(false)
        },
      ),
    )
  })
})

describe('parseDigestAuthorization', () => {
  const text = digestAuthorization(CHALLENGE_7616, ANSWER_7616)

  it.each([
    ['another scheme', 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='],
    ['two schemes', `${text}, Basic realm="x"`],
    ['no response', text.replace(/response="[^"]*"/, 'x=y')],
    ['a short response', text.replace('response="8c', 'response="')],
    ['a response that is not hex', text.replace('response="8c', 'response="8x')],
    ['a response of the wrong length for the algorithm', text.replace('MD5', 'SHA-256')],
    ['an unknown algorithm', text.replace('MD5', 'MD5-sess')],
    ['an unknown qop', text.replace('qop=auth', 'qop=auth-conf')],
    ['a qop without cnonce', text.replace('cnonce', 'xnonce')],
    ['a nonce count of nine digits', text.replace('nc=0', 'nc=00')],
    ['a repeated user name', text.replace('Digest ', 'Digest username="Scar", ')],
    ['two kinds of user name', text.replace('Digest ', "Digest username*=UTF-8''Scar, ")],
    ['a hashed user name', `${text}, userhash=true`],
    ['a broken escape', text.replace('username="Mufasa"', "username*=UTF-8''%zz")],
    ['no user name', text.replace('username', 'x')],
  ])('refuses %s [RFC 7616 §3.4]', (_, header) => {
    expect(parseDigestAuthorization(header)).toBeUndefined()
  })

  it('never throws on random or changed text', () => {
    const anyText = fc.string({ unit: codeUnit, maxLength: 200 })
    const mutated = fc
      .tuple(fc.nat(text.length), fc.nat(20), fc.string({ maxLength: 6 }))
      .map(([at, count, insert]) => text.slice(0, at) + insert + text.slice(at + count))
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          mutated,
          anyText.map((tail) => `Digest ${tail}`),
        ),
        (header) => {
          const parsed = parseDigestAuthorization(header)
          expect(parsed === undefined || /^[0-9a-f]{32}([0-9a-f]{32})?$/.test(parsed.response)).toBe(true)
          expect(parseAuthChallenges(header).length).toBeLessThanOrEqual(AUTH_SCHEMES_MAX)
        },
      ),
      { numRuns: 500 },
    )
  })
})
