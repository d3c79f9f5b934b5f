import { describe, expect, it } from 'vitest'
import { sealAes128gcm, sealSalted } from '../../protocol/envelope/mod.ts'
import {
  checkDigest,
  digestChallengeHeader,
  parseBasicAuthorization,
  parseDigestAuthorization,
} from '../../protocol/http/mod.ts'
import { Bench, type BenchOptions, profile, provisioned, response } from './testdata/bench.ts'
import type { FetchRequest } from './mod.ts'

const A_KEY = 'http://p.test:80/a'
const OK = profile({ GPP_B: 'ok' })

function fetchWith(rule: string, options: BenchOptions & { readonly values?: Record<string, string> } = {}): Bench {
  return new Bench({ flash: provisioned({ Profile_Rule: rule, ...options.values }), ...options }).boot(50)
}

function headerOf(request: FetchRequest | undefined, name: string): string | undefined {
  return request?.headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
}

describe('requests', () => {
  it('have the headers of the phone, in its order [MPP §11.1]', () => {
    const [fetch] = fetchWith('http://p.test:8080/a').fetches
    expect(fetch?.request.headers).toEqual([
      ['User-Agent', 'Cisco-CP-8851-3PCC/12.0.2 (00562b043615)'],
      ['Host', 'p.test:8080'],
      ['Accept-Encoding', 'deflate, gzip'],
      ['Accept', '*/*'],
      ['Accept-Language', 'en'],
      ['Accept-Charset', 'iso-8859-1'],
    ])
  })

  it('let the provider name the user agent, on one line [MPP §11.1]', () => {
    const bench = fetchWith('http://p.test/a', { values: { HTTP_User_Agent_Name: 'Own $SN\n$VERSION' } })
    expect(headerOf(bench.fetches[0]?.request, 'user-agent')).toBe('Own FCH2305DMH0 Cisco-CP-8851-3PCC/12.0.2')
  })

  it('post the expanded GPP register of --post [MPP §4.4, §12.2]', () => {
    const bench = fetchWith('[--post c] http://p.test/a', {
      values: { GPP_C: 'Product="$PN"; key=$SA', GPP_SA: 'hush-hush' },
    })
    const request = bench.fetches[0]?.request
    expect(request?.method).toBe('POST')
    expect(new TextDecoder().decode(request?.body)).toBe('Product="CP-8851-3PCC"; key=$SA')
  })

  it('carry no credentials at first [MPP §11.3]', () => {
    const bench = fetchWith('[--uid u --pwd p] http://p.test/a', { files: { [A_KEY]: OK } })
    expect(headerOf(bench.fetches[0]?.request, 'authorization')).toBeUndefined()
    expect(bench.parameter('GPP_B')).toBe('ok')
  })
})

describe('redirects', () => {
  const to = (location: string, status = 302) => response(status, '', { location })

  it('are followed for 301 and 302, absolute or relative, and not remembered [MPP §5.6]', () => {
    const files = {
      [A_KEY]: to('https://q.test:8443/b?x=1', 301),
      'https://q.test:8443/b?x=1': to('../c'),
      'https://q.test:8443/c': OK,
    }
    const bench = fetchWith('http://p.test/a', { files })
    expect(bench.keys()).toEqual([A_KEY, 'https://q.test:8443/b?x=1', 'https://q.test:8443/c'])
    expect(bench.parameter('Profile_Rule')).toBe('http://p.test/a')
  })

  it('end after five hops [MPP §5.6]', () => {
    const bench = fetchWith('http://p.test/a', { files: { [A_KEY]: to('/a') } })
    expect(bench.keys()).toHaveLength(6)
    expect(bench.names()).toContain('resync-failed')
  })

  it.each(['', 'ftp://x.test/', 'http://', 'gds://x/y'])('end at the unusable Location "%s" [MPP §5.6]', (location) => {
    const bench = fetchWith('http://p.test/b', {
      files: { 'http://p.test:80/b': to(location), 'http://p.test:80/': response(503) },
    })
    expect(bench.names()).toContain('resync-failed')
  })

  it('keep a POST a POST [MPP §5.6]', () => {
    const bench = fetchWith('[--post c] http://p.test/a', { files: { [A_KEY]: to('/b') }, values: { GPP_C: 'body' } })
    expect(bench.fetches.map(({ request }) => request.method)).toEqual(['POST', 'POST'])
  })

  it('do not take credentials to another server', () => {
    const files = {
      [A_KEY]: (request: FetchRequest) =>
        headerOf(request, 'authorization') === undefined
          ? response(401, '', { 'www-authenticate': 'Basic realm="x"' })
          : to('http://q.test/b'),
      'http://q.test:80/b': OK,
    }
    const bench = fetchWith('[--uid u --pwd p] http://p.test/a', { files })
    expect(bench.fetches.map(({ request }) => headerOf(request, 'authorization') !== undefined)).toEqual([
      false,
      true,
      false,
    ])
  })
})

