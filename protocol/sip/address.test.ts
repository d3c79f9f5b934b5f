import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { parseAddress, parseEvent, parseSipUri, parseVia, printSipUri, SIP_BYTES_MAX, splitSipList } from './mod.ts'

/** Any UTF-16 unit, lone surrogates too. */
const codeUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code))

describe('parseAddress', () => {
  it.each([
    ['<sip:1001@example.com>;tag=a1', undefined, 'sip:1001@example.com', { tag: 'a1' }],
    ['"Front \\"Desk\\"" <sip:a@b;lr>; TAG = x ', 'Front "Desk"', 'sip:a@b;lr', { tag: 'x' }],
    ['"a <b>, c; d" <sip:a@b>', 'a <b>, c; d', 'sip:a@b', {}],
    ['Front Desk <sips:a@b>', 'Front Desk', 'sips:a@b', {}],
    ['sip:a@b;tag=1;x', undefined, 'sip:a@b', { tag: '1', x: '' }],
    ['<tel:+15551234>', undefined, 'tel:+15551234', {}],
    ['<sip:a@b>;q="1;2";expires=60', undefined, 'sip:a@b', { q: '1;2', expires: '60' }],
  ])('reads %j [RFC 3261 §20.10]', (text, displayName, uri, params) => {
    const address = parseAddress(text)
    expect([address?.displayName, address?.uri]).toEqual([displayName, uri])
    expect(Object.fromEntries(address?.params ?? [])).toEqual(params)
  })

  it.each(['', '*', 'a', '<sip:a@b', 'sip:a@b>', '"x <sip:a@b>', 'x" <sip:a@b>', '<>', '<sip:a@b> x', 'a b@c'])(
    'refuses %j [RFC 3261 §20.10]',
    (text) => {
      expect(parseAddress(text)).toBeUndefined()
    },
  )

  it('keeps the first of a repeated parameter', () => {
    expect(parseAddress('<sip:a@b>;tag=1;tag=2')?.params.get('tag')).toBe('1')
  })
})

describe('parseSipUri', () => {
  it.each([
    ['sip:1001@example.com', 'sip', '1001', 'example.com', undefined, {}],
    [
      'SIPS:a%20b:secret@Example.COM:5061;Transport=TCP;lr',
      'sips',
      'a b',
      'example.com',
      5061,
      { transport: 'TCP', lr: '' },
    ],
    ['sip:example.com', 'sip', undefined, 'example.com', undefined, {}],
    ['sip:a@[2001:DB8::1]:5060?Subject=x', 'sip', 'a', '2001:db8::1', 5060, {}],
    ['sip:*97;x=1@10.0.0.1', 'sip', '*97;x=1', '10.0.0.1', undefined, {}],
    ['sip:50%off@h', 'sip', '50%off', 'h', undefined, {}],
  ])('reads %j [RFC 3261 §19.1]', (text, scheme, user, host, port, params) => {
    const uri = parseSipUri(text)
    expect([uri?.scheme, uri?.user, uri?.host, uri?.port]).toEqual([scheme, user, host, port])
    expect(Object.fromEntries(uri?.params ?? [])).toEqual(params)
  })

  it.each([
    '',
    'sip:',
    'sip:@h',
    'tel:1',
    'http://h',
    'sip:a@',
    'sip:a@h:0',
    'sip:a@h:65536',
    'sip:a@h x',
    'sip:a@[::1',
    'sip:h:',
  ])('refuses %j [RFC 3261 §19.1]', (text) => {
    expect(parseSipUri(text)).toBeUndefined()
  })

  it('reads back what printSipUri writes, for any user', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.constantFrom('example.com', '10.0.0.1', '2001:db8::1'),
        fc.integer({ min: 1, max: 65_535 }),
        (user, host, port) => {
          const text = printSipUri({ scheme: 'sip', user, host, port, params: new Map([['transport', 'tcp']]) })
          expect(/^[\x21-\x7e]+$/.test(text)).toBe(true)
          const uri = parseSipUri(text)
          expect([uri?.user, uri?.host, uri?.port, uri?.params.get('transport')]).toEqual([user, host, port, 'tcp'])
        },
      ),
    )
  })
})

