/** What hostile and broken senders bring to the ACS: bytes, headers, bodies, and messages out of order. */
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { CWMP_NAMESPACE, type CwmpMessage, writeCwmp } from '../protocol/cwmp/mod.ts'
import { type AcsAnswer, type AcsDevice } from './testing-acs.ts'
import { head, informText, openAcsBench, post, proofOf, RawConnection } from './testing-acs-bench.ts'

const SEED = 69
const MIB = 1024 * 1024

const bench = await openAcsBench()
const { ports } = bench
/** Of whom the rest of the world stays served; several, since each may begin a session a second. */
const others = await Promise.all([1, 2, 3, 4].map(async () => bench.certified(await bench.bound())))
for (const other of others) await other.session(['0 BOOTSTRAP'])
let turns = 0
const ENDLESS = 64 * MIB
const BOMBS = { gzip: gzipSync(Buffer.alloc(ENDLESS)), deflate: deflateSync(Buffer.alloc(ENDLESS)) }

const raws: RawConnection[] = []
afterEach(() => {
  for (const raw of raws.splice(0)) raw.close()
})

async function plain(port = ports.port): Promise<RawConnection> {
  const raw = await RawConnection.plain(port)
  raws.push(raw)
  return raw
}

async function isServed(): Promise<void> {
  expect(await others[turns++ % others.length]?.session(['2 PERIODIC'])).toEqual([])
}

/** What bodies hold at most while something is done, in bytes beyond what there was. */
async function peakOf(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage().arrayBuffers
  let most = before
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers)), 1)
  await work()
  clearInterval(timer)
  return most - before
}

/** One way in which a message is spoiled. */
type Spoiling =
  | { readonly kind: 'cut'; readonly at: number }
  | { readonly kind: 'flip' | 'drop' | 'double'; readonly at: number; readonly count: number }
  | { readonly kind: 'put'; readonly at: number; readonly bytes: Uint8Array }

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const MARKUP = [
  '<',
  '>',
  '&',
  '&#0;',
  '&#x1F600;',
  '<!--',
  ']]>',
  '<![CDATA[',
  '</',
  'xmlns=""',
  '\0',
  '\u{1F600}',
  '"',
]
const spoiling: fc.Arbitrary<Spoiling> = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: place }),
  fc.record({
    kind: fc.constantFrom('flip' as const, 'drop' as const, 'double' as const),
    at: place,
    count: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({
    kind: fc.constant('put' as const),
    at: place,
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.constantFrom(...MARKUP.map((text) => new Uint8Array(Buffer.from(text)))),
    ),
  }),
)

function spoilt(whole: Buffer, how: readonly Spoiling[]): Buffer {
  return how.reduce((bytes, each) => {
    const at = Math.floor(each.at * bytes.length)
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    switch (each.kind) {
      case 'cut':
        return before
      case 'put':
        return Buffer.concat([before, each.bytes, after])
      case 'flip':
        return Buffer.concat([
          before,
          after.subarray(0, each.count).map((byte) => byte ^ 0x15),
          after.subarray(each.count),
        ])
      case 'drop':
        return Buffer.concat([before, after.subarray(each.count)])
      case 'double':
        return Buffer.concat([before, after.subarray(0, each.count * 10), after])
    }
  }, whole)
}

function spoilings(count: number): readonly (readonly Spoiling[])[] {
  return fc.sample(fc.array(spoiling, { minLength: 1, maxLength: 3 }), { seed: SEED, numRuns: count })
}

