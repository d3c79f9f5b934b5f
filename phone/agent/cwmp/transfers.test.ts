import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type CwmpBody, type CwmpBodyOf, TRANSFER_FAULTS } from '../../../protocol/cwmp/mod.ts'
import { printLoads } from '../../../protocol/firmware/mod.ts'
import { decodeFlash, encodeFlash } from '../mod.ts'
import { type Answer, profile, response, START } from '../testdata/bench.ts'
import { acsFault, download, envelope } from './testdata/acs.ts'
import { Desk, type DeskOptions } from './testdata/desk.ts'

const PROFILE_KEY = 'http://files.test:80/job.xml'
const NEW = 'sip88xx.12-0-7MPP0201-66'
const OLD = 'sip88xx.12-0-2MPP0001-609'
const LOAD_KEY = `http://files.test:80/fw/${NEW}.loads`
const PART = new TextEncoder().encode('root file system')
const PART_KEY = 'http://files.test:80/fw/rootfs88xx.sbn'
const PEM = readFileSync(new URL('../testdata/test-root.pem', import.meta.url), 'utf8')

const firmware = (load = NEW) =>
  download({ fileType: '1 Firmware Upgrade Image', url: `http://files.test/fw/${load}.loads`, commandKey: 'fw' })

function loads(name = NEW): Answer {
  const sha256 = createHash('sha256').update(PART).digest('hex')
  return response(200, printLoads({ name, parts: [{ name: 'rootfs88xx.sbn', byteCount: PART.length, sha256 }] }))
}

/** A phone that is asked for one download, and what it reports. */
function transferred(
  ask: CwmpBody,
  files: Readonly<Record<string, Answer>>,
  options: DeskOptions = {},
): { readonly desk: Desk; readonly report: CwmpBodyOf<'TransferComplete'> | undefined } {
  const values = { Resync_After_Upgrade_Attempt: 'No', Resync_On_Reset: 'No', ...options.values }
  const desk = new Desk({ ...options, files, values })
  desk.acs.ask(ask)
  desk.boot(60)
  return { desk, report: desk.acs.transfers[0] }
}

