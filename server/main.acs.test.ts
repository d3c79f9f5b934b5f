/** The ACS on real sockets and a real database. */
import { get as httpsGet } from 'node:https'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { type CwmpBody, type CwmpBodyOf, CWMP_NAMESPACE, type CwmpRpc, writeCwmp } from '../protocol/cwmp/mod.ts'
import type { MacAddress, SerialNumber } from '../protocol/identity.ts'
import { assert } from '../protocol/result.ts'
import { acsCredentials, type AccountSettings } from './devices/mod.ts'
import { type CertificatePair, issueDeviceCertificate } from './pki/mod.ts'
import {
  askTasks,
  assignLine,
  createBatch,
  ensureLabCa,
  findTask,
  listActions,
  listParameters,
  listStrangers,
  loadAcsState,
  putSipProxy,
  scanBoxes,
  searchEvents,
  stagedBox,
  stagingRows,
} from './store/mod.ts'
import { openAcsBench } from './testing-acs-bench.ts'
import { AcsDevice, type AcsDeviceOptions } from './testing-acs.ts'
import { WHO } from './testing-provider.ts'
import { bodyOfPem, freshMac, plant, plantSecretsOf, PN, serialFor } from './testing.ts'
import { isInstanceOf, type TaskRequest } from './tr069/mod.ts'

const { server, provider } = await openAcsBench()
const { platform } = server
const { db, vault } = platform
const lab = await ensureLabCa(db, vault, Date.now())
plant(bodyOfPem(lab.keyPem))
const CA = platform.secrets.serverCa.certPem
const devices: AcsDevice[] = []
afterAll(() => devices.forEach((device) => device.close()))

const TREE = {
  'Device.DeviceInfo.SoftwareVersion': 'sip88xx.12-0-7',
  'Device.DeviceInfo.HardwareVersion': '1.0',
  'Device.ManagementServer.URL': 'https://localhost/',
  'Device.ManagementServer.PeriodicInformEnable': '1',
  'Device.ManagementServer.PeriodicInformInterval': '20',
  'Device.ManagementServer.ConnectionRequestURL': 'http://127.0.0.1:9/x',
  'Device.ManagementServer.ConnectionRequestUsername': '',
  'Device.ManagementServer.ConnectionRequestPassword': '',
}

function deviceOf(
  options: Omit<AcsDeviceOptions, 'oui' | 'productClass' | 'serial'> & { serial?: string; mac: MacAddress },
): AcsDevice {
  const { mac, serial = serialFor(mac), ...rest } = options
  const device = new AcsDevice({ oui: mac.slice(0, 6).toUpperCase(), productClass: PN, serial, values: TREE, ...rest })
  devices.push(device)
  return device
}

async function certified(mac: MacAddress, more: { serial?: string } = {}): Promise<AcsDevice> {
  return deviceOf({ mac, port: server.ports.acsTls, tls: { ca: CA, pair: await pairOf(mac) }, ...more })
}

/** Bound as phones are: by a code, over HTTPS, with the certificate that they keep. */
async function bound(settings: Partial<AccountSettings>): Promise<{ mac: MacAddress; pair: CertificatePair }> {
  const { id } = await provider.accountWith({ settings })
  const { code } = await provider.codeOf(id)
  const mac = freshMac()
  const pair = await pairOf(mac)
  const status = await new Promise<number>((known, failed) => {
    const at = { host: '127.0.0.1', port: server.ports.https, path: `/cisco-init/${code}`, agent: false } as const
    const asked = httpsGet({ ...at, ca: CA, key: pair.keyPem, cert: pair.certPem }, (response) => {
      response.resume()
      known(response.statusCode ?? 0)
    })
    asked.on('error', failed)
  })
  expect(status).toBe(200)
  await plantSecretsOf(platform)
  return { mac, pair }
}

async function pairOf(mac: MacAddress): Promise<CertificatePair> {
  const pair = await issueDeviceCertificate(lab, { mac, serial: serialFor(mac), productName: PN }, Date.now())
  plant(bodyOfPem(pair.keyPem))
  return pair
}

async function boundDevice(settings: Partial<AccountSettings> = {}) {
  const { mac, pair } = await bound(settings)
  return { mac, device: deviceOf({ mac, port: server.ports.acsTls, tls: { ca: CA, pair } }) }
}

