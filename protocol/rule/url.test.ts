import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { resolveUrl } from './resolve-url.ts'
import { defaultPort, encodePath, parseUrl, printUrl, type Url } from './url.ts'

function url(text: string): Url {
  const parsed = parseUrl(text)
  if (!parsed.ok) throw new Error(`not a URL: ${parsed.error.code}`)
  return parsed.value
}

function rows(table: string): readonly (readonly string[])[] {
  return table
    .trim()
    .split('\n')
    .map((line) => line.split('¦').map((cell) => cell.trim().replace(/ {2,}/g, ' ')))
}

function parts({ scheme, host, port, path }: Url): string {
  return `${scheme} ${host ?? '-'} ${port ?? '-'} ${path}`
}

const SHAPES = `
  /000e08aabbcc.cfg                       ¦ tftp - - /000e08aabbcc.cfg                     ¦ scheme and server missing      [MPP §4.5]
  /cisco/cfg.xml                          ¦ tftp - - /cisco/cfg.xml                        ¦ a deeper path                  [MPP §4.5]
  192.168.1.130/profiles/init.cfg         ¦ tftp 192.168.1.130 - /profiles/init.cfg        ¦ scheme missing                 [MPP §4.5]
  tftp://h/cpe/cisco000e08aabbcc.cfg      ¦ tftp h - /cpe/cisco000e08aabbcc.cfg            ¦ scheme tftp                    [MPP §4.5]
  http://h:8080/prov/a/b.cfg              ¦ http h 8080 /prov/a/b.cfg                      ¦ a port                         [MPP §4.5]
  https://h/profile?Linksys               ¦ https h - /profile?Linksys                     ¦ a query                        [MPP §4.5]
  https://h/i?v=1&why=0#x                 ¦ https h - /i?v=1&why=0#x                       ¦ a longer query                 [MPP §4.1]
  HTTP://Prov.Example.com/x.loads         ¦ http Prov.Example.com - /x.loads               ¦ the scheme in capitals         [MPP §4.5]
  CP-8841-3PCC.cfg                        ¦ tftp - - /CP-8841-3PCC.cfg                     ¦ a file without slash           [MPP §4.5]
  http://[2001:db8::1]/x.cfg              ¦ http 2001:db8::1 - /x.cfg                      ¦ an IPv6 address                [MPP §4.5]
  tftp://[fe80::1]:6969/x.cfg             ¦ tftp fe80::1 6969 /x.cfg                       ¦ an IPv6 address with a port    [MPP §4.5]
  [2001:db8::1]/x.cfg                     ¦ tftp 2001:db8::1 - /x.cfg                      ¦ an IPv6 address alone          [MPP §4.5]
  http:///x.cfg                           ¦ http - - /x.cfg                                ¦ a scheme without server        [MPP §4.5]
  gds://                                  ¦ gds - - /                                      ¦ the activation screen          [MPP §4.7]
  gds://activation.webex.com              ¦ gds activation.webex.com - /                   ¦ the activation service         [MPP §4.7]
  http://h/a(b)c                          ¦ http h - /a(b)c                                ¦ parentheses are plain          [MPP §4.1]
  https://h/x?c=Not Installed             ¦ https h - /x?c=Not%20Installed                 ¦ http cannot carry spaces       [MPP §11.1]
  https://h/ä                             ¦ https h - /%C3%A4                              ¦ nor other letters              [MPP §11.1]
  tftp://h/a b                            ¦ tftp h - /a b                                  ¦ tftp can                       [MPP §4.5]
`