describe('a profile from the ACS', () => {
  it('is queued, fetched after the session, merged, and reported with its key and times [TR-069 §7, Download]', () => {
    const files = { [PROFILE_KEY]: profile({ GPP_A: 'new', Periodic_Inform_Interval: '4000' }) }
    const { desk, report } = transferred(download({ commandKey: 'j1' }), files)
    expect(desk.acs.answers).toEqual([
      { kind: 'DownloadResponse', status: 1, startTime: undefined, completeTime: undefined },
    ])
    expect(desk.events()).toEqual([
      ['0 BOOTSTRAP', '1 BOOT'],
      ['7 TRANSFER COMPLETE', 'M Download(j1)'],
    ])
    expect(report).toMatchObject({ commandKey: 'j1', fault: { code: 0, text: '' } })
    expect(report?.startTime).toBeGreaterThan(START)
    expect(report?.completeTime).toBeGreaterThanOrEqual(report?.startTime ?? Number.POSITIVE_INFINITY)
    expect([desk.bench.parameter('GPP_A'), desk.flash.tr069.transfers]).toEqual(['new', []])
  })

  it('waits for its delay, counted from the end of the session, and for the end of a call [TR-069 §7]', () => {
    const desk = new Desk({ files: { [PROFILE_KEY]: profile({ GPP_A: 'new' }) } })
    desk.acs.ask(download({ delaySeconds: 100 }))
    desk.boot(90)
    desk.bench.send({ kind: 'call-started', line: 1 }).pass(600)
    expect(desk.bench.seconds(PROFILE_KEY)).toEqual([])
    desk.bench.send({ kind: 'call-ended', line: 1 }).pass(10)
    expect(desk.bench.seconds(PROFILE_KEY)).toEqual([690])
    const prompt = new Desk({ files: { [PROFILE_KEY]: profile({ GPP_A: 'new' }) } })
    prompt.acs.ask(download({ delaySeconds: 100 }))
    expect(prompt.boot(200).bench.seconds(PROFILE_KEY)).toEqual([101])
  })

  it('that needs a reboot is reported after it [TR-069 §5.1]', () => {
    const { desk, report } = transferred(download(), { [PROFILE_KEY]: profile({ User_ID_1_: '1001' }) })
    expect(desk.bench.reboots).toHaveLength(1)
    expect(desk.events()[1]).toEqual(['1 BOOT', '7 TRANSFER COMPLETE', 'M Download(job)'])
    expect(report?.fault.code).toBe(0)
  })

  it('that names another ACS is followed by 0 BOOTSTRAP there, with the report [TR-069 §5.1]', () => {
    const desk = new Desk({ files: { [PROFILE_KEY]: profile({ ACS_URL: 'http://acs.test/second' }) } })
    desk.bench.files['http://acs.test:80/second'] = (request) => {
      const reply = desk.acs.reply({ path: '/second', headers: new Map(), body: request.body ?? new Uint8Array(0) })
      return response(reply.status, reply.body, reply.headers)
    }
    desk.acs.ask(download())
    desk.boot(30)
    expect(desk.events()[1]).toEqual(['0 BOOTSTRAP', '7 TRANSFER COMPLETE', 'M Download(job)'])
    expect(desk.acs.transfers).toHaveLength(1)
  })

  it('is fetched with the account of the request, and with no other [TR-069 §7]', () => {
    const asked: (string | undefined)[] = []
    const files: Record<string, Answer> = {
      [PROFILE_KEY]: (request) => {
        asked.push(request.headers.find(([name]) => name === 'Authorization')?.[1])
        return asked.at(-1) === `Basic ${btoa('u:file-secret')}`
          ? response(200, profile({ GPP_A: 'new' }))
          : response(401, '', { 'www-authenticate': 'Basic realm="x"' })
      },
    }
    const own = { Profile_Authentication_Type: 'XSI Authentication', Login_User_ID: 'me', Login_Password: 'my-secret' }
    const { desk, report } = transferred(download({ username: 'u', password: 'file-secret' }), files, { values: own })
    expect(report?.fault.code).toBe(0)
    expect(JSON.stringify(desk.bench.says)).not.toContain('file-secret')
    asked.length = 0
    const refused = transferred(download(), files, { values: own })
    expect(refused.report?.fault.code).toBe(9012)
    expect(asked.join()).not.toContain(btoa('me:my-secret'))
  })

  it('has no key of its URL in what is said', () => {
    const token = 'c0ffee00c0ffee00c0ffee00'
    const key = `http://files.test:80/f/${token}/job.xml?sig=${token}1`
    const url = `http://files.test/f/${token}/job.xml?sig=${token}1`
    const { desk, report } = transferred(download({ url }), { [key]: profile({ GPP_A: 'new' }) })
    expect(report?.fault.code).toBe(0)
    expect(JSON.stringify(desk.bench.says)).not.toContain(token)
  })
})

describe('a transfer that fails', () => {
  it.each<readonly [string, Answer | undefined, number, Partial<CwmpBodyOf<'Download'>>]>([
    ['is not there', response(404), 9016, {}],
    ['is refused', response(403), 9012, {}],
    ['wants a password', response(401, '', { 'www-authenticate': 'Basic realm="x"' }), 9012, {}],
    ['is gone', response(410), 9016, {}],
    ['has a server in trouble', response(500), 9010, {}],
    ['cannot be reached', undefined, 9015, {}],
    ['breaks off', { kind: 'failed', reason: 'broken', detail: '' }, 9017, {}],
    ['stops', { kind: 'failed', reason: 'timeout', detail: '' }, 9017, {}],
    ['is too large', { kind: 'failed', reason: 'too-large', detail: '' }, 9018, {}],
    ['is no profile', 'hello', 9018, {}],
    ['has another size', profile({ GPP_A: '1' }), 9018, { fileSize: 7 }],
    ['is no CA', 'hello', 9018, { fileType: 'X 00562B Custom CA File' }],
    ['is forbidden', undefined, 9001, { url: 'http://elsewhere.example/job.xml' }],
  ])('because its file %s says so [TR-069 §4.3, §7]', (_what, answer, code, more) => {
    const files = answer === undefined ? {} : { [PROFILE_KEY]: answer }
    const { desk, report } = transferred(download(more), files, { values: { Restricted_Access_Domains: 'test' } })
    expect(report?.fault.code).toBe(code)
    expect(report?.fault.text).not.toBe('')
    expect(TRANSFER_FAULTS).toContain(code)
    expect([desk.flash.tr069.transfers, desk.bench.parameter('GPP_A')]).toEqual([[], undefined])
  })

  it.each<readonly [string, string, Readonly<Record<string, Answer>>, number]>([
    ['is for other phones', 'sip78xx.12-0-7MPP0201-66', {}, 9018],
    ['has a part that is not what it says', NEW, { [LOAD_KEY]: loads(), [PART_KEY]: 'other' }, 9018],
    ['has a part that is missing', NEW, { [LOAD_KEY]: loads() }, 9015],
    ['is not there', NEW, { [LOAD_KEY]: response(404) }, 9016],
  ])('because the load %s leaves the phone as it is [TR-069 §7]', (_what, name, files, code) => {
    const { desk, report } = transferred(firmware(name), files)
    expect([report?.commandKey, report?.fault.code]).toEqual(['fw', code])
    expect([desk.flash.activeLoad, desk.bench.reboots]).toEqual([OLD, []])
  })

  it('because the URL names no load [TR-069 §7]', () => {
    const ask = download({ fileType: '1 Firmware Upgrade Image', url: 'http://files.test/token' })
    expect(transferred(ask, {}).report?.fault.code).toBe(9018)
  })
})