describe('spoilt messages', () => {
  it('of a certified device are answered or refused, never failed at, and others are served meanwhile [TR-069 §3]', async () => {
    const doors = await bench.doors({ session: { burst: 1e6 } })
    const device = bench.certified(await bench.bound(), doors)
    const whole = Buffer.from(informText(device))
    const seen = new Set<number>()
    for (const [index, how] of spoilings(250).entries()) {
      device.forgetCookie()
      seen.add((await device.post(spoilt(whole, how), { 'content-type': 'text/xml' })).status)
      if (index % 50 === 0) await isServed()
    }
    expect(seen).toEqual(new Set([200, 400]))
    expect(bench.errors).toEqual([])
    expect((await device.session(['1 BOOT'])).length).toBeGreaterThan(0)
  })

  it('in the middle of a session end it or go on, and the next session does its work [TR-069 §1.2]', async () => {
    const doors = await bench.doors({ session: { burst: 1e6 } })
    const device = bench.certified(await bench.bound(), doors)
    const seen = new Set<number>()
    for (const how of spoilings(80)) {
      await device.say(device.informOf(['0 BOOTSTRAP']))
      const asked = (await device.post('')).message
      expect(asked?.body.kind).toBe('GetParameterNames')
      seen.add((await device.post(spoilt(Buffer.from(namesOf(device, asked)), how))).status)
    }
    expect([...seen].filter((status) => ![200, 204, 400].includes(status))).toEqual([])
    expect(bench.errors).toEqual([])
    expect((await device.session(['0 BOOTSTRAP'])).map(({ kind }) => kind)).toContain('GetParameterValues')
    await isServed()
  })

  it('and headers of somebody unknown get 401 or a closed connection, and leave nothing behind', async () => {
    const whole = post(informText(bench.certified(await bench.bound())), {
      Cookie: 'offhook_acs=x',
      Authorization: 'Digest username="a", nonce="b"',
      'Content-Encoding': 'gzip',
    })
    const statuses = new Set<number | undefined>()
    for (const how of spoilings(250)) {
      const raw = await plain()
      raw.write(spoilt(whole, how))
      raw.socket.end()
      statuses.add((await raw.answer())?.status)
      raw.close()
    }
    for (const status of statuses) expect([undefined, 400, 401, 405, 417, 431]).toContain(status)
    expect(statuses).toContain(401)
    expect(bench.errors).toEqual([])
    await isServed()
  })

  it('with names and values beyond all measure cost only their own session', async () => {
    const device = bench.certified(await bench.bound())
    const long = (seed: number) =>
      Buffer.from(
        fc.sample(fc.uint8Array({ minLength: 9000, maxLength: 9000 }), { seed, numRuns: 1 })[0] ?? [],
      ).toString('hex')
    const names = [`Device.${long(1)}`, 'Device.\u{1F600}', `${'Device.'.repeat(60)}x`]
    const parameters = names.map((name, index) => ({ name, type: 'string' as const, value: long(index + 9) }))
    const events = Array.from({ length: 64 }, (_, index) => ({
      code: `X ${'\u{1F600}'.repeat(40)}${index}`,
      commandKey: '',
    }))
    const answer = await device.say(device.informOf(['0 BOOTSTRAP'], { parameters, events }))
    expect([200, 503]).toContain(answer.status)
    bench.errors.splice(0)
    await isServed()
    expect((await device.session(['0 BOOTSTRAP'])).length).toBeGreaterThan(0)
    expect(bench.errors).toEqual([])
  })
})

function namesOf(device: AcsDevice, asked: CwmpMessage | undefined): string {
  const body = device.answerTo({ kind: 'GetParameterNames', path: 'Device.', nextLevel: false })
  return writeCwmp({ id: asked?.id, namespace: CWMP_NAMESPACE, headers: {}, body })
}