describe('authentication', () => {
  it('answers Basic with --uid and --pwd, macros included [MPP §4.4, §7.6]', () => {
    const files = {
      [A_KEY]: (request: FetchRequest) =>
        headerOf(request, 'authorization') ? OK : response(401, '', { 'www-authenticate': 'Basic realm="x"' }),
    }
    const bench = fetchWith('[--uid $MA --pwd $SB] http://p.test/a', { files, values: { GPP_SB: 'open sesame 7' } })
    expect(bench.parameter('GPP_B')).toBe('ok')
    expect(parseBasicAuthorization(headerOf(bench.fetches[1]?.request, 'authorization') ?? '')).toEqual({
      username: '00562b043615',
      password: 'open sesame 7',
    })
  })

  it('prefers Digest with MD5 [MPP §11.3]', () => {
    const offer = [
      digestChallengeHeader({ realm: 'r', nonce: 'n2', qop: 'auth', algorithm: 'SHA-256', stale: false }),
      digestChallengeHeader({ realm: 'r', nonce: 'n1', qop: 'auth', algorithm: 'MD5', stale: false }),
      'Basic realm="r"',
    ].join(', ')
    const files = {
      'http://p.test:80/a?x=1': (request: FetchRequest) =>
        headerOf(request, 'authorization') ? OK : response(401, '', { 'www-authenticate': offer }),
    }
    const bench = fetchWith('[--uid u --pwd "p w"] http://p.test/a?x=1', { files })
    const digest = parseDigestAuthorization(headerOf(bench.fetches[1]?.request, 'authorization') ?? '')
    expect(digest?.nonce).toBe('n1')
    expect(
      digest !== undefined && checkDigest(digest, { method: 'GET', password: 'p w', username: 'u', uri: '/a?x=1' }),
    ).toBe(true)
    expect(bench.parameter('GPP_B')).toBe('ok')
  })

  it.each([
    [401, 'www-authenticate', 'authorization', {}],
    [407, 'proxy-authenticate', 'proxy-authorization', { Proxy_Username: 'u', Proxy_Password: 'pass word' }],
  ])('gives up after two retries of %i [MPP §5.6]', (status, challenge, header, values) => {
    const files = { [A_KEY]: response(status, '', { [challenge]: 'Basic realm="x"' }) }
    const bench = fetchWith('[--uid u --pwd p] http://p.test/a', { files, values })
    expect(bench.fetches.map(({ request }) => headerOf(request, header) !== undefined)).toEqual([false, true, true])
    expect(bench.agent.ram.lastError).toBe('Download failed')
  })

  it.each([
    ['Disabled', 1],
    ['Basic Http Authentication', 1],
    ['XSI Authentication', 3],
  ])('without --uid, Profile_Authentication_Type "%s" makes %i requests [MPP §7.6]', (type, count) => {
    const files = { [A_KEY]: response(401, '', { 'www-authenticate': 'Basic realm="x"' }) }
    const values = { Profile_Authentication_Type: type, Login_User_ID: 'xsi', Login_Password: 'xsi-password' }
    expect(fetchWith('http://p.test/a', { files, values }).keys()).toHaveLength(count)
  })
})

describe('the credentials of a rule', () => {
  it('are used alone, also when they are wrong [MPP §7.6]', () => {
    const values = {
      Profile_Authentication_Type: 'XSI Authentication',
      Login_User_ID: 'xsi',
      Login_Password: 'xsi-word',
    }
    const files = {
      [A_KEY]: (request: FetchRequest) =>
        parseBasicAuthorization(headerOf(request, 'authorization') ?? '')?.username === 'xsi'
          ? OK
          : response(401, '', { 'www-authenticate': 'Basic realm="x"' }),
    }
    expect(fetchWith('[--uid u --pwd wrong] http://p.test/a', { files, values }).parameter('GPP_B')).toBeUndefined()
    expect(fetchWith('http://p.test/a', { files, values }).parameter('GPP_B')).toBe('ok')
  })
})

describe('sealed files', () => {
  const bytes = new TextEncoder().encode(OK)
  const sealed = sealSalted(bytes, 'SecretPhrase1234', new Uint8Array(8))

  it.each<[string, string, Record<string, string>, Uint8Array, Record<string, string>, string | undefined]>([
    ['--key opens it', '[--key "$SA"] ', { GPP_SA: 'SecretPhrase1234' }, sealed, {}, 'ok'],
    ['a wrong --key does not', '[--key wrong] ', {}, sealed, {}, undefined],
    ['a clear file with --key is corrupt', '[--key SecretPhrase1234] ', {}, bytes, {}, undefined],
    [
      'aes128gcm opens with the IKM',
      '[--key other] ',
      { IKM_HTTP_Encrypt_Content: 'yqdlZ-tYemfogSmv7Ws5PQ' },
      sealAes128gcm(bytes, new Uint8Array(Buffer.from('yqdlZ-tYemfogSmv7Ws5PQ', 'base64url')), new Uint8Array(16)),
      { 'content-encoding': 'aes128gcm' },
      'ok',
    ],
  ])('opens by the rule and the header: %s [MPP §2.1, §2.3]', (_, option, values, body, headers, value) => {
    const bench = fetchWith(`${option}http://p.test/a`, { files: { [A_KEY]: response(200, body, headers) }, values })
    expect(bench.parameter('GPP_B')).toBe(value)
    expect(bench.agent.ram.lastError).toBe(value === undefined ? 'Corrupt file' : '')
  })

  it('takes a clear file with --key by policy [MPP §2.1]', () => {
    const bench = fetchWith('[--key x] http://p.test/a', {
      files: { [A_KEY]: OK },
      policies: { clearAllowedWithKey: true },
    })
    expect(bench.parameter('GPP_B')).toBe('ok')
  })
})

