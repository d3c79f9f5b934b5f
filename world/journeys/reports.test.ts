/** Journey: what a phone says of itself reaches its timeline: reports, drift, log lines, problem reports. */
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { MacAddress } from '../../protocol/identity.ts'
import { plant } from '../../server/testing.ts'
import { type Account, type BenchPhone, eventually, LOOK_BACK_S, openBench } from './testing.ts'

const bench = await openBench()
const { ports, publicUrl, platform } = bench.server
const HTTP_URL = `http://localhost:${ports.http}`
/** The shortest period of reports. */
const REPORT_S = 601

interface ReportJson {
  readonly id: number
  readonly kind: string
  readonly trust: string
  readonly firmware: string | null
  readonly problem: string | null
  readonly lines: readonly { readonly userId: string; readonly state: string }[]
  readonly parameters: Readonly<Record<string, { readonly value: string | null; readonly secret?: true }>>
}

interface DriftJson {
  readonly count: number
  readonly runs: string
  readonly items: readonly {
    readonly element: string
    readonly reported: string | null
    readonly wanted: string | null
    readonly reason: string
    readonly allowed: boolean
  }[]
}

interface List<T> {
  readonly items: readonly T[]
}

const reports = async (mac: string) => (await bench.api<List<ReportJson>>('GET', `devices/${mac}/reports`)).items
const drift = (mac: string) => bench.api<DriftJson>('GET', `devices/${mac}/drift`)
const fleet = async () =>
  (await bench.api<List<{ mac: string }>>('GET', 'drift?limit=1000')).items.map(({ mac }) => mac)

/** A bound phone that runs what is wanted, with these values in its account's layer. */
async function phoneWith(parameters: Record<string, object>, settings = {}): Promise<[BenchPhone, Account]> {
  const account = await bench.account({ settings })
  await bench.api('PUT', `layers/account/${account.id}`, { parameters, why: 'what phones are to say' })
  const phone = await bench.phone()
  await phone.openLink(`${publicUrl}/cisco-init/${await bench.code(account)}`)
  await bench.registered(phone, account)
  phone.later(LOOK_BACK_S)
  await bench.upToDate(phone.mac)
  return [phone, account]
}

/** Lets the next report come. @returns the newest */
async function nextReport(phone: BenchPhone): Promise<ReportJson> {
  const [newest] = await reports(phone.mac)
  phone.later(REPORT_S)
  let came: ReportJson | undefined
  await eventually('the next report', async () => {
    came = (await reports(phone.mac))[0]
    return came !== undefined && came.id !== newest?.id
  })
  return bench.api('GET', `devices/${phone.mac}/reports/${came?.id}`)
}

function atThePhone(phone: BenchPhone, element: string, value: string): void {
  phone.phone.send({ kind: 'keypad', entry: { kind: 'set', element, value } })
}

async function driftEvents(mac: MacAddress): Promise<readonly unknown[]> {
  return (await bench.events(mac)).filter(({ name }) => name === 'device.drift').map(({ data }) => data['count'])
}

const SEALED_REPORTS = {
  Report_Rule: { value: `[--key $SA] ${HTTP_URL}/report/$MA.xml` },
  Report_To_Server: { value: 'Periodically' },
  Periodic_Upload_To_Server: { value: '600' },
}

describe('reports under a key', () => {
  it('are believed and parsed; a change at the phone is drift until the next resync [MPP §12.2]', async () => {
    const [phone, account] = await phoneWith({
      ...SEALED_REPORTS,
      Time_Format: { value: '24hr' },
      Station_Display_Name: { value: 'Front desk', ua: 'rw' },
    })
    const first = await nextReport(phone)
    expect(first).toMatchObject({ kind: 'full', trust: 'sealed', problem: null })
    expect(first.parameters['User_ID_1_']).toMatchObject({ value: account.lines[0]?.userId })
    expect(await drift(phone.mac)).toEqual({
      reportedAt: expect.any(String),
      fullReportAt: expect.any(String),
      runs: 'wanted',
      count: 0,
      items: [],
    })
    expect(await fleet()).not.toContain(phone.mac)

    atThePhone(phone, 'Time_Format', '12hr')
    atThePhone(phone, 'Station_Display_Name', 'Reception')
    await nextReport(phone)
    const found = await drift(phone.mac)
    expect(found.count).toBe(2)
    expect(found.items.toSorted((a, b) => (a.element < b.element ? -1 : 1))).toMatchObject([
      { element: 'Station_Display_Name', reported: 'Reception', wanted: 'Front desk', reason: 'user-may-write' },
      { element: 'Time_Format', reported: '12hr', wanted: '24hr', reason: 'changed-at-phone' },
    ])
    expect(await fleet()).toContain(phone.mac)
    expect(await driftEvents(phone.mac)).toEqual([2])

    const from = phone.said.length
    phone.phone.send({ kind: 'keypad', entry: { kind: 'resync' } })
    await phone.says('resync-finished', from)
    await nextReport(phone)
    expect((await drift(phone.mac)).items).toEqual([])
    expect(await fleet()).not.toContain(phone.mac)
    expect(await driftEvents(phone.mac)).toEqual([2, 0])
  })

  it('that the device’s own layer gives open too, as does the coding of RFC 8188 [MPP §2.3, §12.2]', async () => {
    const [phone] = await phoneWith(SEALED_REPORTS)
    const ikm = plant(randomBytes(16).toString('base64url'))
    const path = `layers/device/${phone.mac}`
    await bench.api('PUT', path, {
      parameters: {
        IKM_HTTP_Encrypt_Content: { value: ikm },
        Report_Rule: { value: `${HTTP_URL}/report/$MA.xml` },
      },
      why: 'coded reports',
    })
    const from = phone.said.length
    phone.phone.send({ kind: 'keypad', entry: { kind: 'resync' } })
    await phone.says('resync-finished', from)
    expect(await nextReport(phone)).toMatchObject({ kind: 'full', trust: 'sealed' })
    const text = JSON.stringify([await reports(phone.mac), await drift(phone.mac)])
    expect(text).not.toContain(ikm)
  })
})

