import { describe, expect, it } from 'vitest'

import { utf8Bytes } from '../../bytes.ts'
import { decodeDomainName, encodeDomainName } from './domain-name.ts'
import { expectNoThrow, expectRoundTrip, hex, hostNames, payloadOf, refusalOf, valueOf } from './testing-options.ts'
import { splitOption } from './vendor-data.ts'

// example.com
const EXAMPLE = '0f 0b 65 78 61 6d 70 6c 65 2e 63 6f 6d'

describe('option 15', () => {
  it('is the domain of the network [MPP §4.6, §10.1]', () => {
    expect(valueOf(decodeDomainName(payloadOf(15, EXAMPLE)))).toBe('example.com')
    expect(valueOf(splitOption(15, valueOf(encodeDomainName('example.com'))))).toEqual(hex(EXAMPLE))
  })

  it('is read without the dot or NUL that closes it', () => {
    expect(valueOf(decodeDomainName(utf8Bytes('example.com.\0')))).toBe('example.com')
  })

  it('refuses what is no name', () => {
    expect(refusalOf(decodeDomainName(hex('')))).toMatch(/^empty: Cannot read a domain name/)
    expect(refusalOf(decodeDomainName(utf8Bytes('example .com')))).toMatch(/^bad-value: Cannot read the domain name/)
    expect(refusalOf(encodeDomainName('example.com.'))).toMatch(/^bad-value: Cannot send the domain name/)
  })

  it('comes back as it was sent', () => {
    expectRoundTrip(encodeDomainName, decodeDomainName, hostNames)
  })

  it('never throws for random, cut or mutated bytes', () => {
    expectNoThrow(decodeDomainName, hostNames.map(utf8Bytes))
  })
})