async function withCredentials(settings: Partial<AccountSettings> = {}) {
  const { mac } = await bound(settings)
  const facts = await platform.directory.device(mac)
  const known = facts === undefined ? undefined : acsCredentials(facts)
  assert(known !== undefined, 'a bound device has credentials')
  const credentials = { username: known.username, password: plant(known.password) }
  return { mac, credentials, device: deviceOf({ mac, port: server.ports.acs, credentials }) }
}

async function ask(mac: MacAddress, request: TaskRequest): Promise<string> {
  const asked = { macs: [mac], request, who: WHO, now: Date.now(), deadlineSeconds: 3600 }
  const [task] = await db.transaction((tx) => askTasks(tx, vault, asked))
  assert(task !== undefined, 'the device is known')
  return task.id
}

async function taskOf(id: string) {
  const task = await findTask(db, id)
  assert(task !== undefined, 'the task is stored')
  return task
}

function names(asked: readonly { readonly kind: string }[]): readonly string[] {
  return asked.map(({ kind }) => kind)
}

describe('a session', () => {
  it('learns a new device, raises its interval, and then asks nothing more [TR-069 §8.4, §10]', async () => {
    const { mac, device } = await boundDevice()
    const first = await device.session(['0 BOOTSTRAP', '1 BOOT'])
    expect(names(first)).toEqual(['GetParameterNames', 'GetParameterValues', 'SetParameterValues'])
    expect(device.values.get('Device.ManagementServer.PeriodicInformInterval')).toBe('3600')
    expect(device.values.get('Device.ManagementServer.ConnectionRequestPassword')).toMatch(/^[\w-]{24}$/)
    plant(device.values.get('Device.ManagementServer.ConnectionRequestPassword') ?? '')
    expect(await device.session(['2 PERIODIC'])).toEqual([])
    const rows = await listParameters(db, mac, { below: '', q: undefined, after: undefined, limit: 100 })
    expect(rows.map(({ path }) => path)).toContain('Device.DeviceInfo.SoftwareVersion')
    expect(rows.find(({ path }) => path.endsWith('ConnectionRequestPassword'))?.value).toBeNull()
    expect(await provider.eventsOf(mac)).toContain('tr069.first-contact')
  })

  it('is known by its connection where a device returns no cookie, and by its cookie on a new one [TR-069 §2.3]', async () => {
    const { mac, device } = await boundDevice()
    await device.say(device.informOf(['1 BOOT']))
    device.forgetCookie()
    expect((await device.post('')).message?.body.kind).toBe('GetParameterNames')
    const other = await certified(mac)
    await other.say(other.informOf(['1 BOOT']))
    other.disconnect()
    expect((await other.post('')).message?.body.kind).toBe('GetParameterNames')
  })

  it('echoes ID and namespace, reads packed bodies and answers packed [TR-069 §2, §3.2, §3.3]', async () => {
    const { device } = await boundDevice()
    const namespace = 'urn:dslforum-org:cwmp-1-0'
    const text = writeCwmp({ id: ' 42 x', namespace, headers: {}, body: device.informOf(['1 BOOT']) })
    const answer = await device.post(gzipSync(text), { 'content-encoding': 'gzip' })
    expect([answer.status, answer.headers['content-encoding']]).toEqual([200, 'gzip'])
    const plain = await device.post(text, {})
    expect(plain.message).toMatchObject({ id: ' 42 x', namespace, body: { kind: 'InformResponse', maxEnvelopes: 1 } })
  })

  it('ends with 400 for a message that has no place in it, and the next begins anew [TR-069 §1.2]', async () => {
    const { device } = await boundDevice()
    await device.say(device.informOf(['1 BOOT']))
    expect((await device.say({ kind: 'RebootResponse' })).status).toBe(400)
    expect((await device.session(['1 BOOT'])).length).toBe(3)
  })

  it('answers reports with their response and other methods with 8000 [TR-069 §4.2]', async () => {
    const { mac, device } = await boundDevice()
    await device.say(device.informOf(['7 TRANSFER COMPLETE']))
    expect((await device.say({ kind: 'GetRPCMethods' })).message?.body).toMatchObject({ kind: 'GetRPCMethodsResponse' })
    expect((await device.say(reportOf('unknown'))).message?.body.kind).toBe('TransferCompleteResponse')
    const kicked = await device.post(
      '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="urn:dslforum-org:cwmp-1-0"><s:Body><c:Kicked/></s:Body></s:Envelope>',
    )
    expect(kicked.message?.body).toMatchObject({ kind: 'Fault', code: 8000 })
    expect(await provider.eventsOf(mac)).toContain('tr069.transfer-unknown')
  })
})