describe('delta and status', () => {
  it('deltas are laid over the last full report, a status tells the lines [MPP §12.2]', async () => {
    const [phone, account] = await phoneWith({
      Report_Rule: { value: `${publicUrl}/report` },
      Report_To_Server: { value: 'Periodically' },
      Periodic_Upload_To_Server: { value: '600' },
    })
    expect(await nextReport(phone)).toMatchObject({ kind: 'full', trust: 'certified' })
    await bench.api('PUT', `layers/account/${account.id}`, {
      parameters: {
        Report_Rule: { value: `[--delta]${publicUrl}/report [--status]${publicUrl}/report/status` },
        Report_To_Server: { value: 'Periodically' },
        Periodic_Upload_To_Server: { value: '600' },
      },
      why: 'only what changes',
    })
    const from = phone.said.length
    phone.phone.send({ kind: 'keypad', entry: { kind: 'resync' } })
    await phone.says('resync-finished', from)
    atThePhone(phone, 'GPP_E', 'typed here')
    await nextReport(phone)
    await eventually('both reports', async () => (await reports(phone.mac)).length >= 3)
    const [status, delta] = await reports(phone.mac)
    expect([status?.kind, delta?.kind, status?.firmware]).toEqual(['status', 'delta', phone.load()])
    const detail = await bench.api<ReportJson>('GET', `devices/${phone.mac}/reports/${status?.id}`)
    expect(detail.lines).toMatchObject([{ line: 1, userId: account.lines[0]?.userId, state: 'registered' }])
    const reported = await bench.api<{ parameters: ReportJson['parameters']; fullAt: string | null }>(
      'GET',
      `devices/${phone.mac}/reported`,
    )
    expect(reported.fullAt).not.toBeNull()
    expect(reported.parameters['GPP_E']).toMatchObject({ value: 'typed here' })
    expect(reported.parameters['Time_Format']).toBeDefined()
  })
})

describe('log lines', () => {
  it('of a resync stand in the timeline as claimed, without codes [MPP §12.1]', async () => {
    const [phone] = await phoneWith({
      Syslog_Server: { value: `127.0.0.1:${ports.syslog}` },
      // The factory text names the path.
      Log_Request_Msg: { value: '$PN $MAC -- Requesting resync $SCHEME://$SERVIP:$PORT$PATH' },
    })
    const from = phone.said.length
    phone.phone.send({ kind: 'keypad', entry: { kind: 'resync' } })
    await phone.says('resync-finished', from)
    await eventually('the log lines', async () => {
      const said = (await bench.events(phone.mac)).filter(({ name }) => name === 'syslog.message')
      return said.some(({ data }) => data['what'] === 'resync-succeeded')
    })
    const said = (await bench.events(phone.mac)).filter(({ name }) => name === 'syslog.message')
    expect(said.map(({ data }) => data['what'])).toContain('resync-requested')
    expect(said[0]).toMatchObject({ trust: 'claimed', data: { scheme: 'https', host: '127.0.0.1', port: ports.https } })
  })
})

const FOLDER = join(platform.settings.dataDir, 'problem-reports')

interface ProblemReportJson {
  readonly id: string
  readonly name: string
  readonly trust: string
  readonly byteCount: number
}

const problemReports = async (mac: string) =>
  (await bench.api<List<ProblemReportJson>>('GET', `devices/${mac}/problem-reports`)).items

/** A body to `/prt…` over plain HTTP. @returns the status, or 0 when the server closed before all was sent */
function upload(path: string, body: Buffer, headers: Record<string, string> = {}, cutAfter?: number): Promise<number> {
  return new Promise((resolve) => {
    const sent = httpRequest(
      {
        host: '127.0.0.1',
        port: ports.http,
        path,
        method: 'POST',
        headers: { ...headers, 'content-length': body.length },
      },
      (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      },
    )
    sent.on('error', () => resolve(0))
    if (cutAfter === undefined) sent.end(body)
    else sent.write(body.subarray(0, cutAfter), () => setImmediate(() => sent.destroy()))
  })
}

