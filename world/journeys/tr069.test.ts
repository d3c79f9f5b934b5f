/** The way of a phone that TR-069 watches or leads, over real sockets on both sides. */
import { describe, expect, it } from 'vitest'
import type { MacAddress } from '../../protocol/identity.ts'
import { type BenchPhone, eventually, HOST, NEW_LOAD, openBench } from './testing.ts'

const bench = await openBench({ outboundAllow: ['127.0.0.0/8'] })
const INIT = `${bench.server.publicUrl}/cisco-init`

interface TaskJson {
  readonly id: string
  readonly state: string
  readonly fault: { readonly code: number; readonly text: string } | null
  readonly result: Readonly<Record<string, unknown>> | null
}

async function bound(ledBy: 'both' | 'tr069'): Promise<BenchPhone> {
  const account = await bench.account({ settings: { ledBy } })
  const phone = await bench.phone()
  await phone.openLink(`${INIT}/${await bench.code(account)}`)
  await bench.registered(phone, account)
  await eventually('the wished state', () => inStep(phone.mac))
  return phone
}

/** It has called, and was brought to what is wished. */
async function inStep(mac: MacAddress): Promise<boolean> {
  if (!(await bench.story(mac)).includes('tr069.first-contact')) return false
  return (await bench.api<{ inStep: boolean }>('GET', `devices/${mac}/tr069`)).inStep
}

async function ask(mac: MacAddress, body: object): Promise<TaskJson> {
  return bench.api('POST', `devices/${mac}/tr069/tasks`, body)
}

async function ended(id: string): Promise<TaskJson> {
  let task: TaskJson | undefined
  await eventually('the end of the task', async () => {
    task = await bench.api<TaskJson>('GET', `tr069/tasks/${id}`)
    return ['done', 'failed', 'expired'].includes(task.state)
  })
  if (task === undefined) throw new Error('The task is gone')
  return task
}

describe('a phone that TR-069 watches', () => {
  it('calls by its profile, is learned, and comes at once when it is asked to [TR-069 §8.1]', async () => {
    const phone = await bound('both')
    const ways = async () => {
      const events = await bench.events(phone.mac)
      return events.filter(({ name }) => name === 'tr069.woken').map(({ data }) => data['way'])
    }
    // A session of its own that it has just begun may be first.
    for (let asked = 1; asked <= 3 && !(await ways()).includes('connection-request'); asked++) {
      const task = await ended((await ask(phone.mac, { kind: 'get-values', paths: ['Device.DeviceInfo.'] })).id)
      expect(task).toMatchObject({ state: 'done' })
      expect(task.result?.['values']).toMatchObject({ 'Device.DeviceInfo.SerialNumber': phone.serial })
      await eventually('word of how it was reached', async () => (await ways()).length >= asked)
    }
    expect(await ways()).toContain('connection-request')
  })

  it('sets a value, which is then that of its profile too, and reboots once [TR-069 §10 rule 5]', async () => {
    const phone = await bound('both')
    const values = [{ path: 'Device.X_CISCO_HostName', value: 'desk-7' }]
    expect(await ended((await ask(phone.mac, { kind: 'set-values', values })).id)).toMatchObject({ state: 'done' })
    expect(phone.agent().flash.parameters.get('Host_Name')?.value).toBe('desk-7')
    const boots = () => phone.names().filter((name) => name === 'boot').length
    const before = boots()
    expect(await ended((await ask(phone.mac, { kind: 'reboot' })).id)).toMatchObject({ state: 'done' })
    expect(boots()).toBe(before + 1)
  })

  it('refuses what it does not know, and the task says with which fault [TR-069 §4]', async () => {
    const phone = await bound('both')
    const task = await ended((await ask(phone.mac, { kind: 'get-values', paths: ['Device.Nothing'] })).id)
    expect(task).toMatchObject({ state: 'failed', fault: { code: 9005 } })
  })

  it('takes a configuration file and reports it once it has it [TR-069 §7 Download]', async () => {
    const phone = await bound('both')
    const url = `${INIT}`
    const task = await ended((await ask(phone.mac, { kind: 'download', file: 'configuration', url })).id)
    expect(task).toMatchObject({ state: 'done', fault: null })
  })
})

describe('a phone that is given files', () => {
  it('runs the load of a Download after it, and reports that then [TR-069 §7 Download]', async () => {
    const phone = await bound('both')
    await bench.release('https')
    await bench.withdraw()
    const url = `${bench.server.publicUrl}/firmware/${NEW_LOAD}.loads`
    const task = await ended((await ask(phone.mac, { kind: 'download', file: 'firmware', url })).id)
    expect(task).toMatchObject({ state: 'done', fault: null })
    expect(phone.load()).toBe(NEW_LOAD)
  })

  it('trusts the CA of a Download, and says why it takes no other file [TR-069 §4.3, §7 Download]', async () => {
    const phone = await bound('both')
    const ca = `http://${HOST}:${bench.server.ports.http}/ca.pem`
    const task = await ended((await ask(phone.mac, { kind: 'download', file: 'custom-ca', url: ca })).id)
    expect(task).toMatchObject({ state: 'done', fault: null })
    const missing = await ended((await ask(phone.mac, { kind: 'download', file: 'configuration', url: `${ca}.no` })).id)
    expect(missing).toMatchObject({ state: 'failed', fault: { code: 9016 } })
  })

  it('is new after a factory reset, which ends its task when it comes back [TR-069 §5.1, §7]', async () => {
    const phone = await bound('both')
    const before = phone.said.length
    const { id } = await ask(phone.mac, { kind: 'factory-reset' })
    await phone.says('factory-reset', before)
    // The redirect service leads it back.
    expect(await ended(id)).toMatchObject({ state: 'done' })
  })
})

describe('a phone that TR-069 leads', () => {
  it('is brought to what its layers say, and again when they change', async () => {
    const phone = await bound('tr069')
    const fetches = phone.asked().filter((url) => url.includes('/cisco-')).length
    await bench.api('PUT', `layers/device/${phone.mac}`, { parameters: { Host_Name: { value: 'led-by-acs' } } })
    await eventually('the new value', () => phone.agent().flash.parameters.get('Host_Name')?.value === 'led-by-acs')
    await eventually('the wished state', () => inStep(phone.mac))
    expect(phone.asked().filter((url) => url.includes('/cisco-')).length).toBe(fetches)
  })
})
