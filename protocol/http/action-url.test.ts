import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { ACTION_URL_CHARS_MAX, type ActionAccount, parseActionUrl, printResyncUrl, splitAccountSuffix } from './mod.ts'

/** Any UTF-16 unit, lone surrogates too. */
const codeUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code))

interface WithAccount {
  readonly account?: ActionAccount | undefined
}

/** Compares accounts without showing a password when they differ. */
function hasAccount(found: WithAccount | undefined, user: string, password: string): boolean {
  return found?.account?.user === user && found.account.password === password
}

/** An action without its account, so that a failed comparison shows no password. */
function bare<Found extends WithAccount>(found: Found | undefined): Omit<Found, 'account'> | undefined {
  if (found === undefined) return undefined
  const { account: _account, ...rest } = found
  return rest
}

describe('parseActionUrl', () => {
  const commands: readonly (readonly [string, object])[] = [
    [
      '/admin/resync?https://prov.supervoip.com/cisco-init/1234abcd',
      { kind: 'resync', rule: 'https://prov.supervoip.com/cisco-init/1234abcd' },
    ],
    ['/admin/resync?http://h/p?a=1&b=2?c', { kind: 'resync', rule: 'http://h/p?a=1&b=2?c' }],
    ['/admin/resync?/path/$MA.cfg', { kind: 'resync', rule: '/path/$MA.cfg' }],
    ['/admin/resync?[--key%20$SA]tftp://h/p', { kind: 'resync', rule: '[--key%20$SA]tftp://h/p' }],
    ['/admin/resync', { kind: 'resync', rule: undefined }],
    ['/admin/resync?', { kind: 'resync', rule: undefined }],
    ['/admin/upgrade?tftp://h/sip88xx.loads', { kind: 'upgrade', url: 'tftp://h/sip88xx.loads' }],
    ['/admin/upgrade', { kind: 'upgrade', url: undefined }],
    ['/admin/reboot', { kind: 'reboot' }],
    ['/admin/reboot?', { kind: 'reboot' }],
    ['/admin/factory-reset', { kind: 'factory-reset' }],
    ['http://192.168.1.102/admin/resync?tftp://h/p', { kind: 'resync', rule: 'tftp://h/p' }],
    ['/admin/resync?tftp://h/p&xuser=admin', { kind: 'resync', rule: 'tftp://h/p&xuser=admin' }],
    ['/admin/resync?http://h/p?xuser=a&xpassword=', { kind: 'resync', rule: 'http://h/p?xuser=a&xpassword=' }],
  ]
  it.each(commands)('reads the command %s [MPP §7.3]', (target, action) => {
    expect(parseActionUrl(target)).toEqual(action)
  })

  // The password as written, and as meant.
  const accounts: readonly (readonly [string, string, string, string, object])[] = [
    ['behind a rule', '/admin/resync?tftp://h/p&', 's3', 's3', { kind: 'resync', rule: 'tftp://h/p' }],
    [
      'behind a rule that holds the word itself',
      '/admin/resync?http://h/p?a=1&xuser=x&',
      'a%26b%20&c',
      'a&b &c',
      { kind: 'resync', rule: 'http://h/p?a=1&xuser=x' },
    ],
    ['right behind the mark', '/admin/resync?', '100%', '100%', { kind: 'resync', rule: undefined }],
    ['behind a path', '/admin/reboot&', '', '', { kind: 'reboot' }],
    ['behind a mark and nothing', '/admin/reboot?&', 's3', 's3', { kind: 'reboot' }],
  ]
  it.each(accounts)('reads an account %s [MPP §7.3]', (_, before, written, meant, action) => {
    const found = parseActionUrl(`${before}xuser=admin&xpassword=${written}`)
    expect(bare(found)).toEqual(action)
    expect(hasAccount(found, 'admin', meant)).toBe(true)
  })

  it.each([
    '',
    '/',
    '/admin',
    '/admin/',
    '/admin/resync/',
    '/admin/Resync?x',
    '/resync?tftp://h/p',
    '/admin/ping?h',
    '/x/admin/reboot',
    `/admin/resync?${'x'.repeat(ACTION_URL_CHARS_MAX)}`,
  ])('sees no command in %.40s [MPP §7.3]', (target) => {
    expect(parseActionUrl(target)).toBeUndefined()
  })

  it('cuts the account off the address to which a profile is posted [MPP §7.3]', () => {
    const split = splitAccountSuffix('/admin/config.xml&xuser=admin&xpassword=s3')
    expect(split.target).toBe('/admin/config.xml')
    expect(hasAccount(split, 'admin', 's3')).toBe(true)
    expect(splitAccountSuffix('/admin/config.xml')).toEqual({ target: '/admin/config.xml', account: undefined })
  })

  it('gives back any rule as it is [MPP §7.3]', () => {
    fc.assert(
      fc.property(fc.string({ unit: codeUnit, minLength: 1 }), (rule) => {
        fc.pre(!rule.includes('xuser='))
        expect(parseActionUrl(`/admin/resync?${rule}`)).toEqual({ kind: 'resync', rule })
        const withAccount = parseActionUrl(`/admin/upgrade?${rule}&xuser=admin&xpassword=s3`)
        expect(bare(withAccount)).toEqual({ kind: 'upgrade', url: rule })
        expect(hasAccount(withAccount, 'admin', 's3')).toBe(true)
      }),
    )
  })

  it('never throws on random text', () => {
    fc.assert(
      fc.property(fc.string({ unit: codeUnit }), fc.constantFrom('', '/admin/', '/admin/reboot'), (text, start) => {
        const action = parseActionUrl(start + text)
        expect(action === undefined || action.kind.length > 0).toBe(true)
      }),
    )
  })
})

describe('printResyncUrl', () => {
  const profile = 'https://prov.supervoip.com/cisco-init/1234abcd'
  it.each([
    ['192.168.1.102', `http://192.168.1.102/admin/resync?${profile}`],
    ['192.168.1.102:8080', `http://192.168.1.102:8080/admin/resync?${profile}`],
    ['2001:db8::7', `http://[2001:db8::7]/admin/resync?${profile}`],
    ['[2001:db8::7]:8080', `http://[2001:db8::7]:8080/admin/resync?${profile}`],
    ['https://phone.example.com/', `https://phone.example.com/admin/resync?${profile}`],
  ])('addresses the phone %s [guide: Retail Distribution]', (phone, url) => {
    expect(printResyncUrl(phone, profile)).toBe(url)
    expect(parseActionUrl(url)).toEqual({ kind: 'resync', rule: profile })
  })
})