describe('parseVia', () => {
  it.each([
    ['SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport', 'UDP', '192.0.2.1', 5060, { branch: 'z9hG4bK1', rport: '' }],
    [
      'SIP / 2.0 / tcp  first.example.com : 4000 ; received="x,y", SIP/2.0/UDP b',
      'TCP',
      'first.example.com',
      4000,
      { received: 'x,y' },
    ],
    [
      'SIP/2.0/TLS [2001:db8::9:1];received=2001:db8::1',
      'TLS',
      '2001:db8::9:1',
      undefined,
      { received: '2001:db8::1' },
    ],
  ])('reads %j [RFC 3261 §20.42]', (text, transport, host, port, params) => {
    const via = parseVia(text)
    expect([via?.transport, via?.host, via?.port]).toEqual([transport, host, port])
    expect(Object.fromEntries(via?.params ?? [])).toEqual(params)
  })

  it.each([
    '',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP ;branch=x',
    'SIP/1.0/UDP h',
    'HTTP/2.0/UDP h',
    'SIP/2.0/UDP h:x',
    'SIP/2.0/UDP h i',
  ])('refuses %j [RFC 3261 §20.42]', (text) => {
    expect(parseVia(text)).toBeUndefined()
  })
})

describe('parseEvent', () => {
  it('reads the profile of a resync [MPP §8]', () => {
    const event = parseEvent('resync ; profile="http://host/profile.xml?a=1;b"')
    expect(event?.name).toBe('resync')
    expect(event?.params.get('profile')).toBe('http://host/profile.xml?a=1;b')
    expect(parseEvent('reboot_now')?.params.size).toBe(0)
  })

  it.each(['', ';profile=x', 'a b', '"resync"'])('refuses %j', (text) => {
    expect(parseEvent(text)).toBeUndefined()
  })
})

describe('all readers of values', () => {
  it('split lists outside of quotes and brackets [RFC 3261 §7.3.1]', () => {
    expect(splitSipList('"a,b\\"," <sip:x,y>;p=1 , , sip:c,<sip:d')).toEqual([
      '"a,b\\"," <sip:x,y>;p=1',
      'sip:c',
      '<sip:d',
    ])
  })

  const readers = [parseAddress, parseSipUri, parseVia, parseEvent, splitSipList]

  it('never throw on random text', () => {
    const pieces = fc.constantFrom(
      '"',
      '\\',
      '<',
      '>',
      ';',
      ',',
      '=',
      ':',
      '@',
      ' ',
      '%',
      '[',
      ']',
      'sip:',
      'a',
      'SIP/2.0/UDP ',
    )
    const text = fc.oneof(
      fc.string({ unit: codeUnit }),
      fc.array(pieces).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (value) => {
        for (const read of readers) {
          const found = read(value)
          expect(found === undefined || typeof found === 'object').toBe(true)
        }
      }),
      { numRuns: 1000 },
    )
  })

  it.each([' ', '"', '\\"', '<', ';', ',', 'a ', '; ', '"\\', '<,', ' rport =', ':', '[', '/ '])(
    'stay quick with as many %j as a message can hold',
    (piece) => {
      const filler = piece.repeat(SIP_BYTES_MAX / piece.length)
      const started = performance.now()
      for (const text of [filler, `"${filler}`, `SIP/2.0/UDP h${filler}x`, `sip:a@b${filler}x`, `<sip:a>${filler}x`]) {
        for (const read of readers) read(text)
      }
      // Linear reading takes some tens of milliseconds; with the square of the length it is minutes.
      expect(performance.now() - started).toBeLessThan(10_000)
    },
  )
})