function reportOf(commandKey: string, code = 0): CwmpBodyOf<'TransferComplete'> {
  return {
    kind: 'TransferComplete',
    commandKey,
    fault: { code, text: code === 0 ? '' : 'no' },
    startTime: undefined,
    completeTime: undefined,
  }
}

async function scanInto(batchId: string, mac: MacAddress, serial: SerialNumber): Promise<void> {
  const box = { index: 0, mac, serial, model: PN, name: undefined, lineId: undefined, line: undefined }
  const done = await db.transaction((tx) => scanBoxes(tx, WHO, batchId, [box], null))
  assert(done.ok && done.value.added === 1, 'the box is taken')
}

describe('who may call', () => {
  it('is asked first, also on an empty POST, and lets in whoever has the password [TR-069 §2.4]', async () => {
    const { device, credentials, mac } = await withCredentials()
    const stranger = deviceOf({ mac, port: server.ports.acs })
    const asked = await stranger.post('')
    expect(asked.status).toBe(401)
    expect(asked.headers['www-authenticate']).toMatch(/^Digest .*qop="auth"/)
    expect((await device.session(['0 BOOTSTRAP'])).length).toBeGreaterThan(0)
    const wrong = deviceOf({ mac, port: server.ports.acs, credentials: { ...credentials, password: 'wrong' } })
    expect((await wrong.say(wrong.informOf(['1 BOOT']))).status).toBe(401)
  })

  it('takes Basic over TLS and never in clear [TR-069 §2.4]', async () => {
    const { mac, credentials } = await withCredentials()
    const basic = {
      authorization: `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`,
    }
    const clear = deviceOf({ mac, port: server.ports.acs })
    const inform = writeCwmp({ id: '1', namespace: CWMP_NAMESPACE, headers: {}, body: clear.informOf(['1 BOOT']) })
    expect((await clear.post(inform, basic)).status).toBe(401)
    const secure = deviceOf({ mac, port: server.ports.acsTls, tls: { ca: CA } })
    expect((await secure.post(inform, basic)).status).toBe(200)
  })

  it('must be the device that it says it is, else a fault and a line in the timeline [TR-069 §2.4]', async () => {
    const { mac } = await bound({})
    const device = await certified(mac, { serial: 'FCH00000000' })
    const answer = await device.say(device.informOf(['1 BOOT']))
    expect(answer.message?.body).toMatchObject({ kind: 'Fault', code: 8001 })
    expect(await provider.eventsOf(mac)).toContain('identity.mismatch')
  })

  it('is seen where phones are staged, with what stands against it, though it comes to no other door', async () => {
    const { id: accountId } = await provider.accountWith()
    const batch = await db.transaction((tx) =>
      createBatch(tx, WHO, { accountId, name: 'Bench', model: undefined, expected: undefined }),
    )
    const [good, swapped, late] = [freshMac(), freshMac(), freshMac()]
    const { mac: renewed } = await provider.bound()
    await scanInto(batch.id, good, serialFor(good))
    await scanInto(batch.id, swapped, serialFor(freshMac()))
    await scanInto(batch.id, late, serialFor(late))
    await db.transaction((tx) =>
      tx.run({
        name: 'test-into-batch',
        text: 'update device set batch_id = $1 where mac = $2',
        values: [batch.id, renewed],
      }),
    )
    const heard: Record<string, string> = {}
    for (const mac of [good, swapped, renewed]) {
      const device = await certified(mac)
      heard[mac] = (await device.say(device.informOf(['0 BOOTSTRAP']))).message?.body.kind ?? ''
    }
    expect(heard).toEqual({ [good]: 'InformResponse', [swapped]: 'Fault', [renewed]: 'Fault' })
    const staged = async () => {
      const rows = await stagingRows(db, batch.id)
      const boxes = rows.map((row) => stagedBox(row, { batchCreatedAt: batch.createdAt, reach: null }))
      return new Map(boxes.map((box) => [box.row.mac, `${box.stage} ${box.problem?.code ?? ''}`]))
    }
    await expect.poll(staged).toEqual(
      new Map([
        [good, 'seen '],
        [swapped, 'wrong-serial wrong-serial'],
        [late, 'missing '],
        [renewed, 'refused wrong-ca'],
      ]),
    )
    expect(await provider.eventsOf(swapped)).toEqual(expect.arrayContaining(['identity.mismatch', 'tr069.refused']))
    const seen = await db.query<{ serial: string; product: string }>({
      name: 'test-acs-sighting',
      text: 'select serial, product_name as product from sighting where mac = $1',
      values: [swapped],
    })
    expect(seen).toEqual([{ serial: serialFor(swapped), product: PN }])
  })

  it('is a stranger on the bench when nobody has registered it', async () => {
    const mac = freshMac()
    const device = await certified(mac)
    await device.say(device.informOf(['0 BOOTSTRAP']))
    const strangers = async () => (await listStrangers(db, new Date(0), undefined)).filter((each) => each.mac === mac)
    await expect.poll(strangers).toMatchObject([{ serial: serialFor(mac), productName: PN, problem: null }])
  })

  it('is listened to and told nothing while nobody knows it', async () => {
    const mac = freshMac()
    const device = await certified(mac)
    expect(await device.session(['0 BOOTSTRAP'])).toEqual([])
    expect(await loadAcsState(db, mac)).toBeUndefined()
  })

  it('gets no secret over the port in clear', async () => {
    const { mac, device } = await withCredentials()
    await device.session(['0 BOOTSTRAP'])
    expect(device.values.get('Device.ManagementServer.ConnectionRequestPassword')).toBe('')
    const secure = await certified(mac)
    for (const [path, value] of device.values) secure.values.set(path, value)
    await secure.session(['2 PERIODIC'])
    expect(plant(secure.values.get('Device.ManagementServer.ConnectionRequestPassword') ?? '')).not.toBe('')
  })
})

