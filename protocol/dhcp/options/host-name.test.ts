import { describe, expect, it } from 'vitest'

import { utf8Bytes } from '../../bytes.ts'
import { decodeHostName, encodeHostName } from './host-name.ts'
import { expectNoThrow, expectRoundTrip, hex, hostNames, payloadOf, refusalOf, valueOf } from './testing-options.ts'
import { splitOption } from './vendor-data.ts'

// SEP14A2A0E0837A, as the log of a phone shows it.
const EXAMPLE = '0c 0f 53 45 50 31 34 41 32 41 30 45 30 38 33 37 41'

describe('option 12', () => {
  it('is the name that a phone gives itself [MPP §10.2]', () => {
    expect(valueOf(decodeHostName(payloadOf(12, EXAMPLE)))).toBe('SEP14A2A0E0837A')
    expect(valueOf(splitOption(12, valueOf(encodeHostName('SEP14A2A0E0837A'))))).toEqual(hex(EXAMPLE))
  })

  it('is read with NULs and spaces around it', () => {
    expect(valueOf(decodeHostName(utf8Bytes(' desk-7.example.com\0')))).toBe('desk-7.example.com')
  })

  it.each([
    ['', 'empty'],
    ['\0', 'empty'],
    ['a phone', 'bad-value'],
    ['-a', 'bad-value'],
    ['a..b', 'bad-value'],
    ['a\u0001', 'bad-value'],
    ['<script>', 'bad-value'],
    ['a'.repeat(64), 'bad-value'],
    [Array.from({ length: 130 }, () => 'a').join('.'), 'bad-value'],
  ])('refuses %j in both directions', (name, code) => {
    expect(refusalOf(decodeHostName(utf8Bytes(name)))).toMatch(new RegExp(`^${code}: Cannot read `))
    expect(refusalOf(encodeHostName(name))).toMatch(/^bad-value: Cannot send the host name /)
  })

  it('comes back as it was sent', () => {
    expectRoundTrip(encodeHostName, decodeHostName, hostNames)
  })

  it('never throws for random, cut or mutated bytes', () => {
    expectNoThrow(decodeHostName, hostNames.map(utf8Bytes))
  })
})
