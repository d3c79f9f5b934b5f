import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readLooseAnswer, valuesOf } from './loose-answer.ts'

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const CHALLENGE = 'Digest realm="a", nonce="b", qop="auth"'

describe('loose answers', () => {
  it.each([
    ['a proper answer', 'HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n', 204],
    ['lines that end with LF alone', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', 200],
    ['LF and CR LF mixed', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\n', 200],
    ['several CRs before the LF', 'HTTP/1.1 200 OK\r\r\nContent-Length: 0\r\r\n\r\r\n', 200],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\n', 200],
    ['no reason', 'HTTP/1.1 204\r\n\r\n', 204],
    ['two spaces before the status', 'HTTP/1.1  503 Busy\r\n\r\n', 503],
    ['a version in small letters', 'http/1.1 200 ok\r\n\r\n', 200],
    ['no version', 'HTTP 200 OK\r\n\r\n', 200],
    ['a reason that touches the status', 'HTTP/1.1 200OK\r\n\r\n', 200],
    ['blank lines before it', '\r\n\nHTTP/1.1 200 OK\r\n\r\n', 200],
    ['a line without a colon', 'HTTP/1.1 403 No\r\nnonsense\r\n: empty\r\n\r\n', 403],
    ['a folded line before any header', 'HTTP/1.1 404 No\r\n folded\r\n\r\n', 404],
    ['100 Continue first', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', 200],
    ['two interim answers first', 'HTTP/1.1 100 Go\n\nHTTP/1.1 102 P\nA: b\n\nHTTP/1.1 401 No\n\n', 401],
    ['a body until the end', 'HTTP/1.1 200 OK\r\n\r\n<html>', 200],
    ['bytes beyond ASCII in the reason', 'HTTP/1.1 401 \xff\xfe\r\n\r\n', 401],
  ])('reads %s', (_what, text, status) => {
    for (const ended of [false, true]) {
      expect(readLooseAnswer(bytesOf(text), ended)).toMatchObject({ kind: 'whole', answer: { status } })
    }
  })

  it.each([
    ['no blank line', 'HTTP/1.1 401 No\r\nWWW-Authenticate: x\r\n', 401],
    ['a header that was cut', 'HTTP/1.1 401 No\r\nWWW-Auth', 401],
    ['the status line alone, without its end', 'HTTP/1.1 200', 200],
    ['a CR without its LF', 'HTTP/1.1 200 OK\r\nA: b\r\n\r', 200],
  ])('takes %s for the answer when the connection ends, and waits before', (_what, text, status) => {
    expect(readLooseAnswer(bytesOf(text), false)).toEqual({ kind: 'part', answer: undefined })
    expect(readLooseAnswer(bytesOf(text), true)).toMatchObject({ kind: 'whole', answer: { status, reusable: false } })
  })

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a status beyond 599', 'HTTP/1.1 999 Odd\r\n\r\n'],
    ['a body without a head', '<html></html>\r\n\r\n'],
    ['spaces', '   \r\n\r\n'],
  ])('refuses %s', (_what, text) => {
    for (const ended of [false, true]) expect(readLooseAnswer(bytesOf(text), ended).kind).toBe('broken')
  })

  it.each(['', '\r\n', 'HTTP/1.1 20', 'HTT', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 100 Continue\r\n'])(
    'waits for more after %j, and has nothing when the connection ends there',
    (text) => {
      expect(readLooseAnswer(bytesOf(text), false)).toEqual({ kind: 'part', answer: undefined })
      expect(readLooseAnswer(bytesOf(text), true).kind).toBe('broken')
    },
  )

  it('shows nothing unprintable of a wrong first line, and not much', () => {
    const reading = readLooseAnswer(bytesOf(`\x1b[2J${'x'.repeat(500)}\n\n`), true)
    expect(reading.kind === 'broken' && reading.detail.length < 150 && !reading.detail.includes('\x1b')).toBe(true)
  })
})

describe('headers of loose answers', () => {
  const challengesIn = (lines: string): readonly string[] => {
    const reading = readLooseAnswer(bytesOf(`HTTP/1.1 401 No\r\n${lines}\r\n\r\n`), true)
    return reading.kind === 'whole' ? valuesOf(reading.answer.headers, 'www-authenticate') : []
  }

  it.each([
    ['in any case', `wWw-AUTHENTICATE:${CHALLENGE}`, [CHALLENGE]],
    ['with spaces around', `WWW-Authenticate  :   ${CHALLENGE}  `, [CHALLENGE]],
    ['folded with a space', 'WWW-Authenticate: Digest realm="a",\r\n nonce="b", qop="auth"', [CHALLENGE]],
    ['folded with tabs and LF', 'WWW-Authenticate: Digest realm="a",\n\t\tnonce="b",\n\tqop="auth"', [CHALLENGE]],
    ['folded before its value', `WWW-Authenticate:\r\n ${CHALLENGE}`, [CHALLENGE]],
    [
      'several',
      `WWW-Authenticate: Basic realm="a"\r\nX: y\r\nWWW-Authenticate: ${CHALLENGE}`,
      ['Basic realm="a"', CHALLENGE],
    ],
    ['in UTF-8', 'WWW-Authenticate: Digest realm="G\xc3\xa4ste"', ['Digest realm="Gäste"']],
    ['in Latin-1', 'WWW-Authenticate: Digest realm="G\xe4ste"', ['Digest realm="Gäste"']],
  ])('are found when they are %s', (_what, lines, expected) => expect(challengesIn(lines)).toEqual(expected))

  it('keeps a fold apart from a header that cannot be read', () => {
    expect(challengesIn(`WWW-Authenticate: ${CHALLENGE}\r\nnonsense\r\n more nonsense`)).toEqual([CHALLENGE])
  })
})

describe('connections after loose answers', () => {
  it.each([
    ['HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n', true],
    ['HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nab', true],
    ['HTTP/1.1 204 No\r\n\r\n', true],
    ['HTTP/1.0 401 No\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n', true],
    ['HTTP/1.0 401 No\r\nContent-Length: 0\r\n\r\n', false],
    ['HTTP/1.1 401 No\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n', false],
    ['HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nabc', false],
    ['HTTP/1.1 401 No\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', false],
    ['HTTP/1.1 401 No\r\nContent-Length: -1\r\n\r\n', false],
    ['HTTP/1.1 401 No\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', false],
    ['HTTP/1.1 401 No\r\n\r\n', false],
  ])('after %j may be used again: %s', (text, reusable) => {
    expect(readLooseAnswer(bytesOf(text), false)).toMatchObject({ kind: 'whole', answer: { reusable } })
    expect(readLooseAnswer(bytesOf(text), true)).toMatchObject({ kind: 'whole', answer: { reusable: false } })
  })

  it('waits for a body of a stated length, and could decide before it is there', () => {
    const reading = readLooseAnswer(bytesOf('HTTP/1.1 401 No\r\nContent-Length: 3\r\n\r\nab'), false)
    expect(reading).toMatchObject({ kind: 'part', answer: { status: 401, reusable: false } })
  })
})

describe('whatever comes', () => {
  const SAMPLES = [
    `HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="a",\r\n nonce="b"\r\nContent-Length: 4\r\n\r\nbody`,
    `HTTP/1.1 100 Continue\n\nHTTP/1.0 200 OK\nServer: x\n\n`,
    'HTTP/1.1 503 Busy\r\nConnection: close\r\n\r\n',
  ].map(bytesOf)

  const isFine = (bytes: Uint8Array): void => {
    const early = readLooseAnswer(bytes, false)
    const late = readLooseAnswer(bytes, true)
    // Once nothing more comes, nothing is left open.
    expect(late.kind).not.toBe('part')
    if (early.kind === 'whole') expect(late).toEqual({ ...early, answer: { ...early.answer, reusable: false } })
    if (early.kind === 'broken') expect(late.kind).toBe('broken')
  }

  it('random bytes are read or refused, and never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), isFine), { seed: 1, numRuns: 500 })
    const pieces = [
      'HTTP/1.1 ',
      '200',
      '401 No',
      '100',
      '\r\n',
      '\n',
      ' ',
      ':',
      'Content-Length: ',
      '5',
      '\r',
      '\t',
      'x',
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 30 }), (parts) => isFine(bytesOf(parts.join('')))),
      { seed: 2, numRuns: 2000 },
    )
  })

  it('every cut of an answer is waited for, and is never taken for another status', () => {
    for (const sample of SAMPLES) {
      const whole = readLooseAnswer(sample, true)
      const status = whole.kind === 'whole' ? whole.answer.status : 0
      for (let length = 0; length < sample.length; length++) {
        const cut = sample.subarray(0, length)
        isFine(cut)
        expect(readLooseAnswer(cut, false).kind).not.toBe('broken')
        const late = readLooseAnswer(cut, true)
        if (late.kind === 'whole') expect(late.answer.status).toBe(status)
      }
    }
  })

  it('changed bytes never throw', () => {
    fc.assert(
      fc.property(fc.constantFrom(...SAMPLES), fc.nat(), fc.integer({ min: 0, max: 255 }), (sample, at, byte) => {
        const changed = Uint8Array.from(sample)
        changed[at % changed.length] = byte
        isFine(changed)
      }),
      { seed: 3, numRuns: 2000 },
    )
  })

  it('the worst of 8 KiB are read at once', () => {
    for (const line of ['\n', 'a:\n', ' \n', '\r', 'HTTP/1.1 100 x\n\n', ':', '\t ']) {
      isFine(bytesOf(`HTTP/1.1 200 OK\n${line.repeat(8192 / line.length)}`))
      isFine(bytesOf(line.repeat(8192 / line.length)))
    }
  })
})