describe('tasks', () => {
  it('read, set and describe, each once, with what came of it', async () => {
    const { mac, device } = await boundDevice()
    await device.session(['0 BOOTSTRAP'])
    const ids = [
      await ask(mac, { kind: 'get-values', paths: ['Device.DeviceInfo.'] }),
      await ask(mac, { kind: 'get-names', path: 'Device.DeviceInfo.', nextLevel: true }),
      await ask(mac, { kind: 'set-values', values: [{ path: 'Device.DeviceInfo.HardwareVersion', value: '2.0' }] }),
      await ask(mac, { kind: 'set-attributes', attributes: [{ path: 'Device.DeviceInfo.', notification: 2 }] }),
      await ask(mac, { kind: 'add-object', path: 'Device.Services.' }),
      await ask(mac, { kind: 'delete-object', path: 'Device.Services.1.' }),
    ]
    const asked = await device.session(['6 CONNECTION REQUEST'])
    expect(names(asked)).toEqual([
      'GetParameterValues',
      'GetParameterNames',
      'SetParameterValues',
      'SetParameterAttributes',
      'AddObject',
      'DeleteObject',
    ])
    for (const id of ids) expect((await taskOf(id)).state).toBe('done')
    expect((await taskOf(ids[0] ?? '')).result).toMatchObject({
      values: { 'Device.DeviceInfo.SoftwareVersion': 'sip88xx.12-0-7' },
    })
    expect(await device.session(['2 PERIODIC'])).toEqual([])
  })

  it('of a reboot end when the device says that it has', async () => {
    const { mac, device } = await boundDevice()
    await device.session(['0 BOOTSTRAP'])
    const id = await ask(mac, { kind: 'reboot' })
    expect(names(await device.session(['6 CONNECTION REQUEST']))).toEqual(['Reboot'])
    expect((await taskOf(id)).state).toBe('waiting')
    await device.session(['1 BOOT', ['M Reboot', (await taskOf(id)).commandKey]])
    expect((await taskOf(id)).state).toBe('done')
  })

  it('of a download end with its report, whenever that comes', async () => {
    const { mac, device } = await boundDevice()
    await device.session(['0 BOOTSTRAP'])
    const id = await ask(mac, { kind: 'download', file: 'firmware', url: 'https://localhost/firmware/x' })
    const [asked] = await device.session(['6 CONNECTION REQUEST'])
    expect(asked).toMatchObject({ kind: 'Download', fileType: '1 Firmware Upgrade Image' })
    const { commandKey } = await taskOf(id)
    await device.session(['2 PERIODIC'])
    expect((await taskOf(id)).state).toBe('waiting')
    await device.session(['1 BOOT', '7 TRANSFER COMPLETE', ['M Download', commandKey]], {
      reports: [reportOf(commandKey), reportOf(commandKey)],
    })
    expect((await taskOf(id)).state).toBe('done')
    const failing = await ask(mac, { kind: 'download', file: 'custom-ca', url: 'https://localhost/ca.pem' })
    await device.session(['6 CONNECTION REQUEST'])
    const key = (await taskOf(failing)).commandKey
    await device.session(['7 TRANSFER COMPLETE'], { reports: [reportOf(key, 9018)] })
    expect(await taskOf(failing)).toMatchObject({ state: 'failed', fault: { code: 9018 } })
  })

  it('that the device refuses end with its fault, and passing faults are tried again', async () => {
    const { mac, device } = await boundDevice()
    await device.session(['0 BOOTSTRAP'])
    const id = await ask(mac, { kind: 'get-values', paths: ['Device.Nothing'] })
    const fault = (code: number) => () => ({ kind: 'Fault', code, text: 'Refused', parameterFaults: [] }) as const
    await device.session(['6 CONNECTION REQUEST'], { answer: fault(9005) })
    expect(await taskOf(id)).toMatchObject({ state: 'failed', fault: { code: 9005, text: 'Refused' } })
    // Where its text is cut stands half of a character.
    const long = await ask(mac, { kind: 'get-values', paths: ['Device.Nothing'] })
    const text = `x${'\u{1f600}'.repeat(600)}`
    const answer = () => ({ kind: 'Fault', code: 9005, text, parameterFaults: [] }) as const
    await device.session(['6 CONNECTION REQUEST'], { answer })
    expect((await taskOf(long)).state).toBe('failed')
    const passing = await ask(mac, { kind: 'reboot' })
    await device.session(['6 CONNECTION REQUEST'], { answer: fault(9002) })
    expect(await taskOf(passing)).toMatchObject({ state: 'queued', tries: 1 })
  })

  it('are asked again when the connection is lost before their answer, and done once', async () => {
    const { mac, device } = await boundDevice()
    await device.session(['0 BOOTSTRAP'])
    const id = await ask(mac, {
      kind: 'set-values',
      values: [{ path: 'Device.DeviceInfo.HardwareVersion', value: '3' }],
    })
    await device.say(device.informOf(['6 CONNECTION REQUEST']))
    expect((await device.post('')).message?.body.kind).toBe('SetParameterValues')
    device.disconnect()
    device.forgetCookie()
    expect((await taskOf(id)).state).toBe('sent')
    expect(names(await device.session(['2 PERIODIC']))).toEqual(['SetParameterValues'])
    expect(await taskOf(id)).toMatchObject({ state: 'done', tries: 2 })
    expect((await provider.eventsOf(mac)).filter((name) => name === 'tr069.task-done')).toHaveLength(1)
  })
})

