import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { utf8Text } from '../bytes.ts'
import { checkDigest, type DigestChallenge, digestChallengeHeader, parseDigestAuthorization } from '../http/mod.ts'
import {
  authorizeRequest,
  buildRegister,
  buildRequest,
  buildResponse,
  decodeSip,
  encodeSip,
  header,
  headerAll,
  parseAddress,
  parseVia,
  type SipMessage,
  type SipRegisterParts,
  type SipRequest,
  type SipResponse,
} from './mod.ts'

const PARTS: SipRegisterParts = {
  registrar: 'sip:example.com',
  address: 'sip:1001@example.com',
  displayName: 'Front "Desk"',
  contact: 'sip:1001@192.168.1.100:5060',
  expiresSeconds: 3600,
  callId: 'c1@192.168.1.100',
  cseq: 7,
  branch: 'z9hG4bKa',
  fromTag: 't1',
  via: { transport: 'UDP', host: '192.168.1.100', port: 5060 },
  userAgent: 'Cisco-CP-8851-3PCC/12.0.2',
}
const CHALLENGE: DigestChallenge = { realm: 'example.com', nonce: 'n1', qop: 'auth', algorithm: 'MD5', stale: false }
const ACCOUNT = { username: '1001', password: 'open sesame' }

function challenged(status: number, name: string, value: string): SipResponse {
  return { kind: 'response', status, reason: 'Unauthorized', headers: [[name, value]], body: new Uint8Array(0) }
}

function request(text: string): SipRequest {
  const message = decodeSip(text)
  if (!message.ok || message.value.kind !== 'request') throw new Error('the sample is no request')
  return message.value
}