const BAD = `
                                          ¦ url-empty           ¦ nothing                     [MPP §4.5]
  http://h                                ¦ url-path-missing    ¦ no path                     [MPP §4.5]
  http://h?x                              ¦ url-path-missing    ¦ a query is not a path       [MPP §4.5]
  192.168.1.5                             ¦ url-path-missing    ¦ an address is not a file    [MPP §4.5]
  server:69                               ¦ url-path-missing    ¦ nor is a server with a port [MPP §4.5]
  ftp://h/x                               ¦ url-bad-scheme      ¦ a scheme of no phone        [MPP §4.1]
  http://h:0/x                            ¦ url-bad-port        ¦ port 0                      [MPP §4.5]
  http://h:65536/x                        ¦ url-bad-port        ¦ a port too high             [MPP §4.5]
  http://h:/x                             ¦ url-bad-port        ¦ a port left out             [MPP §4.5]
  http://h:8o/x                           ¦ url-bad-port        ¦ a port with a letter        [MPP §4.5]
  http://:80/x                            ¦ url-bad-host        ¦ a port without server       [MPP §4.5]
  http://a b/x                            ¦ url-bad-host        ¦ a server with a space       [MPP §4.5]
  http://300.1.1.1/x                      ¦ url-bad-host        ¦ an address out of range     [MPP §14]
  http://[::1/x                           ¦ url-bad-host        ¦ an open bracket             [MPP §4.5]
  http://[1:2]/x                          ¦ url-bad-host        ¦ half an IPv6 address        [MPP §4.5]
  http://[h]/x                            ¦ url-bad-host        ¦ a name in brackets          [MPP §4.5]
  http://u:p@h/x                          ¦ url-userinfo        ¦ a user name                 [MPP §4.4]
  http://h/"x"                            ¦ url-bad-character   ¦ a quote                     [MPP §4.1]
  http://h/a|b                            ¦ url-bad-character   ¦ a bar                       [MPP §4.1]
`

/** rule ¦ DHCP ¦ fetched ¦ clause */
const ASSEMBLY = `
  /8851-3PCC.xml      ¦ 192.168.150.20                          ¦ tftp://192.168.150.20/8851-3PCC.xml        ¦ bare address        [MPP §10.1]
  /8851-3PCC.xml      ¦ prov.example.com                        ¦ tftp://prov.example.com/8851-3PCC.xml      ¦ bare name           [MPP §10.1]
  /8851-3PCC.xml      ¦ prov.example.com:6969                   ¦ tftp://prov.example.com:6969/8851-3PCC.xml ¦ bare name and port  [MPP §10.1]
  /8851-3PCC.xml      ¦ http://10.0.0.1:8667                    ¦ http://10.0.0.1:8667/8851-3PCC.xml         ¦ scheme and host     [MPP §10.1]
  /8851-3PCC.xml      ¦ http://10.0.0.1:8667/                   ¦ http://10.0.0.1:8667/8851-3PCC.xml         ¦ with a slash        [MPP §10.1]
  /8851-3PCC.xml      ¦ https://h//                             ¦ https://h/8851-3PCC.xml                    ¦ with two slashes    [MPP §10.1]
  /8851-3PCC.xml      ¦ https://c.example.com:888/cfg/boot.cfg  ¦ https://c.example.com:888/cfg/boot.cfg     ¦ a full URL          [MPP §10.1]
  /8851-3PCC.xml      ¦ HTTP://10.0.0.1;10.0.0.2                ¦ http://10.0.0.1/8851-3PCC.xml              ¦ a list              [MPP §10.1]
  /8851-3PCC.xml      ¦ h/cfg/boot.cfg                          ¦ tftp://h/cfg/boot.cfg                      ¦ host and path       [MPP §10.1]
  /8851-3PCC.xml      ¦ 2001:db8::1                             ¦ tftp://[2001:db8::1]/8851-3PCC.xml         ¦ a bare IPv6 address [MPP §10.1]
  CP-8841-3PCC.cfg    ¦ 10.0.0.1                                ¦ tftp://10.0.0.1/CP-8841-3PCC.cfg           ¦ a file name         [MPP §4.5]
  https://own/x.cfg   ¦ http://dhcp                             ¦ https://own/x.cfg                          ¦ the rule wins       [MPP §10.1]
  own/x.cfg           ¦ https://dhcp/full.cfg                   ¦ tftp://own/x.cfg                           ¦ the rule wins again [MPP §10.1]
  http:///x.cfg       ¦ 10.0.0.1                                ¦ http://10.0.0.1/x.cfg                      ¦ the rule's scheme   [MPP §4.5]
  /a b                ¦ http://h                                ¦ http://h/a%20b                             ¦ http needs escapes  [MPP §11.1]
  gds://              ¦ 10.0.0.1                                ¦ gds://                                     ¦ activation          [MPP §4.7]
`

