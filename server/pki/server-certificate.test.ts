import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bodyOfPem, plant } from '../testing.ts'
import { isAuthorityUrl, isAuthorizableHost } from './authority.ts'
import { createCa, issueServerCertificate } from './issue.ts'
import { certificatesOf, checkServerCertificate, checkServerChain, createServerCsr } from './server-certificate.ts'

const NOW = Date.UTC(2026, 4, 3)
const DAY_MS = 86_400_000
const ca = await createCa('CA', NOW)
const stranger = await createCa('Stranger', NOW)
const pair = await issueServerCertificate(ca, ['prov.example.com', '192.0.2.1'], NOW)
const { keyPem: otherKey } = await createServerCsr(['prov.example.com'])
for (const keyPem of [ca.keyPem, stranger.keyPem, pair.keyPem, otherKey]) plant(bodyOfPem(keyPem))

function codes(chainPem: string, keyPem: string, hosts: readonly string[], now = NOW): readonly string[] {
  return checkServerCertificate({ chainPem, keyPem }, hosts, now).map(({ code }) => code)
}

describe('a server certificate', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['is right for its name', codes(pair.certPem, pair.keyPem, ['prov.example.com']), []],
    ['and for its address', codes(pair.certPem, pair.keyPem, ['192.0.2.1']), []],
    ['is wrong for another name', codes(pair.certPem, pair.keyPem, ['x.example.com']), ['wrong-host']],
    ['is wrong with another key', codes(pair.certPem, otherKey, []), ['key-mismatch']],
    ['is wrong without a key', codes(pair.certPem, '', []), ['unreadable-key']],
    ['ends', codes(pair.certPem, pair.keyPem, [], NOW + 398 * DAY_MS), ['expired-certificate']],
    ['begins', codes(pair.certPem, pair.keyPem, [], NOW - 3 * DAY_MS), ['not-yet-valid']],
    ['may come with its issuer', codes(pair.certPem + ca.certPem, pair.keyPem, []), []],
    ['may not come with a stranger', codes(pair.certPem + stranger.certPem, pair.keyPem, []), ['broken-chain']],
    ['is PEM', codes('hello', pair.keyPem, []), ['unreadable-certificate']],
  ])('%s [MPP §11.2 Server certificate]', (_name, found, expected) => {
    expect(found).toEqual(expected)
  })

  it('is checked without its key as phones see it', () => {
    expect(checkServerChain(pair.certPem, ['x.example.com'], NOW).map(({ code }) => code)).toEqual(['wrong-host'])
  })

  it('is taken out of a text without what was pasted along', () => {
    const text = `Bag Attributes\n${pair.keyPem}${pair.certPem.replaceAll('\n', '\r\n')}\nmore${ca.certPem}`
    expect(certificatesOf(text)).not.toContain('PRIVATE KEY')
    expect(codes(certificatesOf(text), pair.keyPem, ['prov.example.com'])).toEqual([])
  })

  it('whatever the text, is checked without throwing', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(pair.certPem.length - 1), (text, at) => {
        const mangled = pair.certPem.slice(0, at) + text + pair.certPem.slice(at + 1)
        expect(() => codes(certificatesOf(mangled), text, [text])).not.toThrow()
      }),
    )
  })
})

describe('an authority', () => {
  it.each([
    ['https://ca.example.com/directory', true],
    ['http://127.0.0.1:14000/dir', true],
    ['http://ca.example.com/directory', false],
    ['file:///etc/passwd', false],
    ['directory', false],
  ])('may be asked at %s: %s [RFC 8555 §6.1]', (url, may) => {
    expect(isAuthorityUrl(url)).toBe(may)
  })

  it.each([
    ['prov.example.com', true],
    ['PROV.Example.com', true],
    ['localhost', false],
    ['*.example.com', false],
    ['192.0.2.1', false],
    ['a..b', false],
    [`${'a'.repeat(64)}.com`, false],
  ])('can look for %s over HTTP: %s [RFC 8555 §8.3]', (host, can) => {
    expect(isAuthorizableHost(host)).toBe(can)
  })
})