describe('buildRegister', () => {
  it('writes a registration [RFC 3261 §10.2]', () => {
    expect(utf8Text(encodeSip(buildRegister(PARTS)))).toBe(
      [
        'REGISTER sip:example.com SIP/2.0',
        'Via: SIP/2.0/UDP 192.168.1.100:5060;branch=z9hG4bKa;rport',
        'Max-Forwards: 70',
        'From: "Front \\"Desk\\"" <sip:1001@example.com>;tag=t1',
        'To: <sip:1001@example.com>',
        'Call-ID: c1@192.168.1.100',
        'CSeq: 7 REGISTER',
        'Contact: <sip:1001@192.168.1.100:5060>;expires=3600',
        'Expires: 3600',
        'User-Agent: Cisco-CP-8851-3PCC/12.0.2',
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    )
  })

  it('lets no value of a profile make a header of its own', () => {
    const built = buildRegister({ ...PARTS, displayName: 'a\r\nX: y', userAgent: 'b\nX: z' })
    const message = decodeSip(encodeSip(built))
    expect(message.ok && header(message.value, 'X')).toBeUndefined()
    expect(message.ok && header(message.value, 'User-Agent')).toBe('b X: z')
  })

  it('writes a way back over IPv6 with brackets', () => {
    const via = header(buildRegister({ ...PARTS, via: { transport: 'TLS', host: '2001:db8::1', port: 5061 } }), 'Via')
    expect(via).toBe('SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bKa;rport')
    expect(parseVia(via ?? '')?.host).toBe('2001:db8::1')
  })
})

describe('authorizeRequest', () => {
  const authorization = { ...ACCOUNT, branch: 'z9hG4bKb', cnonce: 'c' }

  it.each([
    [401, 'WWW-Authenticate', 'Authorization'],
    [407, 'Proxy-Authenticate', 'Proxy-Authorization'],
  ])(
    'repeats what was answered with %i under the next CSeq and a new branch [RFC 3261 §22.2]',
    (status, asks, answers) => {
      const first = buildRegister(PARTS)
      const again = authorizeRequest(first, challenged(status, asks, digestChallengeHeader(CHALLENGE)), authorization)
      const parsed = parseDigestAuthorization(again === undefined ? '' : (header(again, answers) ?? ''))
      expect(
        parsed !== undefined && checkDigest(parsed, { method: 'REGISTER', uri: 'sip:example.com', ...ACCOUNT }),
      ).toBe(true)
      expect(parsed?.protection?.nonceCount).toBe(1)
      expect(again?.headers.slice(0, -1)).toEqual(
        first.headers.map(([name, value]) => [
          name,
          value.replace('z9hG4bKa', 'z9hG4bKb').replace('7 REGISTER', '8 REGISTER'),
        ]),
      )
    },
  )

  it('answers the first digest that we know among several [RFC 3261 §22.3]', () => {
    const several = {
      ...challenged(401, 'www-authenticate', 'Digest realm="x", nonce="1", algorithm=SHA-512-256'),
      headers: [
        ['www-authenticate', 'Digest realm="x", nonce="1", algorithm=SHA-512-256'],
        ['WWW-Authenticate', 'Basic realm="y", Digest realm="z", nonce="3"'],
        ['WWW-Authenticate', 'Digest realm="w", nonce="4"'],
      ] as const,
    }
    const again = authorizeRequest(buildRegister(PARTS), several, authorization)
    expect(parseDigestAuthorization(again === undefined ? '' : (header(again, 'Authorization') ?? ''))?.realm).toBe('z')
  })

  it('replaces an answer that was refused', () => {
    const stale = digestChallengeHeader({ ...CHALLENGE, nonce: 'n2', stale: true })
    const first = authorizeRequest(buildRegister(PARTS), challenged(401, 'WWW-Authenticate', stale), authorization)
    const next = first && authorizeRequest(first, challenged(401, 'WWW-Authenticate', stale), authorization)
    expect(next === undefined ? [] : headerAll(next, 'Authorization').length).toBe(1)
    expect(next === undefined ? '' : header(next, 'CSeq')).toBe('9 REGISTER')
  })

  it.each([
    [200, 'WWW-Authenticate', digestChallengeHeader(CHALLENGE)],
    [401, 'Proxy-Authenticate', digestChallengeHeader(CHALLENGE)],
    [401, 'WWW-Authenticate', 'Basic realm="x"'],
    [401, 'WWW-Authenticate', ''],
  ])('does not repeat after %i with %s: %s', (status, name, value) => {
    expect(authorizeRequest(buildRegister(PARTS), challenged(status, name, value), authorization)).toBeUndefined()
  })
})

describe('buildResponse', () => {
  const NOTIFY = [
    'NOTIFY sip:1001@192.168.1.100 SIP/2.0',
    'v: SIP/2.0/UDP proxy.example.com:5060;rport;branch=z9hG4bK1;received=10.9.9.9, SIP/2.0/TCP other;branch=z9hG4bK2',
    'Via: SIP/2.0/UDP third;branch=z9hG4bK3',
    'f: <sip:offhook@example.com>;tag=a',
    't: <sip:1001@example.com>',
    'i: 1@example.com',
    'CSeq: 1 NOTIFY',
    'Event: resync',
    '',
    '',
  ].join('\r\n')

  it('copies what belongs to the transaction, and tags To [RFC 3261 §8.2.6]', () => {
    const response = buildResponse(request(NOTIFY), {
      status: 200,
      reason: 'OK',
      toTag: 'p1',
      headers: [['Server', 'x']],
    })
    expect(response.headers).toEqual([
      [
        'Via',
        'SIP/2.0/UDP proxy.example.com:5060;rport;branch=z9hG4bK1;received=10.9.9.9, SIP/2.0/TCP other;branch=z9hG4bK2',
      ],
      ['Via', 'SIP/2.0/UDP third;branch=z9hG4bK3'],
      ['From', '<sip:offhook@example.com>;tag=a'],
      ['To', '<sip:1001@example.com>;tag=p1'],
      ['Call-ID', '1@example.com'],
      ['CSeq', '1 NOTIFY'],
      ['Server', 'x'],
    ])
  })

  it('keeps a tag that To has, and puts none on 100 [RFC 3261 §8.2.6.2]', () => {
    const tagged = request(NOTIFY.replace('<sip:1001@example.com>', '<sip:1001@example.com>;tag=old'))
    expect(header(buildResponse(tagged, { status: 200, reason: 'OK', toTag: 'p1' }), 'To')).toBe(
      '<sip:1001@example.com>;tag=old',
    )
    const trying = buildResponse(request(NOTIFY), { status: 100, reason: 'Trying', toTag: 'p1' })
    expect(header(trying, 'To')).toBe('<sip:1001@example.com>')
  })

  it.each([
    ['UDP h;branch=b;rport', 'UDP h;branch=b;rport=5070;received=192.0.2.10'],
    ['UDP 192.0.2.10;rport ;branch=b', 'UDP 192.0.2.10;rport=5070;branch=b;received=192.0.2.10'],
    ['UDP 192.0.2.10:5070;branch=b', 'UDP 192.0.2.10:5070;branch=b'],
    ['UDP h;branch=b;received=9.9.9.9', 'UDP h;branch=b;received=192.0.2.10'],
    ['UDP h;branch=b, SIP/2.0/UDP i;rport', 'UDP h;branch=b;received=192.0.2.10, SIP/2.0/UDP i;rport'],
  ])('notes in Via %s where the request came from [RFC 3581 §4]', (via, noted) => {
    const source = { address: '192.0.2.10', port: 5070 }
    const response = buildResponse(request(`OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/${via}\r\n\r\n`), {
      status: 200,
      reason: 'OK',
      source,
    })
    expect(header(response, 'Via')).toBe(`SIP/2.0/${noted}`)
  })

  it('answers any request that can be read with a response that can be written', () => {
    const pieces = fc.constantFrom(
      'Via: SIP/2.0/UDP h;rport',
      'v:',
      'To: <sip:a@b>',
      't: "',
      'From: x',
      ', ',
      ';',
      '\0',
      '\r\n',
    )
    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        const message = decodeSip(`OPTIONS sip:a SIP/2.0\r\n${parts.join('')}\r\n\r\n`)
        fc.pre(message.ok && message.value.kind === 'request')
        const asked: SipMessage | undefined = message.ok ? message.value : undefined
        if (asked?.kind !== 'request') return
        const source = { address: '192.0.2.10', port: 5070 }
        const response = encodeSip(buildResponse(asked, { status: 489, reason: 'Bad Event', toTag: 'p', source }))
        expect(decodeSip(response).ok).toBe(true)
      }),
    )
  })
})

describe('buildRequest', () => {
  it('writes a NOTIFY that a phone reads [MPP §8]', () => {
    const notify = buildRequest({
      method: 'NOTIFY',
      uri: 'sip:1001@proxy.example.com',
      from: 'sip:offhook@example.com',
      fromTag: 'f',
      to: 'sip:1001@example.com',
      callId: 'x',
      cseq: 1,
      branch: 'z9hG4bKn',
      via: { transport: 'UDP', host: '192.0.2.10', port: 5070 },
      headers: [['Event', 'resync']],
    })
    const read = request(utf8Text(encodeSip(notify)) ?? '')
    expect([read.method, header(read, 'o'), header(read, 'CSeq')]).toEqual(['NOTIFY', 'resync', '1 NOTIFY'])
    expect(parseAddress(header(read, 'From') ?? '')?.params.get('tag')).toBe('f')
  })
})
