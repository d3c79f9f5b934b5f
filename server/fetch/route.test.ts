import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { routePath } from './route.ts'
import { MAC } from '../testing-facts.ts'

const PATH = '0123456789abcdef0123456789abcdef'

describe('what a path asks for', () => {
  const CASES: readonly (readonly [target: string, expected: object])[] = [
    ['/cisco-init', { kind: 'init', token: undefined }],
    ['/cisco-init/', { kind: 'init', token: undefined }],
    ['/cisco-init/1234abcd', { kind: 'init', token: '1234abcd' }],
    ['/cisco-init/a_B-9/', { kind: 'init', token: 'a_B-9' }],
    ['/cisco-init/a/b', { kind: 'unknown' }],
    ['/cisco-ack', { kind: 'ack' }],
    ['/ca.pem', { kind: 'ca' }],
    [`/s/${PATH}.cfg`, { kind: 'sealed', profilePath: PATH, keyGeneration: undefined }],
    [`/s/${PATH}.cfg?k=12`, { kind: 'sealed', profilePath: PATH, keyGeneration: 12 }],
    [`/s/${PATH}.cfg?k=x`, { kind: 'sealed', profilePath: PATH, keyGeneration: undefined }],
    [`/s/${PATH.toUpperCase()}.cfg`, { kind: 'unknown' }],
    ['/s/short.cfg', { kind: 'unknown' }],
    ['/8851-3PCC.xml', { kind: 'product', productName: 'CP-8851-3PCC' }],
    ['/9861.xml', { kind: 'product', productName: 'CP-9861' }],
    ['/CP-8851-3PCC.cfg', { kind: 'product', productName: 'CP-8851-3PCC' }],
    ['/DP-9861.cfg', { kind: 'product', productName: 'DP-9861' }],
    [`/${MAC}.xml`, { kind: 'mac', mac: MAC }],
    [`/${MAC.toUpperCase()}.cfg`, { kind: 'mac', mac: MAC }],
    [`/a/b/c/${MAC}.cfg`, { kind: 'mac', mac: MAC }],
    ['/a/8851-3PCC.xml', { kind: 'unknown' }],
    [`/${'a/'.repeat(9)}${MAC}.cfg`, { kind: 'unknown' }],
    ['/firmware/sip88xx.12-0-7.loads', { kind: 'firmware', file: 'sip88xx.12-0-7.loads' }],
    ['/firmware/../etc/passwd', { kind: 'unknown' }],
    ['/firmware/.hidden', { kind: 'unknown' }],
    ['/report', { kind: 'report', profilePath: undefined }],
    ['/report/', { kind: 'report', profilePath: undefined }],
    [`/report/${PATH}`, { kind: 'report', profilePath: PATH }],
    [`/report/${PATH}.xml`, { kind: 'report', profilePath: PATH }],
    ['/report/status', { kind: 'report', profilePath: undefined }],
    [`/report/${MAC}`, { kind: 'report', profilePath: undefined, mac: MAC }],
    [`/report/a/${MAC}.xml`, { kind: 'report', profilePath: undefined, mac: MAC }],
    [
      '/software/edos/callhome/rc?id=00562B043615:FCH2305DMH0:CP-8865-3PCC&sw=1',
      { kind: 'rc', mac: MAC, serial: 'FCH2305DMH0', productName: 'CP-8865-3PCC' },
    ],
    [
      '/software/edos/callhome/rc?id=00:56:2b:04:36:15:FCH2305DMH0:CP-8865-3PCC',
      { kind: 'rc', mac: MAC, serial: 'FCH2305DMH0', productName: 'CP-8865-3PCC' },
    ],
    [
      '/software/edos/callhome/rc?id=00562B043615%3AFCH2305DMH0%3ACP-8865-3PCC',
      { kind: 'rc', mac: MAC, serial: 'FCH2305DMH0', productName: 'CP-8865-3PCC' },
    ],
    ['/software/edos/callhome/rc?id=nonsense', { kind: 'rc-malformed' }],
    ['/software/edos/callhome/rc?id=%zz', { kind: 'rc-malformed' }],
    ['/software/edos/callhome/rc', { kind: 'rc-malformed' }],
    ['/', { kind: 'unknown' }],
    ['/toString', { kind: 'unknown' }],
    ['__proto__', { kind: 'unknown' }],
    ['constructor', { kind: 'unknown' }],
  ]
  it.each(CASES)('%s: %o', (target, expected) => {
    const [path = '', query = ''] = target.split('?')
    expect(routePath(path, query)).toEqual(expected)
  })

  it('never throws, whatever path and query are', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 600 }), fc.string({ maxLength: 300 }), (path, query) => {
        expect(typeof routePath(`/${path}`, query).kind).toBe('string')
        expect(typeof routePath('/software/edos/callhome/rc', query).kind).toBe('string')
      }),
    )
  })
})
