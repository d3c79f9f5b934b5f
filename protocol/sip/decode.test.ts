import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { concatBytes, utf8Bytes, utf8Text } from '../bytes.ts'
import {
  decodeSip,
  encodeSip,
  header,
  headerAll,
  SIP_BYTES_MAX,
  SIP_HEADERS_MAX,
  type SipHeader,
  type SipMessage,
  splitSipStream,
} from './mod.ts'

const NOTIFY = [
  'NOTIFY sip:1001@192.168.1.100:5060 SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.10:5070;branch=z9hG4bK1;rport',
  'From: <sip:offhook@example.com>;tag=a',
  'To: <sip:1001@example.com>',
  'Call-ID: 1@example.com',
  'CSeq: 1 NOTIFY',
  'Event: resync;profile="http://host/profile.xml"',
  'Content-Length: 4',
  '',
  'body',
].join('\r\n')

function decoded(text: string): SipMessage {
  const message = decodeSip(text)
  if (!message.ok) throw new Error(message.error.message)
  return message.value
}

function codeOf(text: string | Uint8Array): string {
  const message = decodeSip(text)
  return message.ok ? 'ok' : message.error.code
}

describe('decodeSip', () => {
  it('reads a request [RFC 3261 §7.1]', () => {
    const message = decoded(NOTIFY)
    expect(message.kind === 'request' && [message.method, message.uri]).toEqual([
      'NOTIFY',
      'sip:1001@192.168.1.100:5060',
    ])
    expect(message.headers.length).toBe(7)
    expect(header(message, 'event')).toBe('resync;profile="http://host/profile.xml"')
    expect(utf8Text(message.body)).toBe('body')
  })

  it('reads a response, also one without a reason [RFC 3261 §7.2]', () => {
    const ringing = decoded('SIP/2.0 180 Ringing, soon\r\n\r\n')
    expect(ringing.kind === 'response' && [ringing.status, ringing.reason]).toEqual([180, 'Ringing, soon'])
    const bare = decoded('sip/2.0  200\r\nVia: x\r\n\r\n')
    expect(bare.kind === 'response' && [bare.status, bare.reason]).toEqual([200, ''])
  })

  it('knows compact names in any case, and finds them by either name [RFC 3261 §7.3.3]', () => {
    const message = decoded('OPTIONS sip:a SIP/2.0\r\nI: 1\r\nv: A\r\nVia: B\r\nCALL-ID: 2\r\no: resync\r\n\r\n')
    expect(header(message, 'Call-ID')).toBe('1')
    expect(headerAll(message, 'V')).toEqual(['A', 'B'])
    expect(header(message, 'Event')).toBe('resync')
    expect(header(message, 'Contact')).toBeUndefined()
  })

  it('joins folded lines and trims blanks around names and values [RFC 3261 §7.3.1]', () => {
    const message = decoded('OPTIONS sip:a SIP/2.0\r\nSubject \t:  one \r\n \t two\r\n\tthree\t\r\nTo:\r\n\r\n')
    expect(header(message, 's')).toBe('one two three')
    expect(header(message, 'To')).toBe('')
  })

  it('takes bare line feeds, mixed ends, and line ends before the message [RFC 3261 §7.5]', () => {
    const message = decoded(`\r\n\r\n\n${NOTIFY.replace(/\r\n/g, '\n').replace('\n', '\r\n')}`)
    expect(header(message, 'CSeq')).toBe('1 NOTIFY')
    expect(utf8Text(message.body)).toBe('body')
  })

  it('takes more blanks in the first line, and its version in lower case', () => {
    const message = decoded('NOTIFY \t sip:a   sip/2.0 \r\n\r\n')
    expect(message.kind === 'request' && message.uri).toBe('sip:a')
  })

  it('drops what a datagram holds behind Content-Length, and without one takes all [RFC 3261 §18.3]', () => {
    expect(utf8Text(decoded(`${NOTIFY}rest`).body)).toBe('body')
    expect(utf8Text(decoded(`${NOTIFY.replace('Content-Length: 4\r\n', '')}rest`).body)).toBe('bodyrest')
  })

  it('puts blanks for control characters and a sign for bytes that are not UTF-8', () => {
    const bytes = concatBytes([
      utf8Bytes('OPTIONS sip:a SIP/2.0\r\nSubject: a\0b\rc'),
      Uint8Array.of(0xe4),
      utf8Bytes('\r\n\r\n'),
    ])
    const message = decodeSip(bytes)
    expect(message.ok && header(message.value, 'Subject')).toBe('a b c\ufffd')
  })

  it.each([
    ['', 'truncated'],
    ['\r\n\r\n', 'truncated'],
    ['NOTIFY sip:a SIP/2.0\r\n', 'truncated'],
    ['NOTIFY sip:a SIP/2.0\r\nTo: x\r\n', 'truncated'],
    [NOTIFY.slice(0, -1), 'truncated'],
    [NOTIFY.replace('Length: 4', 'Length: 999999999'), 'truncated'],
    [NOTIFY.replace('Length: 4', 'Length: 9999999999'), 'bad-length'],
    [NOTIFY.replace('Length: 4', 'Length: -4'), 'bad-length'],
    [NOTIFY.replace('Length: 4', 'Length: 4x'), 'bad-length'],
    [NOTIFY.replace('Length: 4', 'Length: 4\r\nl: 3'), 'bad-length'],
    [NOTIFY.replace('Length: 4', 'Length: 4\r\nl: 4'), 'ok'],
    ['NOTIFY sip:a SIP/3.0\r\n\r\n', 'bad-start-line'],
    ['NOTIFY sip:a b SIP/2.0\r\n\r\n', 'bad-start-line'],
    ['NO"TIFY sip:a SIP/2.0\r\n\r\n', 'bad-start-line'],
    ['SIP/2.0 700 No\r\n\r\n', 'bad-start-line'],
    ['SIP/2.0 20 No\r\n\r\n', 'bad-start-line'],
    ['GET / HTTP/1.1\r\n\r\n', 'bad-start-line'],
    ['NOTIFY sip:a SIP/2.0\r\nno colon\r\n\r\n', 'bad-header'],
    ['NOTIFY sip:a SIP/2.0\r\n: x\r\n\r\n', 'bad-header'],
    ['NOTIFY sip:a SIP/2.0\r\n folded into nothing: x\r\n\r\n', 'bad-header'],
    ['NOTIFY sip:a SIP/2.0\r\nT o: x\r\n\r\n', 'bad-header'],
  ])('decodes %j as %s [RFC 3261 §7]', (text, code) => {
    expect(codeOf(text)).toBe(code)
  })

  it('takes as many bytes and headers as the limits say, and no more', () => {
    const start = 'OPTIONS sip:a SIP/2.0\r\n'
    const body = 'x'.repeat(SIP_BYTES_MAX - start.length - 2)
    expect([codeOf(`${start}\r\n${body}`), codeOf(`${start}\r\n${body}x`)]).toEqual(['ok', 'too-large'])
    const lines = 'A: 1\r\n'.repeat(SIP_HEADERS_MAX)
    expect([codeOf(`${start}${lines}\r\n`), codeOf(`${start}${lines}A: 1\r\n\r\n`)]).toEqual(['ok', 'too-many-headers'])
  })

  it.each([' \n', ' ', 'a\n', '\r', ':', '\ta:b\r\n'])('stays quick with as many %j as a message can hold', (piece) => {
    const start = 'OPTIONS sip:a SIP/2.0\r\nA: 1'
    const filler = piece.repeat((SIP_BYTES_MAX - 64) / piece.length)
    const started = performance.now()
    for (const text of [`${start}${filler}x\r\n\r\n`, `${start}\r\n${filler}x\r\n\r\n`, `A${filler}x\r\n\r\n`]) {
      expect(codeOf(text)).not.toBe('too-large')
      splitSipStream(utf8Bytes(text))
    }
    // Linear reading takes some tens of milliseconds; with the square of the length it is minutes.
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('never throws on random, cut or changed bytes, and writes again whatever it read', () => {
    const sample = utf8Bytes(NOTIFY)
    const mutated = fc
      .tuple(fc.nat(sample.length), fc.nat(12), fc.uint8Array({ maxLength: 8 }))
      .map(([at, count, insert]) => concatBytes([sample.subarray(0, at), insert, sample.subarray(at + count)]))
    const lines = fc
      .array(fc.constantFrom('\r\n', '\n', ' ', ':', 'a', 'SIP/2.0 200 x', 'A sip:b SIP/2.0', 'l: 1', '\0', '"', '\r'))
      .map((parts) => utf8Bytes(parts.join('')))
    fc.assert(
      fc.property(fc.oneof(mutated, lines, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const message = decodeSip(bytes)
        if (!message.ok) {
          expect(message.error.message.length).toBeGreaterThan(0)
          return
        }
        const written = encodeSip(message.value)
        const again = decodeSip(written)
        expect(again.ok && encodeSip(again.value)).toEqual(written)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('encodeSip', () => {
  it('writes the length that is true, once and last [RFC 3261 §20.14]', () => {
    const headers: readonly SipHeader[] = [
      ['l', '7'],
      ['Call-ID', '1'],
      ['content-length', '9'],
    ]
    const bytes = encodeSip({ kind: 'response', status: 200, reason: 'OK', headers, body: utf8Bytes('grün') })
    expect(utf8Text(bytes)).toBe('SIP/2.0 200 OK\r\nCall-ID: 1\r\nContent-Length: 5\r\n\r\ngrün')
  })

  const request: SipMessage = { kind: 'request', method: 'OPTIONS', uri: 'sip:a', headers: [], body: new Uint8Array(0) }
  it.each([
    ['a method with a blank', { ...request, method: 'OP TIONS' }],
    ['no method', { ...request, method: '' }],
    ['a URI with a blank', { ...request, uri: 'sip:a b' }],
    ['a URI with a line end', { ...request, uri: 'sip:a\r\nX:y' }],
    ['a header name with a colon', { ...request, headers: [['A:', 'x']] as const }],
    ['a value with a line end', { ...request, headers: [['A', 'x\r\nB: y']] as const }],
    ['a value with NUL', { ...request, headers: [['A', 'x\0']] as const }],
    [
      'a reason with a line end',
      { kind: 'response', status: 200, reason: 'OK\nA: b', headers: [], body: request.body } as const,
    ],
    ['a status of 99', { kind: 'response', status: 99, reason: '', headers: [], body: request.body } as const],
    ['a broken status', { kind: 'response', status: 200.5, reason: '', headers: [], body: request.body } as const],
  ])('refuses to write %s', (_, message) => {
    expect(() => encodeSip(message)).toThrow('Assertion failed')
  })

  it('is read back with a reason that holds a line separator of Unicode, which ends no line here [RFC 3261 §7.2]', () => {
    const reason = 'Busy\u2028here'
    const again = decodeSip(encodeSip({ kind: 'response', status: 486, reason, headers: [], body: new Uint8Array(0) }))
    expect(again.ok && again.value.kind === 'response' && again.value.reason).toBe(reason)
  })

  it('is read back as it was meant', () => {
    const token = fc.stringMatching(/^[A-Za-z0-9.!%*_+`'~-]{1,12}$/)
    const value = fc
      .string({ unit: 'grapheme', maxLength: 30 })
      .map((text) => text.replace(/[\u0000-\u001f\u007f]/g, '').replace(/^ +| +$/g, ''))
    const headers = fc.array(
      fc.tuple(token, value).filter(([name]) => !/^(l|content-length)$/i.test(name)),
      { maxLength: 20 },
    )
    const body = fc.uint8Array({ maxLength: 100 })
    const messages = fc.oneof(
      fc.record({ kind: fc.constant('request' as const), method: token, uri: token, headers, body }),
      fc.record({
        kind: fc.constant('response' as const),
        status: fc.integer({ min: 100, max: 699 }),
        reason: value,
        headers,
        body,
      }),
    )
    fc.assert(
      fc.property(messages, (message) => {
        const again = decodeSip(encodeSip(message))
        const length: SipHeader = ['Content-Length', String(message.body.length)]
        expect(again.ok && again.value).toEqual({ ...message, headers: [...message.headers, length] })
      }),
    )
  })
})

describe('splitSipStream', () => {
  const one = utf8Bytes(NOTIFY)

  it('cuts messages apart and keeps what is not complete [RFC 3261 §18.3]', () => {
    const ping = utf8Bytes('\r\n\r\n')
    const split = splitSipStream(concatBytes([ping, one, ping, one, ping, one.subarray(0, 50)]))
    expect(split.messages.map((bytes) => utf8Text(bytes))).toEqual([NOTIFY, NOTIFY])
    expect(utf8Text(split.rest)).toBe(NOTIFY.slice(0, 50))
    expect(split.broken).toBe(false)
  })

  it('takes a message without Content-Length as one without body [RFC 3261 §20.14]', () => {
    const split = splitSipStream(utf8Bytes('SIP/2.0 200 OK\r\nTo: x\r\n\r\nSIP/2.0'))
    expect([split.messages.length, utf8Text(split.rest)]).toEqual([1, 'SIP/2.0'])
  })

  it.each([
    ['a length that is none', NOTIFY.replace('Length: 4', 'Length: x')],
    ['a message over the limit', NOTIFY.replace('Length: 4', `Length: ${SIP_BYTES_MAX}`)],
    ['a head that does not end', `OPTIONS sip:a SIP/2.0\r\nA: ${'x'.repeat(SIP_BYTES_MAX)}`],
    ['what is no header', 'hello\r\nthere\r\n\r\n'],
  ])('gives up on %s, but not on what came before', (_, text) => {
    const split = splitSipStream(concatBytes([one, utf8Bytes(text)]))
    expect([split.messages.length, split.rest.length, split.broken]).toEqual([1, 0, true])
  })

  it('finds the same messages however the bytes arrive', () => {
    const messages = ['', 'a', '\r\n\r\n', 'SIP/2.0 200 OK\r\n\r\n'].map((body) =>
      encodeSip({ kind: 'response', status: 200, reason: 'OK', headers: [['i', '1']], body: utf8Bytes(body) }),
    )
    fc.assert(
      fc.property(fc.shuffledSubarray(messages), fc.array(fc.nat(40), { minLength: 1 }), (sent, sizes) => {
        const stream = concatBytes(sent)
        const found: (string | undefined)[] = []
        let rest: Uint8Array = new Uint8Array(0)
        for (let offset = 0, turn = 0; offset < stream.length; turn++) {
          const size = 1 + (sizes[turn % sizes.length] ?? 0)
          const split = splitSipStream(concatBytes([rest, stream.subarray(offset, offset + size)]))
          found.push(...split.messages.map((bytes) => utf8Text(bytes)))
          rest = split.rest
          offset += size
        }
        expect(found).toEqual(sent.map((bytes) => utf8Text(bytes)))
        expect(rest.length).toBe(0)
      }),
    )
  })

  it('never throws on random bytes, and loses none that it keeps', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        const split = splitSipStream(concatBytes([one, noise]))
        expect(split.messages.length).toBeGreaterThan(0)
        expect(split.rest.length).toBeLessThanOrEqual(noise.length)
      }),
    )
  })
})
