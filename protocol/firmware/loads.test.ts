import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8Bytes } from '../bytes.ts'
import {
  checkPart,
  LOADS_BYTES_MAX,
  loadFamily,
  loadVersionText,
  PARTS_MAX,
  parseLoadName,
  parseLoads,
  printLoads,
} from './mod.ts'

const HASH = 'ab'.repeat(32)

describe('load names', () => {
  it.each([
    ['/fw/sip88xx.12-0-2MPP0001-609.loads', 'sip88xx.12-0-2MPP0001-609'],
    ['sip78xx.11-0-1MPP-312.loads?x=1/2.loads', 'sip78xx.11-0-1MPP-312'],
    ['/fw/sip88xx.LOADS', 'sip88xx'],
    ['/fw/sip88xx.sbn', undefined],
    ['/fw/..loads', undefined],
    ['', undefined],
  ])('reads the load name %s as %s [MPP §6]', (path, name) => {
    expect(parseLoadName(path)).toBe(name)
  })

  it.each([
    ['sip88xx.12-0-2MPP0001-609', 'sip88xx', '12.0.2'],
    ['sip88xx.11-0-1MPP-376', 'sip88xx', '11.0.1'],
    ['sip8845_65.12-0-2MPP0001-20230510-156252b771', 'sip8845_65', '12.0.2'],
    ['12.0.2MPP0001.116', '12', '12.0.2'],
    ['nothing', 'nothing', undefined],
  ])('takes family and version from %s [MPP §4.3]', (name, family, version) => {
    expect(loadFamily(name)).toBe(family)
    expect(loadVersionText(name)).toBe(version)
  })
})

describe('.loads files', () => {
  it('names the load and its parts', () => {
    const text = `offhook-load 1 sip88xx.12-0-7MPP0201-66\npart rootfs88xx.sbn 61 ${HASH.toUpperCase()}\n`
    expect(parseLoads(utf8Bytes(text), '/fw/other.loads')).toEqual({
      ok: true,
      value: {
        name: 'sip88xx.12-0-7MPP0201-66',
        parts: [{ name: 'rootfs88xx.sbn', byteCount: 61, sha256: HASH }],
        opaque: false,
      },
    })
  })

  it('takes foreign content as opaque, named by the file', () => {
    expect(parseLoads(Uint8Array.of(1, 2, 255), '/fw/sip88xx.11-0-1MPP-376.loads')).toEqual({
      ok: true,
      value: { name: 'sip88xx.11-0-1MPP-376', parts: [], opaque: true },
    })
  })

  it.each([
    ['bad-name', 'x', '/fw/a.sbn'],
    ['bad-name', 'offhook-load 1 ../up', '/fw/a.loads'],
    ['bad-line', 'offhook-load 1 a\npart b 1', '/fw/a.loads'],
    ['bad-line', `offhook-load 1 a\npart ../b 1 ${HASH}`, '/fw/a.loads'],
    ['too-many-parts', `offhook-load 1 a\n${`part b 1 ${HASH}\n`.repeat(PARTS_MAX + 1)}`, '/fw/a.loads'],
    ['too-large', 'x'.repeat(LOADS_BYTES_MAX + 1), '/fw/a.loads'],
  ])('refuses with %s', (code, text, fileName) => {
    const result = parseLoads(utf8Bytes(text), fileName)
    expect(result.ok ? 'ok' : result.error.code).toBe(code)
  })

  it('knows a part by length and hash', () => {
    const bytes = utf8Bytes('part content')
    const part = { name: 'a.sbn', byteCount: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
    expect(checkPart(part, bytes)).toBe(true)
    expect(checkPart(part, utf8Bytes('part Content'))).toBe(false)
    expect(checkPart({ ...part, byteCount: 1 }, bytes)).toBe(false)
  })

  it('reads what it writes', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$/)
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'))
    const part = fc.record({ name, byteCount: fc.nat(1_000_000), sha256: hash })
    fc.assert(
      fc.property(name, fc.array(part, { maxLength: 5 }), (loadName, parts) => {
        expect(parseLoads(printLoads({ name: loadName, parts }), 'x.loads')).toEqual({
          ok: true,
          value: { name: loadName, parts, opaque: false },
        })
      }),
    )
  })

  it('never throws on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string({ maxLength: 40 }), (bytes, fileName) => {
        const framed = Buffer.concat([Buffer.from('offhook-load 1 a\n'), bytes])
        expect(typeof parseLoads(bytes, fileName).ok).toBe('boolean')
        expect(typeof parseLoads(framed, 'a.loads').ok).toBe('boolean')
      }),
    )
  })
})