describe('firmware from the ACS', () => {
  const files = { [LOAD_KEY]: loads(), [PART_KEY]: response(200, PART) }

  it('is reported when it runs, with the new version [TR-069 §5.1, §7]', () => {
    const { desk, report } = transferred(firmware(), files)
    expect(desk.flash.activeLoad).toBe(NEW)
    expect(desk.events()).toEqual([
      ['0 BOOTSTRAP', '1 BOOT'],
      ['1 BOOT', '4 VALUE CHANGE', '7 TRANSFER COMPLETE', 'M Download(fw)'],
    ])
    expect(desk.acs.informs[1]?.parameters).toContainEqual({
      name: 'Device.DeviceInfo.SoftwareVersion',
      type: 'string',
      value: NEW,
    })
    expect(report).toMatchObject({ commandKey: 'fw', fault: { code: 0 } })
    expect(desk.bench.keys().filter((key) => key === LOAD_KEY)).toHaveLength(1)
  })

  it('that runs already, or lies in the other partition, is not fetched [MPP §6]', () => {
    const running = transferred(firmware(OLD), {})
    expect([running.report?.fault.code, running.desk.bench.reboots]).toEqual([0, []])
    const other = transferred(firmware(), {}, { memory: { inactiveLoad: NEW } })
    expect([other.report?.fault.code, other.desk.flash.activeLoad]).toEqual([0, NEW])
    expect(other.desk.bench.keys()).not.toContain(LOAD_KEY)
  })
})

describe('a custom CA from the ACS', () => {
  it('is trusted from then on, and stays after a resync [TR-069 §7]', () => {
    const ask = download({ fileType: 'X 00562B Custom CA File', url: 'tftp://files.test/ca.pem' })
    const files = { 'tftp://files.test:69/ca.pem': PEM, 'http://files.test:80/p': profile({ GPP_A: '1' }) }
    const values = { Profile_Rule: 'http://files.test/p' }
    const { desk, report } = transferred(ask, files, { values })
    expect(report?.fault.code).toBe(0)
    expect(desk.flash.customCa.pem).toBe(PEM)
    desk.bench.send({ kind: 'keypad', entry: { kind: 'set', element: 'Provision_Enable', value: 'Yes' } })
    desk.bench.send({ kind: 'keypad', entry: { kind: 'resync' } }).pass(60)
    expect(desk.bench.names()).toContain('resync-finished')
    expect(desk.flash.customCa.pem).toBe(PEM)
  })
})