describe('parseUrl', () => {
  it.each(rows(SHAPES))('%s is %s: %s', (text = '', expected) => {
    expect(parts(url(text))).toBe(expected)
    expect(url(printUrl(url(text)))).toEqual(url(text))
  })

  it.each(rows(BAD))('%j is refused as %s: %s', (text = '', code) => {
    const parsed = parseUrl(text)
    expect(parsed.ok ? parts(parsed.value) : parsed.error.code).toBe(code)
  })

  it('knows the default ports [MPP §4.5]', () => {
    expect([defaultPort('tftp'), defaultPort('http'), defaultPort('https')]).toEqual([69, 80, 443])
  })

  it('says where it stumbled, counted in the text as given', () => {
    const parsed = parseUrl('  http://h:99999/x')
    expect(parsed.ok ? undefined : [parsed.error.start, parsed.error.end]).toEqual([9, 16])
  })
})

describe('resolveUrl', () => {
  it.each(rows(ASSEMBLY))('%s with DHCP %s is %s: %s', (rule = '', dhcp, fetched) => {
    const resolved = resolveUrl(url(rule), dhcp)
    expect(resolved.ok ? printUrl(resolved.value) : resolved.error.code).toBe(fetched)
  })

  it.each([undefined, '', '   ', '\u0000'])('fails a path without any server, DHCP %j [MPP §4.5]', (dhcp) => {
    const resolved = resolveUrl(url('/x.cfg'), dhcp)
    expect(resolved.ok ? undefined : resolved.error.code).toBe('no-server')
  })

  it('drops the NUL that some servers send behind the text [MPP §10.1]', () => {
    const resolved = resolveUrl(url('/x.cfg'), '10.0.0.1\u0000')
    expect(resolved.ok && printUrl(resolved.value)).toBe('tftp://10.0.0.1/x.cfg')
  })

  it('refuses a server that is none', () => {
    expect(
      ['ftp://h', 'a b@c', 'http://', '999.1.1.1', '\u0001'].map((dhcp) => resolveUrl(url('/x'), dhcp).ok),
    ).toEqual(
      // The second is a list whose first entry is a name.
      [false, true, false, false, false],
    )
  })
})

const urlText = fc.string({
  unit: fc.constantFrom(...'thpsfg:/.?#[]@%& ax19-_|"é\u0000\ud800'.split('')),
  maxLength: 40,
})

describe('any text', () => {
  it('is read or refused, and what is read prints back to the same URL', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          urlText,
          urlText.map((text) => `http://h/${text}`),
          urlText.map((text) => `/${text}`),
        ),
        (text) => {
          const parsed = parseUrl(text)
          if (parsed.ok) expect(parseUrl(printUrl(parsed.value))).toEqual(parsed)
          else expect(parsed.error.end).toBeLessThanOrEqual(text.length)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('from DHCP gives a URL with a server or none', () => {
    fc.assert(
      fc.property(fc.oneof(urlText, fc.string({ unit: 'binary' })), (dhcp) => {
        const resolved = resolveUrl(url('/x'), dhcp)
        if (resolved.ok && resolved.value.scheme !== 'gds') expect(resolved.value.host).toBeDefined()
      }),
    )
  })

  it('makes a path of printable ASCII for http', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (path) => {
        expect(encodePath('https', path)).toMatch(/^[\x21-\x7e]*$/)
      }),
    )
  })
})