describe('a line that a phone led by TR-069 is given', () => {
  const TABLE = 'Device.Services.VoiceService.1.VoiceProfile.1.Line.'

  /** One line, and a table that can grow; the next instance has the number 4. */
  async function growing() {
    const { mac, device } = await withCredentials({ ledBy: 'tr069' })
    for (const leaf of ['Status', 'DirectoryNumber', 'SIP.AuthUserName']) device.values.set(`${TABLE}1.${leaf}`, '')
    function answer(asked: CwmpRpc): CwmpBody | undefined {
      const said = device.answerTo(asked)
      if (said.kind === 'GetParameterNamesResponse') {
        const isRow = (name: string) => name === TABLE || isInstanceOf(name, TABLE)
        return {
          ...said,
          parameters: said.parameters.map((each) => (isRow(each.name) ? { ...each, writable: true } : each)),
        }
      }
      if (said.kind !== 'AddObjectResponse') return said
      for (const leaf of ['Status', 'DirectoryNumber', 'SIP.AuthUserName']) device.values.set(`${TABLE}4.${leaf}`, '')
      return { ...said, instanceNumber: 4 }
    }
    return { mac, device, answer }
  }

  it('is added and gets its values in one session, under the number that the phone chose [TR-069 §7 AddObject]', async () => {
    const { mac, device, answer } = await growing()
    await device.session(['0 BOOTSTRAP'], { answer })
    expect(await device.session(['2 PERIODIC'], { answer })).toEqual([])
    const accountId = (await platform.directory.device(mac))?.device.accountId ?? ''
    const lineId = await provider.lineOf(accountId)
    const userId = provider.lastUserId()
    const put = await platform.change((sql) => assignLine(sql, WHO, lineId, { mac, index: undefined, most: 10 }))
    assert(put.ok, 'the line is free')
    await provider.heard(platform)
    const asked = await device.session(['2 PERIODIC'], { answer })
    expect(names(asked).slice(0, 3)).toEqual(['GetParameterNames', 'AddObject', 'SetParameterValues'])
    expect(device.values.get(`${TABLE}4.DirectoryNumber`)).toBe(userId)
    expect(device.notifications.get(`${TABLE}4.Status`)).toBe(1)
    expect(await device.session(['2 PERIODIC'], { answer })).toEqual([])
    const rows = await listParameters(db, mac, { below: TABLE, q: undefined, after: undefined, limit: 100 })
    expect(rows.find(({ path }) => path === `${TABLE}4.DirectoryNumber`)?.value).toBe(userId)
    expect(rows.map(({ path }) => path)).toContain(`${TABLE}4.`)
  })
})

