/** TR-069 from the API to a device and back: real sockets, a real database, a scripted device. */
import { afterAll, describe, expect, it } from 'vitest'
import type { MacAddress } from '../protocol/identity.ts'
import { assert } from '../protocol/result.ts'
import { createToken, viewDevice } from './store/mod.ts'
import { openAcsBench } from './testing-acs-bench.ts'
import { AcsDevice } from './testing-acs.ts'
import { plant, PN } from './testing.ts'

const { server, provider } = await openAcsBench()
const { platform } = server
const admin = plant(await createToken(platform.db, { name: 'test', scopes: ['admin'] }))
const devices: AcsDevice[] = []
afterAll(() => devices.forEach((device) => device.close()))

const USER_ID = 'Device.Services.VoiceService.1.VoiceProfile.1.Line.1.SIP.AuthUserName'
const TREE = {
  'Device.DeviceInfo.SoftwareVersion': 'sip88xx.12-0-7',
  'Device.ManagementServer.URL': 'https://localhost/',
  'Device.ManagementServer.PeriodicInformEnable': '1',
  'Device.ManagementServer.PeriodicInformInterval': '20',
  'Device.ManagementServer.ConnectionRequestURL': 'http://127.0.0.1:9/x',
  'Device.ManagementServer.ConnectionRequestUsername': '',
  'Device.ManagementServer.ConnectionRequestPassword': '',
  [USER_ID]: 'nobody',
}

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`http://127.0.0.1:${server.ports.api}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  // oxlint-disable-next-line typescript/no-explicit-any -- the tests look at the shapes themselves
  return { status: response.status, json: (text === '' ? undefined : JSON.parse(text)) as any }
}

/** Set to the ACS by hand, as a client of another maker is: with what the API shows for it. */
async function handmade() {
  const { mac } = await provider.bound()
  const { json } = await call('GET', `devices/${mac}/tr069/credentials`)
  plant(json.connectionRequestPassword)
  const view = await viewDevice(platform.db, mac)
  assert(view !== undefined, 'it is bound')
  const device = new AcsDevice({
    port: server.ports.acsTls,
    oui: mac.slice(0, 6).toUpperCase(),
    productClass: PN,
    serial: view.serial,
    values: TREE,
    tls: { ca: platform.secrets.serverCa.certPem },
    credentials: { username: json.username, password: plant(json.password) },
  })
  devices.push(device)
  return { mac, device, acsUrl: json.acsUrl as string }
}

describe('a device that is set to the ACS by hand', () => {
  it('calls with what the API shows for it, is in step after its first session, and shows its tree', async () => {
    const { mac, device, acsUrl } = await handmade()
    expect(acsUrl).toBe(`https://localhost:${server.ports.acsTls}/`)
    await device.session(['0 BOOTSTRAP', '1 BOOT'])
    plant(device.values.get('Device.ManagementServer.ConnectionRequestPassword') ?? '')
    const { json } = await call('GET', `devices/${mac}/tr069`)
    expect(json).toMatchObject({
      called: true,
      secure: true,
      productClass: PN,
      events: ['0 BOOTSTRAP', '1 BOOT'],
      inStep: true,
      left: { values: 0, objects: 0, files: 0 },
      informSeconds: 3600,
      // Its connection request would go to this machine.
      reachable: { way: 'periodic', basis: 'assumed' },
    })
    const tree = (await call('GET', `devices/${mac}/tr069/parameters?q=authusername`)).json
    const userId = (await platform.directory.device(mac))?.lines[0]?.userId
    expect(tree.items).toMatchObject([{ path: USER_ID, value: 'nobody', wished: { value: userId, same: false } }])
  })

  it('is asked to call when an import of its account says that TR-069 leads it, and is told to fetch its profile', async () => {
    const [first, second] = [await handmade(), await handmade()]
    for (const { device } of [first, second]) {
      await device.session(['0 BOOTSTRAP'])
      plant(device.values.get('Device.ManagementServer.ConnectionRequestPassword') ?? '')
    }
    const accountOf = async ({ mac }: { readonly mac: MacAddress }) => (await platform.directory.device(mac))?.account
    const shown = async ({ mac }: { readonly mac: MacAddress }) => {
      await platform.flush()
      return (await call('GET', `devices/${mac}/tr069`)).json
    }
    const waits = { ledBy: 'tr069', inStep: false, reachable: { waitingSince: expect.any(String) } }
    // Once the first is asked, all that was told before has been followed.
    await call('PATCH', `accounts/${(await accountOf(first))?.id}/settings`, { ledBy: 'tr069' })
    await provider.heard(platform)
    await expect.poll(() => shown(first), { timeout: 10_000 }).toMatchObject(waits)

    expect(await shown(second)).toMatchObject({ ledBy: 'profile', inStep: true, reachable: { waitingSince: null } })
    const items = [{ customerId: (await accountOf(second))?.customerId, ledBy: 'tr069', wakeByReboot: false }]
    expect((await call('POST', 'import/accounts', { items })).json).toMatchObject({ ok: true, updated: 1 })
    await expect.poll(() => shown(second), { timeout: 10_000 }).toMatchObject(waits)
    const profile = { kind: 'Download', fileType: '3 Vendor Configuration File' }
    expect(await second.device.session(['2 PERIODIC'])).toContainEqual(expect.objectContaining(profile))
  })

  it('does what it is asked for when it calls, and tells what came of it', async () => {
    const { mac, device } = await handmade()
    await device.session(['0 BOOTSTRAP'])
    plant(device.values.get('Device.ManagementServer.ConnectionRequestPassword') ?? '')
    const values = [{ path: USER_ID, value: '4711' }]
    const set = (await call('POST', `devices/${mac}/tr069/tasks`, { kind: 'set-values', values })).json
    const get = (await call('POST', `devices/${mac}/tr069/tasks`, { kind: 'get-values', paths: [USER_ID] })).json
    expect((await call('GET', `devices/${mac}/tr069`)).json.reachable.waitingSince).not.toBeNull()
    const asked = await device.session(['2 PERIODIC'])
    expect(asked.map(({ kind }) => kind)).toEqual(['SetParameterValues', 'GetParameterValues'])
    expect(device.values.get(USER_ID)).toBe('4711')
    expect((await call('GET', `tr069/tasks/${set.id}`)).json).toMatchObject({ state: 'done' })
    const read = (await call('GET', `tr069/tasks/${get.id}`)).json
    expect(read).toMatchObject({ state: 'done', result: { values: { [USER_ID]: '4711' } }, fault: null })
    // What an Inform says is written many at a time, soon after it.
    const after = async () => {
      await platform.flush()
      return (await call('GET', `devices/${mac}/tr069`)).json
    }
    const expected = { openTasks: 0, reachable: { basis: 'last-time', waitingSince: null } }
    await expect.poll(after, { timeout: 10_000 }).toMatchObject(expected)
  })

  it('is traced from its next session on, without secrets, until that is ended', async () => {
    const { mac, device } = await handmade()
    await device.session(['0 BOOTSTRAP'])
    const secret = plant(device.values.get('Device.ManagementServer.ConnectionRequestPassword') ?? '')
    await call('PUT', `devices/${mac}/tr069/trace`, {})
    await provider.heard(platform)
    await call('POST', `devices/${mac}/tr069/tasks`, { kind: 'get-values', paths: ['Device.ManagementServer.'] })
    await device.session(['2 PERIODIC'])
    const messages = async () => (await call('GET', `devices/${mac}/tr069/messages`)).json.items
    await expect.poll(messages, { timeout: 10_000 }).toHaveLength(1)
    const [session] = await messages()
    const kinds = session.messages.map(({ kind }: { kind: string }) => kind)
    expect(kinds).toEqual(expect.arrayContaining(['Inform', 'GetParameterValues', 'empty']))
    expect(JSON.stringify(session).includes(secret)).toBe(false)
    expect((await call('DELETE', `devices/${mac}/tr069/trace`)).status).toBe(204)
    await provider.heard(platform)
    await device.session(['2 PERIODIC'])
    expect(await messages()).toHaveLength(1)
  })
})
