import { describe, expect, it } from 'vitest'
import { checkDigest, parseBasicAuthorization, parseDigestAuthorization } from '../../../protocol/http/mod.ts'
import type { LooseAnswer } from './loose-answer.ts'
import { type NextStep, nextStep, type Proof } from './next-step.ts'

const REQUEST = { url: 'http://192.0.2.1:7547/x?y=1', username: 'acs', password: 'pw-of-the-acs' }
const PATH = '/x?y=1'

const answerOf = (status: number, ...challenges: readonly string[]): LooseAnswer => ({
  status,
  headers: challenges.map((challenge) => ['www-authenticate', challenge] as const),
  reusable: true,
})

const after = (answer: LooseAnswer, proof: Proof = 'none', allowBasic = false): NextStep =>
  nextStep(answer, { proof, path: PATH }, { request: REQUEST, allowBasic, cnonce: 'c0ffee' })

const digestOf = (step: NextStep) => parseDigestAuthorization(step.kind === 'ask' ? step.authorization : '')

describe('what an answer means [TR-069 §8.1]', () => {
  it.each([200, 202, 204])('%d is an acceptance', (status) =>
    expect(after(answerOf(status))).toEqual({ kind: 'done', outcome: { kind: 'accepted', status } }),
  )

  it('503 is a busy device, before and after the proof', () => {
    for (const proof of ['none', 'digest', 'basic'] as const)
      expect(after(answerOf(503), proof)).toEqual({ kind: 'done', outcome: { kind: 'busy' } })
  })

  it.each([301, 302, 307, 400, 403, 404, 405, 500])('%d is a refusal', (status) =>
    expect(after(answerOf(status))).toMatchObject({ kind: 'done', outcome: { kind: 'refused', status } }),
  )
})

describe('proofs [TR-069 §8.1]', () => {
  it.each([
    ['MD5 with qop', 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5', 'MD5', 'auth'],
    ['MD5 without a word of it', 'Digest realm="r", nonce="n"', 'MD5', undefined],
    ['SHA-256', 'Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=SHA-256', 'SHA-256', 'auth'],
    ['auth-int alone', 'Digest realm="r", nonce="n", qop="auth-int"', 'MD5', 'auth-int'],
  ])('answers %s', (_what, challenge, algorithm, qop) => {
    const step = after(answerOf(401, challenge))
    expect(step).toMatchObject({ kind: 'ask', proof: 'digest' })
    const digest = digestOf(step)
    expect(digest).toMatchObject({ algorithm, uri: PATH, nonce: 'n', realm: 'r' })
    expect(digest?.protection?.qop).toBe(qop)
    const expected = { method: 'GET', password: REQUEST.password, username: 'acs', body: new Uint8Array(0) }
    expect(digest !== undefined && checkDigest(digest, expected)).toBe(true)
  })

  it('takes the first digest that it knows among several challenges', () => {
    const unknown = 'Digest realm="r", nonce="n0", algorithm=SHA-512-256'
    const step = after(answerOf(401, 'Basic realm="r"', unknown, 'Digest realm="r", nonce="n1"'), 'none', true)
    expect(digestOf(step)?.nonce).toBe('n1')
  })

  it('finds the digest behind a challenge that cannot be read', () => {
    expect(digestOf(after(answerOf(401, '"""', 'Digest realm="r", nonce="n1"')))?.nonce).toBe('n1')
  })

  it('does not repeat a digest that was refused', () => {
    const step = after(answerOf(401, 'Digest realm="r", nonce="n2"'), 'digest')
    expect(step).toMatchObject({ kind: 'done', outcome: { kind: 'refused', status: 401 } })
  })

  it('repeats a digest once when its nonce was stale', () => {
    const stale = answerOf(401, 'Digest realm="r", nonce="n2", stale=TRUE')
    const step = after(stale, 'digest')
    expect(step).toMatchObject({ kind: 'ask', proof: 'digest-again' })
    expect(digestOf(step)?.nonce).toBe('n2')
    expect(after(stale, 'digest-again')).toMatchObject({ kind: 'done', outcome: { kind: 'refused', status: 401 } })
  })

  it('never falls back to Basic, unless that is allowed and nothing else is offered', () => {
    const basic = answerOf(401, 'Basic realm="r"')
    expect(after(basic)).toMatchObject({ kind: 'done', outcome: { kind: 'refused', status: 401 } })
    const step = after(basic, 'none', true)
    expect(step).toMatchObject({ kind: 'ask', proof: 'basic' })
    const sent = parseBasicAuthorization(step.kind === 'ask' ? step.authorization : '')
    expect(sent).toEqual({ username: 'acs', password: REQUEST.password })
    expect(after(basic, 'basic', true)).toMatchObject({ kind: 'done', outcome: { kind: 'refused' } })
    expect(after(basic, 'digest', true)).toMatchObject({ kind: 'done', outcome: { kind: 'refused' } })
  })

  it.each([[[]], [['Negotiate']], [['Digest realm="r"']], [['Digest realm="r", nonce="n", algorithm=MD5-sess']]])(
    'gives up on the challenges %j',
    (challenges) => {
      const step = after(answerOf(401, ...challenges), 'none', true)
      expect(step).toMatchObject({ kind: 'done', outcome: { kind: 'refused', status: 401 } })
    },
  )

  it('lets no line end slip into the header', () => {
    const answer = answerOf(401, 'Digest realm="a\rX: y", nonce="b\nc"')
    const step = after(answer)
    expect(step.kind === 'ask' && /[\r\n]/.test(step.authorization)).toBe(false)
  })
})