describe('a device that something waits for', () => {
  async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      await new Promise((soon) => setTimeout(soon, 20))
    }
  }

  async function dataOf(mac: MacAddress, name: string) {
    await platform.flush()
    const events = await searchEvents(db, { reach: null, mac, names: [name] }, { before: undefined, limit: 10 })
    return events[0]?.data
  }

  it('and cannot be asked is done at its next call, and the timeline says how and after how long [TR-069 §8.4]', async () => {
    const { mac, device } = await boundDevice()
    await device.session(['0 BOOTSTRAP'])
    const id = await ask(mac, { kind: 'get-values', paths: ['Device.DeviceInfo.'] })
    // Its address is a loopback address, which nobody has allowed.
    const failed = await eventually(() => dataOf(mac, 'tr069.wake-failed'))
    expect(failed).toMatchObject({ outcome: 'forbidden', next: 'periodic' })
    await device.session(['2 PERIODIC'])
    expect((await taskOf(id)).state).toBe('done')
    expect(await dataOf(mac, 'tr069.woken')).toMatchObject({ way: 'periodic' })
  })

  it.each([
    [{ ledBy: 'both' }, 'sip-resync', 'resync'],
    [{ ledBy: 'tr069', wakeByReboot: true }, 'sip-reboot', 'reboot'],
  ] as const)('of an account with %j hears it by %s', async (settings, way, kind) => {
    const proxy = { scope: '-', host: '127.0.0.1', port: 9, transport: 'UDP', user: undefined, perSecond: 20 } as const
    await db.transaction((tx) => putSipProxy(tx, vault, WHO, { ...proxy, password: undefined }))
    const { mac, device } = await boundDevice(settings)
    await device.session(['0 BOOTSTRAP'])
    await ask(mac, { kind: 'get-values', paths: ['Device.DeviceInfo.'] })
    expect(await eventually(() => dataOf(mac, 'tr069.wake-failed'))).toMatchObject({ next: way })
    const [action] = await listActions(db, {
      mac,
      bulkId: undefined,
      state: undefined,
      reach: null,
      after: undefined,
      limit: 5,
    })
    expect(action).toMatchObject({ kind, via: 'sip', who: 'offhook' })
  })
})