describe('bodies without end', () => {
  /** Sends until it is all sent, or nobody listens any more. @returns bytes sent */
  async function pour(raw: RawConnection, chunked: boolean): Promise<number> {
    const piece = Buffer.alloc(64 * 1024, 0x20)
    const framed = chunked
      ? Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
      : piece
    let sent = 0
    while (sent < ENDLESS && (await raw.writeSlowly(framed))) sent += piece.length
    return sent
  }

  it.each([
    ['announced', false],
    ['chunked', true],
  ])('that are %s get 401 from whom nobody knows, and are not read to their end', async (_name, chunked) => {
    const raw = await plain()
    raw.write(head(chunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': ENDLESS }))
    expect((await raw.answer())?.status).toBe(401)
    const sent: number[] = []
    const peak = await peakOf(async () => void sent.push(await pour(raw, chunked)))
    await raw.closed
    expect(sent[0]).toBeLessThan(ENDLESS / 2)
    expect(peak).toBeLessThan(16 * MIB)
    await isServed()
  })

  it.each([
    ['announced', false],
    ['chunked', true],
  ])('that are %s get 413 from a bound device, at its first message and later [TR-069 §2]', async (_name, chunked) => {
    const bound = await bench.bound()
    const length = chunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': ENDLESS }
    for (const begun of [false, true]) {
      const raw = await RawConnection.tls(ports.tlsPort, bench.ca, bound.pair)
      raws.push(raw)
      if (begun) {
        raw.write(post(informText(bench.certified(bound))))
        expect((await raw.answer())?.status).toBe(200)
      }
      raw.write(head(length))
      const peak = await peakOf(async () => void (await pour(raw, chunked)))
      expect((await raw.answer())?.status).toBe(413)
      await raw.closed
      expect(peak).toBeLessThan((begun ? 32 : 16) * MIB)
    }
    await isServed()
  })

  it('and 65 KB that unpack to 64 MiB are unpacked only as far as a message may be long', async () => {
    const device = bench.certified(await bench.bound())
    for (const coding of ['gzip', 'deflate'] as const) {
      const answers: AcsAnswer[] = []
      const send = async () => void answers.push(await device.post(BOMBS[coding], { 'content-encoding': coding }))
      expect(await peakOf(send)).toBeLessThan(8 * MIB)
      await device.say(device.informOf(['1 BOOT']))
      expect(await peakOf(send)).toBeLessThan(32 * MIB)
      expect(answers.map(({ status }) => status)).toEqual([413, 413])
    }
    await isServed()
  })

  it('share one room: whoever finds none is told to come later, and small messages need none', async () => {
    const doors = await bench.doors({ door: { roomBytes: MIB } })
    const [large, small] = [bench.certified(await bench.bound(), doors), bench.certified(await bench.bound(), doors)]
    await large.say(large.informOf(['1 BOOT']))
    const held = await RawConnection.tls(doors.tlsPort, bench.ca, (await bench.bound()).pair)
    raws.push(held)
    expect((await large.post(' '.repeat(2 * MIB))).status).toBe(503)
    expect((await small.session(['0 BOOTSTRAP'])).length).toBeGreaterThan(0)
    // What was held is given back.
    await large.say(large.informOf(['1 BOOT']))
    expect((await large.post(' '.repeat(MIB))).status).toBe(400)
  })
})

describe('odd HTTP', () => {
  it('that asks first with Expect hears 401 before it sends its body, or 100 when it is known [TR-069 §2]', async () => {
    const bound = await bench.bound()
    const text = informText(bench.credentialed(bound))
    const asking = { Expect: '100-continue', 'Content-Length': Buffer.byteLength(text) }
    const raw = await plain()
    raw.write(head(asking))
    const refused = await raw.answer()
    expect(refused?.status).toBe(401)
    const challenge = /^www-authenticate: (.*)$/im.exec(refused?.head ?? '')?.[1] ?? ''
    const again = await plain()
    again.write(head({ ...asking, Authorization: proofOf(challenge, bound.credentials) }))
    expect((await again.answer())?.status).toBe(100)
    again.write(text)
    expect((await again.answer())?.status).toBe(200)
  })

  it('may come in chunks of any length, and is answered with a length [TR-069 §2]', async () => {
    const bound = await bench.bound()
    const raw = await RawConnection.tls(ports.tlsPort, bench.ca, bound.pair)
    raws.push(raw)
    raw.write(head({ 'Transfer-Encoding': 'chunked' }))
    for (const piece of informText(bench.certified(bound)).match(/.{1,7}/gs) ?? []) {
      raw.write(`${Buffer.byteLength(piece).toString(16)};x=y\r\n${piece}\r\n`)
    }
    raw.write('0\r\n\r\n')
    const answer = await raw.answer()
    expect([answer?.status, /content-length: [1-9]/i.test(answer?.head ?? '')]).toEqual([200, true])
  })

  it('may pack with gzip or deflate, with and without the header of zlib, and gets the like back [TR-069 §2]', async () => {
    const device = bench.certified(await bench.bound())
    const text = informText(device)
    const packed = [
      ['gzip', gzipSync(text)],
      ['x-gzip', Buffer.concat([gzipSync(text), Buffer.alloc(70_000)])],
      ['deflate', deflateSync(text)],
      ['Deflate', deflateRawSync(text)],
    ] as const
    for (const [coding, body] of packed) {
      const answer = await device.post(body, { 'content-encoding': coding })
      expect([answer.status, answer.headers['content-encoding']]).toEqual([200, coding.toLowerCase()])
    }
    for (const [coding, body] of [
      ['gzip', gzipSync(text).subarray(0, 50)],
      ['br', text],
      ['gzip', text],
    ] as const) {
      device.forgetCookie()
      expect((await device.post(body, { 'content-encoding': coding })).status).toBe(400)
    }
  })

  it.each<[string, (text: string) => Buffer, string | undefined]>([
    ['lines that end in LF', (text) => Buffer.from(text.replaceAll('><', '>\n<')), undefined],
    ['lines that end in CR LF', (text) => Buffer.from(text.replaceAll('><', '>\r\n<')), 'text/xml'],
    ['NULs at the end', (text) => Buffer.from(`${text}\0\0`), 'text/html; charset=utf-8'],
    ['Latin-1, said so', (text) => Buffer.from(text, 'latin1'), "application/soap+xml;charset='ISO-8859-1'"],
    ['Latin-1, said to be UTF-8', (text) => Buffer.from(text, 'latin1'), 'text/xml; charset="utf-8"'],
    ['UTF-16 with its mark', (text) => Buffer.from(`\ufeff${text}`, 'utf16le'), 'text/xml; charset=utf-16'],
    ['a charset that nobody knows', (text) => Buffer.from(text), 'text/xml; charset=klingon'],
    ['a Content-Type that is none', (text) => Buffer.from(text), ';;charset='],
  ])('with %s is read [TR-069 §2, §3.5]', async (_name, encode, type) => {
    const device = bench.certified(await bench.bound())
    const text = informText(device).replace('>Cisco<', '>Société<')
    const answer = await device.post(encode(text), type === undefined ? {} : { 'content-type': type })
    expect(answer.message?.body.kind).toBe('InformResponse')
  })

  it.each([
    ['lines of the head that end in LF only', 'POST / HTTP/1.1\nHost: acs\nContent-Length: 0\n\n', 400],
    ['a head of 20 KB', head({ 'X-Long': 'x'.repeat(20_000) }), 431],
    ['two lengths', head({ 'Content-Length': 3, 'content-length': 4 }), 400],
    ['a length and chunks', head({ 'Content-Length': 3, 'Transfer-Encoding': 'chunked' }), 400],
    ['a length that is no number', head({ 'Content-Length': '-1' }), 400],
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc', 400],
    ['another method', 'GET / HTTP/1.1\r\nHost: acs\r\n\r\n', 405],
    ['an expectation that nobody knows', head({ Expect: 'the-inquisition', 'Content-Length': 0 }), 417],
  ])('with %s is refused, and the connection closed', async (_name, bytes, status) => {
    const raw = await plain()
    raw.write(bytes)
    expect((await raw.answer())?.status).toBe(status)
    raw.socket.end()
    await raw.closed
    await isServed()
  })

  it('with a document type gets 400, however it is written [TR-069 §3.5]', async () => {
    const device = bench.certified(await bench.bound())
    const text = informText(device)
    const types = [
      '<!DOCTYPE x>',
      '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
      '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/">',
    ]
    for (const type of types) {
      const body = text.replace(/(\?>)?(?=<soap-env:Envelope)/, (end) => `${end}${type}`)
      expect(body).toContain(type)
      expect((await device.post(body)).status).toBe(400)
      expect((await device.post(Buffer.from(`\ufeff${body}`, 'utf16le'))).status).toBe(400)
    }
    await isServed()
  })
})

describe('who a message belongs to', () => {
  it('is told by a cookie among others, parted by commas, in quotes, in several lines [TR-069 §2.3]', async () => {
    for (const around of [
      (cookie: string) => ({ Cookie: `a=b, ${cookie},c=d` }),
      (cookie: string) => ({ Cookie: `a=b;${cookie.replace('=', '="')}"` }),
      (cookie: string) => ({ Cookie: `$Version=1, ${cookie}; $Path="/"` }),
      (cookie: string) => ({ Cookie: 'a=b', cookie }),
    ]) {
      const bound = await bench.bound()
      const first = await RawConnection.tls(ports.tlsPort, bench.ca, bound.pair)
      const second = await RawConnection.tls(ports.tlsPort, bench.ca, bound.pair)
      raws.push(first, second)
      first.write(post(informText(bench.certified(bound))))
      second.write(post('', around(cookieOf(await first.answer()))))
      expect((await second.answer())?.body).toContain('GetParameterNames')
    }
  })

  it('is not told by a cookie alone on another connection: 401, and the session goes on [TR-069 §2.2]', async () => {
    const [bound, other] = [await bench.bound(), await bench.bound()]
    const first = await RawConnection.tls(ports.tlsPort, bench.ca, bound.pair)
    raws.push(first)
    first.write(post(informText(bench.certified(bound))))
    const cookie = cookieOf(await first.answer())
    const thieves = [
      await plain(),
      await RawConnection.tls(ports.tlsPort, bench.ca),
      await RawConnection.tls(ports.tlsPort, bench.ca, other.pair),
    ]
    raws.push(...thieves)
    for (const thief of thieves) {
      thief.write(post('', { Cookie: cookie }))
      expect((await thief.answer())?.status).toBe(401)
    }
    first.write(post(''))
    expect((await first.answer())?.body).toContain('GetParameterNames')
  })

  it('is not told by an answer to a challenge that was taken before, also after a newer one [TR-069 §2.4]', async () => {
    const { credentials } = await bench.bound()
    const raw = await plain()
    async function status(authorization: string): Promise<number | undefined> {
      raw.write(post('', { Authorization: authorization }))
      return (await raw.answer())?.status
    }
    async function challenge(): Promise<string> {
      raw.write(post(''))
      return /^www-authenticate: (.*)$/im.exec((await raw.answer())?.head ?? '')?.[1] ?? ''
    }
    const old = await challenge()
    // 400: it is believed who this is, but a session begins with an Inform.
    expect(await status(proofOf(old, credentials, 1))).toBe(400)
    expect(await status(proofOf(old, credentials, 1))).toBe(401)
    expect(await status(proofOf(old, credentials, 3))).toBe(400)
    expect(await status(proofOf(old, credentials, 2))).toBe(401)
    const younger = await challenge()
    expect(younger).not.toBe(old)
    expect(await status(proofOf(younger, credentials, 1))).toBe(400)
    for (const count of [1, 3, 4]) expect(await status(proofOf(old, credentials, count))).toBe(401)
    expect(await status(proofOf(younger, credentials, 2))).toBe(400)
    expect(await status(proofOf(younger, { ...credentials, password: 'wrong' }, 3))).toBe(401)
  })

  it('is told that its challenge is stale after five minutes [TR-069 §2.4]', async () => {
    let now = Date.now()
    const doors = await bench.doors({ now: () => now })
    const { credentials } = await bench.bound()
    const raw = await plain(doors.port)
    raw.write(post(''))
    const challenge = /^www-authenticate: (.*)$/im.exec((await raw.answer())?.head ?? '')?.[1] ?? ''
    now += 5 * 60_000 + 1
    raw.write(post('', { Authorization: proofOf(challenge, credentials) }))
    expect((await raw.answer())?.head).toMatch(/www-authenticate: .*stale=true/i)
  })
})

function cookieOf(answer: { readonly head: string } | undefined): string {
  return /^set-cookie: ([^;\r\n]+)/im.exec(answer?.head ?? '')?.[1] ?? ''
}

describe('messages at once', () => {
  it('on one connection: the second is told to wait, the first is answered', async () => {
    const bound = await bench.bound()
    const raw = await RawConnection.tls(ports.tlsPort, bench.ca, bound.pair)
    raws.push(raw)
    raw.write(post(informText(bench.certified(bound))))
    await raw.answer()
    raw.write(Buffer.concat([post(''), post('')]))
    const [first, second] = [await raw.answer(), await raw.answer()]
    expect([first?.status, second?.status]).toEqual([200, 503])
    expect(second?.head).toMatch(/retry-after: 1/i)
  })

  it('on two connections that prove themselves at once: never are both answered as if they were alone', async () => {
    const bound = await bench.bound()
    for (let round = 0; round < 10; round++) {
      const device = bench.certified(bound)
      const [one, two] = await Promise.all([0, 1].map(() => RawConnection.tls(ports.tlsPort, bench.ca, bound.pair)))
      if (one === undefined || two === undefined) return
      raws.push(one, two)
      const first = await device.post(informText(device, ['0 BOOTSTRAP']))
      if (first.status === 503) break
      const cookie = cookieOf({ head: `set-cookie: ${first.headers['set-cookie']?.[0] ?? ''}` })
      for (const raw of [one, two]) raw.write(post('', { Cookie: cookie }))
      const [lower, higher] = [(await one.answer())?.status, (await two.answer())?.status].sort((a = 0, b = 0) => a - b)
      expect(lower).toBe(200)
      expect([400, 503]).toContain(higher)
    }
  })

  it('and an Inform within a session begins anew, on the same connection or another one [TR-069 §1.2]', async () => {
    const bound = await bench.bound()
    const device = bench.certified(bound)
    await device.session(['0 BOOTSTRAP'])
    const asked = async () => (await device.post('')).message?.body.kind
    await device.say(device.informOf(['0 BOOTSTRAP']))
    expect(await asked()).toBe('GetParameterNames')
    await device.say(device.informOf(['0 BOOTSTRAP']))
    expect(await asked()).toBe('GetParameterNames')
    device.disconnect()
    await device.say(device.informOf(['0 BOOTSTRAP']))
    expect(await asked()).toBe('GetParameterNames')
    const secret = bench.credentialed(bound)
    await secret.say(secret.informOf(['1 BOOT']))
    await secret.say(secret.informOf(['1 BOOT']))
    secret.disconnect()
    expect((await secret.say(secret.informOf(['1 BOOT']))).message?.body.kind).toBe('InformResponse')
    // The older session of the same device is over.
    expect((await device.post('')).status).not.toBe(200)
    expect(await bench.provider.eventsOf(bound.mac)).toContain('tr069.session-failed')
  })
})