describe('where the phone may go', () => {
  it.each([
    ['p.test', true],
    ['test', true],
    ['P.TEST.', true],
    ['q.test, p.test', true],
    ['.test', false],
    ['q.test', false],
    ['est', false],
  ])('Restricted_Access_Domains "%s" allows p.test: %s [MPP §7.2]', (domains, allowed) => {
    const bench = fetchWith('http://p.test/a', {
      values: { Restricted_Access_Domains: domains },
      files: { [A_KEY]: OK },
    })
    expect(bench.keys().length === 1).toBe(allowed)
  })

  it('does not allow sub-domains under the strict policy, nor a redirect elsewhere [MPP §7.2]', () => {
    const values = { Restricted_Access_Domains: 'test' }
    expect(fetchWith('http://p.test/a', { values, policies: { restrictedDomains: 'exact' } }).keys()).toEqual([])
    const away = { [A_KEY]: response(302, '', { location: 'http://p.other/a' }) }
    expect(fetchWith('http://p.test/a', { values, files: away }).keys()).toEqual([A_KEY])
  })

  it('refuses upgrades, reports and the custom CA elsewhere too [MPP §7.2]', () => {
    const values = {
      Restricted_Access_Domains: 'p.test',
      Upgrade_Rule: 'http://fw.other/sip88xx.12-0-7MPP0201-66.loads',
      Report_Rule: 'http://r.other/r',
      Custom_CA_Rule: 'http://ca.other/ca.pem',
    }
    const bench = fetchWith('http://p.test/a', { values, files: { [A_KEY]: OK } })
    expect(bench.keys()).toEqual([A_KEY])
    expect(bench.names()).toEqual(expect.arrayContaining(['upgrade-failed', 'report-failed', 'custom-ca']))
  })

  it('asks SRV for --srv, tries the next target, and refuses TFTP [MPP §4.4, §4.6]', () => {
    const srv = {
      '_ciscoprov-https._tls.example.com': [
        { priority: 1, weight: 0, host: 'down.test', port: 444 },
        { priority: 2, weight: 0, host: 'up.test', port: 445 },
      ],
    }
    const bench = fetchWith('[--srv] https://example.com/a', { srv, files: { 'https://up.test:445/a': OK } })
    expect(bench.keys()).toEqual(['https://down.test:444/a', 'https://up.test:445/a'])
    expect(bench.fetches[1]?.request.certificateName).toBe('example.com')
    expect(bench.parameter('GPP_B')).toBe('ok')
    const tftp = fetchWith('[--srv] tftp://example.com/a')
    expect(tftp.agent.flash.provisioningHistory[0]?.text).toContain('TFTP Scheme not supported in SRV lookups')
  })

  it('hands the custom CA to the transport [MPP §11.2]', () => {
    const flash = provisioned(
      { Profile_Rule: 'https://p.test/a' },
      { customCa: { pem: 'PEM', last: undefined, info: 'x', rule: '' } },
    )
    expect(new Bench({ flash }).boot(50).fetches[0]?.request.customCaPem).toBe('PEM')
  })

  it('refuses a file that is too large', () => {
    const bench = fetchWith('http://p.test/a', { files: { [A_KEY]: response(200, new Uint8Array(2 * 1024 * 1024)) } })
    expect(bench.names()).toContain('resync-failed')
  })
})

describe('what a watcher reads', () => {
  it('never shows codes, option arguments or stored secrets', () => {
    const values = { GPP_SA: 'stored-secret-1', Admin_Password: 'Abcd1234!' }
    const bench = fetchWith(
      '[--key "literal key" --uid me --pwd literal-pwd] http://p.test/cisco-init/CODE4711?v=stored-secret-1',
      { values },
    )
    const text = JSON.stringify([bench.says, bench.agent.flash.provisioningHistory])
    for (const secret of ['literal', 'CODE4711', 'stored-secret-1', 'Abcd1234!']) expect(text).not.toContain(secret)
    expect(text).toContain('http://p.test/cisco-init/****?v=****')
  })
})