describe('the queue', () => {
  const job = (key: string) => download({ commandKey: key, url: `http://files.test/${key}.xml` })
  const file = (key: string) => `http://files.test:80/${key}.xml`

  it('runs several in order, and reports all in one session [TR-069 §7]', () => {
    const desk = new Desk({
      files: Object.fromEntries(['a', 'b', 'c'].map((key) => [file(key), profile({ GPP_A: key })])),
    })
    desk.acs.ask(job('a'), job('b'), job('c'), job('a'))
    desk.boot(60)
    expect(desk.bench.keys().filter((key) => key.includes('files.test'))).toEqual(['a', 'b', 'c', 'a'].map(file))
    expect(desk.acs.transfers.map(({ commandKey }) => commandKey)).toEqual(['a', 'b', 'c', 'a'])
    expect(desk.bench.parameter('GPP_A')).toBe('a')
  })

  it('is in flash before the answer, and survives a power cut at any time [TR-069 §7]', () => {
    for (let step = 0; step < 40; step += 1) {
      const desk = new Desk({ files: { [file('a')]: profile({ GPP_A: 'new' }) } })
      desk.acs.ask(job('a'))
      desk.bench.boot(1)
      desk.pass(step * 0.005)
      const flash = decodeFlash(encodeFlash(desk.flash))
      expect(flash.ok && flash.value).toEqual(desk.flash)
      const accepted = desk.flash.tr069.nextTransferId - 1
      desk.bench.cut().pass(60)
      const runs = desk.bench.keys().filter((key) => key === file('a')).length
      // The file may be asked for again when it had not come yet; what was done is not done again.
      expect(desk.bench.names().filter((name) => name === 'profile-applied')).toHaveLength(
        Math.max(accepted, desk.flash.tr069.nextTransferId - 1),
      )
      expect(runs).toBeLessThanOrEqual(desk.flash.tr069.nextTransferId)
      expect(desk.acs.transfers.length).toBeGreaterThanOrEqual(desk.flash.tr069.nextTransferId - 1)
      expect(desk.flash.tr069.transfers).toEqual([])
    }
  })

  it('reports again what was refused with a fault, in later sessions only [TR-069 §5.1, §7]', () => {
    let refuses = true
    const fault = envelope(acsFault(8003))
    const desk = new Desk({
      files: { [file('a')]: profile({ GPP_A: 'new' }) },
      acs: { instead: (_post, message) => (message?.body.kind === 'TransferComplete' && refuses ? fault : undefined) },
    })
    desk.acs.ask(job('a'))
    desk.boot(600)
    expect(desk.acs.informs).toHaveLength(2)
    expect(desk.bench.agent.ram.cwmp.failureCount).toBe(0)
    refuses = false
    desk.bench.cut().pass(30)
    expect(desk.events().at(-1)).toEqual(['1 BOOT', '7 TRANSFER COMPLETE', 'M Download(a)'])
    expect(desk.acs.transfers).toHaveLength(1)
  })

  it('reports once more in the same session for fault 8005 [TR-069 §4.2]', () => {
    let count = 0
    const desk = new Desk({
      files: { [file('a')]: profile({ GPP_A: 'new' }) },
      acs: {
        instead: (_post, message) =>
          message?.body.kind === 'TransferComplete' && (count += 1) === 1 ? envelope(acsFault(8005)) : undefined,
      },
    })
    desk.acs.ask(job('a'))
    desk.boot(60)
    expect([count, desk.acs.informs.length, desk.acs.transfers.length]).toEqual([2, 2, 1])
  })

  it('holds its reports back while the ACS wants no requests, and gives them before the end [TR-069 §3.2]', () => {
    const desk = new Desk({
      files: { [file('a')]: profile({ GPP_A: 'new' }) },
      acs: {
        instead: (_post, message, at) => {
          // The second session: hold, ask one thing, then have nothing more.
          if (message?.body.kind === 'Inform' && at > 3)
            return held(envelope({ kind: 'InformResponse', maxEnvelopes: 1 }, message.id))
          if (message === undefined && at === 5) return held(envelope({ kind: 'GetRPCMethods' }))
          if (message?.body.kind === 'GetRPCMethodsResponse') return { status: 204, headers: {}, body: '' }
          return undefined
        },
      },
    })
    desk.acs.ask(job('a'))
    desk.boot(60)
    expect(desk.acs.transfers).toHaveLength(1)
    expect(desk.acs.heard.slice(-2)).toEqual(['TransferComplete', 'empty'])
  })
})

function held(reply: ReturnType<typeof envelope>): ReturnType<typeof envelope> {
  const header = '<cwmp:HoldRequests soap-env:mustUnderstand="1">1</cwmp:HoldRequests></soap-env:Header>'
  return { ...reply, body: reply.body.replace('</soap-env:Header>', header) }
}
