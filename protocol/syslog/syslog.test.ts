import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSyslog, readPhoneMessage, redactSyslog, SYSLOG_BYTES_MAX } from './mod.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const read = (text: string) => readPhoneMessage(parseSyslog(bytes(text)).text)

describe('the frame of a log datagram [MPP §12.1]', () => {
  it.each([
    ['<133>Mar  3 12:00:21 CP-8851-3PCC 00:56:2b:04:36:15 -- text', 16, 5, 'CP-8851-3PCC 00:56:2b:04:36:15 -- text'],
    ['<131>Mar 13 12:00:21 00562b043615 a b', 16, 3, '00562b043615 a b'],
    ['<14>1 2026-03-03T12:00:21.003Z SEP00562B043615 app 1 ID7 - hello', 1, 6, 'SEP00562B043615 app hello'],
    ['<14>1 - host app - - [a b="]\\"]"][c] hello', 1, 6, 'host app hello'],
    ['<14>1 - - - - - - \uFEFFhello', 1, 6, 'hello'],
    ['no frame at all', 1, 5, 'no frame at all'],
    ['<999>text', 1, 5, '<999>text'],
    ['<13>', 1, 5, ''],
    ['', 1, 5, ''],
  ])('%s', (text, facility, severity, rest) => {
    expect(parseSyslog(bytes(text))).toEqual({ facility, severity, text: rest })
  })

  it('a text never has a second line', () => {
    expect(parseSyslog(bytes('<13>a\r\nb\u2028c\u0000d\u009be')).text).toBe('a b c d e')
  })

  it('a datagram is read up to a bound', () => {
    expect(parseSyslog(bytes('x'.repeat(5000))).text).toHaveLength(SYSLOG_BYTES_MAX)
  })

  it('never throws on random, cut or altered bytes', () => {
    const good = bytes('<14>1 2026-03-03T12:00:21Z h a 1 i [x y="z"] Successful resync http://h:80/f -- e')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: good.length }), (noise, cut) => {
        for (const each of [noise, good.subarray(0, cut), Uint8Array.from([...good.subarray(0, cut), ...noise])]) {
          const message = readPhoneMessage(parseSyslog(each).text)
          expect(message.text.length).toBeLessThanOrEqual(240)
          expect(/[\u0000-\u001f]/.test(message.text)).toBe(false)
        }
      }),
    )
  })
})

const WHO = 'CP-8851-3PCC 00:56:2b:04:36:15 --'

describe('the messages of resyncs and upgrades [MPP §12.1]', () => {
  const none = { scheme: undefined, host: undefined, port: undefined, file: undefined, error: undefined }
  it.each([
    [
      `${WHO} Requesting resync tftp://192.168.150.20:69/8851-3PCC.xml.`,
      'resync-requested',
      { scheme: 'tftp', host: '192.168.150.20', port: 69, file: '8851-3PCC.xml' },
    ],
    [
      `${WHO} Successful resync https://[2001:db8::1]:443/a/b.cfg`,
      'resync-succeeded',
      { scheme: 'https', host: '[2001:db8::1]', port: 443, file: 'b.cfg' },
    ],
    [
      `${WHO} Requesting resync https://prov.example.com:8443`,
      'resync-requested',
      { scheme: 'https', host: 'prov.example.com', port: 8443 },
    ],
    [`${WHO} Resync failed: Download failed`, 'resync-failed', { error: 'Download failed' }],
    [
      `${WHO} Requesting upgrade http://h:80/firmware/sip88xx.12-0-7MPP0201-66.loads`,
      'upgrade-requested',
      { scheme: 'http', host: 'h', port: 80, file: 'sip88xx.12-0-7MPP0201-66.loads' },
    ],
    [
      `${WHO} Successful upgrade http://h:80/f.loads -- OK`,
      'upgrade-succeeded',
      { scheme: 'http', host: 'h', port: 80, file: 'f.loads', error: 'OK' },
    ],
    [`${WHO} Upgrade failed: http_get failed`, 'upgrade-failed', { error: 'http_get failed' }],
    [`${WHO} Resync failed:`, 'resync-failed', {}],
    [`${WHO} Successful resync nonsense`, 'resync-succeeded', {}],
    ['DOT1X: something else', 'other', {}],
  ] as const)('%s', (text, kind, more) => {
    expect(read(`<133>Mar  3 12:00:21 ${text}`)).toEqual({ kind, ...none, ...more, text })
  })
})

describe('what is never kept', () => {
  const SECRET = ['q7W', 'hunter', 'x9-Lm'].join('')
  it.each([
    (s: string) => `Requesting resync https://h:443/cisco-init/${s}`,
    (s: string) => `GET /CISCO-INIT//${s}/ HTTP/1.1`,
    (s: string) => `h/cisco-init%2F${s}`,
    (s: string) => `[--key "${s} with space"] http://h/f`,
    (s: string) => `[--uid me --pwd ${s}] http://h/f`,
    (s: string) => `[--key=${s}]`,
    (s: string) => `http://user:${s}@h/f`,
    (s: string) => `GET /f?code=${s}&x=1`,
    (s: string) => `Admin_Password=${s}`,
    (s: string) => `Password_1_ : "${s}"`,
    (s: string) => `xpassword=${s}`,
    (s: string) => `GPP_SA = ${s}`,
    (s: string) => `<Password_1_ ua="na">${s}</Password_1_>`,
    (s: string) => `<GPP_SB>${s}</GPP_SB>`,
    (s: string) => `Authorization: Basic ${s}`,
    (s: string) => `using Bearer ${s}`,
  ])('%#', (text) => {
    expect(text(SECRET)).toContain(SECRET)
    expect(redactSyslog(text(SECRET))).not.toContain(SECRET)
    expect(JSON.stringify(read(text(SECRET)))).not.toContain(SECRET)
  })

  it.each([
    ['/s/0123456789abcdef0123456789abcdef.cfg', '/s/****.cfg'],
    ['code Abcdefgh1jklmnop_-rstuv9xyz came', 'code **** came'],
  ])('what looks drawn by lot: %s', (text, hidden) => {
    expect(redactSyslog(text)).toBe(hidden)
  })

  it.each([
    'Requesting resync tftp://192.168.150.20:69/8851-3PCC.xml.',
    'sip88xx.12-0-7MPP0201-66.loads',
    'Resync failed: Download failed',
    'Is it there? Yes',
    '00:56:2b:04:36:15 FCH2305DMH0 SEP00562B043615',
  ])('leaves "%s" alone', (text) => {
    expect(redactSyslog(text)).toBe(text)
  })

  it('a code in the path of any message is hidden', () => {
    const code = fc.stringMatching(/^[A-Za-z0-9_-]{6,40}$/)
    fc.assert(
      fc.property(code, (text) => {
        expect(redactSyslog(`x https://h:443/cisco-init/${text} y`)).toBe('x https://h:443/cisco-init/**** y')
      }),
    )
  })
})
