import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Bench, provisioned, response } from './testdata/bench.ts'
import type { FetchRequest } from './mod.ts'

const KEY = 'https://r.test:443/prt/00562b043615'
const RULE = 'https://r.test/prt/$MA'
const QUIET = { Resync_On_Reset: 'No', Profile_Rule: '', Time_Zone: 'GMT+00:00', Daylight_Saving_Time_Enable: 'No' }
const PRESS = { kind: 'keypad', entry: { kind: 'report-problem', description: 'No sound' } } as const

function phone(values: Record<string, string>, status = 200): Bench {
  return new Bench({ flash: provisioned({ ...QUIET, ...values }), files: { [KEY]: response(status) } }).boot(10)
}

function bodyOf(request: FetchRequest | undefined): Buffer {
  return Buffer.from(request?.body ?? new Uint8Array(0))
}

/** Names and texts of a tar. */
function unpack(archive: Buffer): ReadonlyMap<string, string> {
  const files = new Map<string, string>()
  const text = (at: number, length: number) => archive.toString('utf8', at, at + length).replace(/\0.*$/s, '')
  for (let at = 0; archive[at] !== 0 && at < archive.length; ) {
    const size = Number.parseInt(text(at + 124, 12), 8)
    const sum = archive.subarray(at, at + 512).reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0)
    expect(Number.parseInt(text(at + 148, 8), 8)).toBe(sum)
    expect(text(at + 257, 6)).toBe('ustar')
    files.set(text(at, 100), archive.toString('utf8', at + 512, at + 512 + size))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

function archiveIn(body: Buffer): Buffer {
  const start = body.indexOf('\r\n\r\n', body.indexOf('prt_file')) + 4
  return gunzipSync(body.subarray(start, body.lastIndexOf('\r\n--')))
}

describe('problem reports', () => {
  it('are a form with name, serial number, user and archive [MPP §12.3]', () => {
    const bench = phone({ PRT_Upload_Rule: RULE, User_ID_1_: '1001' }).send(PRESS)
    const { request } = bench.fetches[0] ?? {}
    expect([bench.keys(), request?.method]).toEqual([[KEY], 'POST'])
    const text = bodyOf(request).toString('latin1')
    expect(text).toContain('name="devicename"\r\n\r\nSEP00562B043615\r\n')
    expect(text).toContain('name="serialno"\r\n\r\nFCH2305DMH0\r\n')
    expect(text).toContain('name="username"\r\n\r\n1001\r\n')
    expect(text).toMatch(/name="prt_file"; filename="probrep-20260310-1200[0-9]{2}\.tar\.gz"/)
    expect(bench.pass(1).names()).toContain('problem-report-sent')
  })

  it('hold description, status and configuration without secrets [MPP §12.3, §1.8]', () => {
    const hidden = ['Hid', 'den-pass1'].join('')
    const bench = phone({ PRT_Upload_Rule: RULE, Admin_Password: hidden, GPP_SA: hidden, GPP_A: 'shown' }).send(PRESS)
    const files = unpack(archiveIn(bodyOf(bench.fetches[0]?.request)))
    expect([...files.keys()]).toEqual(['description.txt', 'status.xml', 'cfg.xml'])
    expect(files.get('description.txt')).toBe('No sound\n')
    expect(files.get('status.xml')).toContain('<Serial_Number>FCH2305DMH0</Serial_Number>')
    expect(files.get('cfg.xml')).toContain('>shown</GPP_A>')
    expect([...files.values()].join('')).not.toContain(hidden)
  })

  it('go by PUT, under PRT_Name and with a header where that is set [MPP §12.3]', () => {
    const values = {
      PRT_Upload_Method: 'PUT',
      PRT_Name: 'prt $MA',
      PRT_HTTP_Header: 'X-Site',
      PRT_HTTP_Header_Value: 'b',
    }
    const { request } = phone({ PRT_Upload_Rule: RULE, ...values }).send(PRESS).fetches[0] ?? {}
    expect(request?.method).toBe('PUT')
    expect(request?.headers).toContainEqual(['X-Site', 'b'])
    expect(bodyOf(request).toString('latin1')).toContain('filename="prt_00562b043615.tar.gz"')
  })

  it.each([
    ['', 'Report problem'],
    ['gopher://x', 'Error: 109'],
    ['tftp://r.test/f', 'Error: 109'],
  ])('with the rule "%s" the display says "%s" and nothing is sent [MPP §12.3]', (rule, text) => {
    const bench = phone({ PRT_Upload_Rule: rule }).send(PRESS)
    expect(bench.keys()).toEqual([])
    expect(bench.says.find(({ name }) => name === 'problem-report-failed')?.text).toContain(text)
  })

  it('are tried once', () => {
    const bench = phone({ PRT_Upload_Rule: RULE }, 503).send(PRESS).pass(9999)
    expect(bench.keys()).toEqual([KEY])
    expect(bench.names()).toContain('problem-report-failed')
  })

  it.each([
    ['15', [901, 1801]],
    ['14', []],
    ['1441', []],
    ['', []],
  ])('with PRT_Max_Timer "%s" go by themselves at %o seconds [MPP §12.3]', (timer, seconds) => {
    const bench = phone({ PRT_Upload_Rule: RULE, PRT_Max_Timer: timer }).pass(1850)
    expect(bench.seconds(KEY)).toEqual(seconds)
  })
})
