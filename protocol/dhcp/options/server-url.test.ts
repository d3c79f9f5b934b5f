import { describe, expect, it } from 'vitest'

import { utf8Bytes } from '../../bytes.ts'
import { decodeServerUrl, encodeServerUrl } from './server-url.ts'
import { expectNoThrow, expectRoundTrip, hex, payloadOf, refusalOf, serverTexts, valueOf } from './testing-options.ts'
import { splitOption } from './vendor-data.ts'

// http://10.0.0.1
const EXAMPLE_159 = '9f 0f 68 74 74 70 3a 2f 2f 31 30 2e 30 2e 30 2e 31'
const URL_160 = 'https://myconfigs.example.com:888/configs/bootstrap.cfg'
// As DHCPv6 frames it: code and length of 16 bits, then the same text.
const EXAMPLE_160_V6 = `00 a0 00 37
68 74 74 70 73 3a 2f 2f 6d 79 63 6f 6e 66 69 67 73 2e 65 78 61 6d 70 6c 65 2e 63 6f 6d 3a 38 38 38
2f 63 6f 6e 66 69 67 73 2f 62 6f 6f 74 73 74 72 61 70 2e 63 66 67`

describe('options 159 and 160', () => {
  it('are the text of a URL [MPP §10.1]', () => {
    expect(valueOf(decodeServerUrl(payloadOf(159, EXAMPLE_159)))).toBe('http://10.0.0.1')
    expect(valueOf(splitOption(159, valueOf(encodeServerUrl('http://10.0.0.1'))))).toEqual(hex(EXAMPLE_159))
  })

  it('hold the same text in DHCPv6 [MPP §10.1]', () => {
    expect(valueOf(decodeServerUrl(hex(EXAMPLE_160_V6).subarray(4)))).toBe(URL_160)
    expect(valueOf(encodeServerUrl(URL_160))).toEqual(hex(EXAMPLE_160_V6).subarray(4))
  })

  it('keep a list as it is written, and drop what closes it [MPP §10.1]', () => {
    expect(valueOf(decodeServerUrl(utf8Bytes('HTTP://192.0.2.1;192.0.2.2\0')))).toBe('HTTP://192.0.2.1;192.0.2.2')
  })

  it('refuse what is no text, and do not repeat it', () => {
    const secret = utf8Bytes('http://ann:zQ9-hidden@h/\u0007')
    expect(refusalOf(decodeServerUrl(secret))).toMatch(/^bad-value: Cannot read a server URL: /)
    expect(refusalOf(decodeServerUrl(secret))).not.toContain('hidden')
    expect(refusalOf(decodeServerUrl(hex('')))).toMatch(/^empty: /)
    expect(refusalOf(encodeServerUrl('x'.repeat(256)))).toMatch(/^too-long: Cannot send server URL of 256 bytes/)
  })

  it('come back as they were sent', () => {
    expectRoundTrip(encodeServerUrl, decodeServerUrl, serverTexts)
  })

  it('never throw for random, cut or mutated bytes', () => {
    expectNoThrow(decodeServerUrl, serverTexts.map(utf8Bytes))
  })
})