function form(name: string, file: Buffer): [Buffer, Record<string, string>] {
  const head = `--b\r\nContent-Disposition: form-data; name="devicename"\r\n\r\nSEP\r\n--b\r\nContent-Disposition: form-data; name="prt_file"; filename="${name}"\r\n\r\n`
  return [
    Buffer.concat([Buffer.from(head), file, Buffer.from('\r\n--b--\r\n')]),
    { 'content-type': 'multipart/form-data; boundary=b' },
  ]
}

describe('problem reports', () => {
  it('of a phone are kept, downloaded and deleted, and each download is written down [MPP §12.3]', async () => {
    const [phone] = await phoneWith({})
    const from = phone.said.length
    phone.phone.send({ kind: 'keypad', entry: { kind: 'report-problem', description: 'No sound' } })
    await phone.says('problem-report-sent', from)
    const [report] = await problemReports(phone.mac)
    expect(report).toMatchObject({
      trust: 'certified',
      name: expect.stringMatching(/^probrep-[0-9]{8}-[0-9]{6}\.tar\.gz$/),
    })
    expect(await bench.story(phone.mac)).toContain('problem-report.received')
    const bytes = await bench.download(`problem-reports/${report?.id}/file`)
    expect(bytes.length).toBe(report?.byteCount)
    expect(gunzipSync(bytes).toString('latin1')).toContain('No sound')
    const [revision] = await platform.db.query<{ what: string }>({
      name: 'test-last-revision',
      text: 'select what from revision where target = $1 order by id desc limit 1',
      values: [phone.mac],
    })
    expect(revision?.what).toBe('problem report downloaded')
    await bench.remove(`problem-reports/${report?.id}`)
    expect(await problemReports(phone.mac)).toEqual([])
    expect(readdirSync(FOLDER)).toEqual([])
  })

  it('that only claim a MAC are refused, unless the account takes them', async () => {
    const [strict] = await phoneWith({})
    const [body, headers] = form('a.tar.gz', gzipSync('log'))
    expect(await upload(`/prt/${strict.mac}`, body, headers)).toBe(404)
    expect(await upload('/prt/00562bffffff', body, headers)).toBe(404)
    expect(await upload('/prt', body, headers)).toBe(404)
    expect(await upload('/prt/../etc', body, headers)).toBe(404)
    const [open] = await phoneWith({}, { claimedProblemReports: true })
    expect(await upload(`/prt/${open.mac}`, body, headers)).toBe(200)
    expect(await upload(`/prt/${open.mac}`, gzipSync('bare'), { 'content-type': 'application/gzip' })).toBe(200)
    expect(await problemReports(open.mac)).toMatchObject([{ trust: 'claimed' }, { trust: 'claimed', name: 'a.tar.gz' }])
    expect(await problemReports(strict.mac)).toEqual([])
  })

  it('that are no archive, too large, cut off or hostile in name leave nothing behind', async () => {
    const [phone] = await phoneWith({}, { claimedProblemReports: true })
    const path = `/prt/${phone.mac}`
    const [wrong, headers] = form('a.tar.gz', Buffer.from('#!/bin/sh'))
    expect(await upload(path, wrong, headers)).toBe(404)
    expect(await upload(path, Buffer.from('x'), { 'content-type': 'multipart/form-data' })).toBe(404)
    expect(await upload(path, Buffer.from('--b--\r\n'), headers)).toBe(404)
    const large = Buffer.alloc(21 * 1024 * 1024)
    large.set([0x1f, 0x8b])
    expect([404, 0]).toContain(await upload(path, ...form('big.tar.gz', large)))
    const [cut] = form('cut.tar.gz', gzipSync(randomBytes(300_000)))
    expect(await upload(path, cut, headers, 200_000)).toBe(0)
    const hostile = form('../../etc/pass wd"\u0007', gzipSync('x'))
    // Until the server knows that the sender is gone, the phone has its one place.
    await eventually('a place for the next one', async () => (await upload(path, ...hostile)) === 200)
    expect(readdirSync(FOLDER).filter((name) => name.startsWith('.'))).toEqual([])
    expect((await problemReports(phone.mac)).map(({ name }) => name)).toEqual([
      expect.stringMatching(/^[A-Za-z0-9._-]+$/),
    ])
  })

  it('beyond the bound of a device push out its oldest', async () => {
    const [phone] = await phoneWith({}, { claimedProblemReports: true })
    for (const name of ['1', '2', '3']) await upload(`/prt/${phone.mac}`, ...form(`${name}.tar.gz`, gzipSync(name)))
    const kept = await problemReports(phone.mac)
    expect(kept.map(({ name }) => name)).toEqual(['3.tar.gz', '2.tar.gz'])
    const files = readdirSync(FOLDER).filter((name) => kept.some(({ id }) => name.startsWith(id)))
    expect(files).toHaveLength(2)
  })
})
