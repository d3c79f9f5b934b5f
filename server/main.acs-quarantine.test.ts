/** Devices that the ACS tells nothing, and what their calls leave behind. */
import { describe, expect, it } from 'vitest'
import type { MacAddress } from '../protocol/identity.ts'
import type { AcsDoors } from './acs/mod.ts'
import { issueDeviceCertificate } from './pki/mod.ts'
import { ensureLabCa, registerDevice } from './store/mod.ts'
import { openAcsBench } from './testing-acs-bench.ts'
import type { AcsDevice } from './testing-acs.ts'
import { WHO } from './testing-provider.ts'
import { bodyOfPem, freshMac, plant, PN, serialFor } from './testing.ts'

const bench = await openAcsBench()
const { provider, server } = bench
const { platform } = server
const CALLS = 5

/** With a certificate of its own, and nothing else. */
async function stranger(): Promise<{ readonly mac: MacAddress; readonly at: (doors?: AcsDoors) => AcsDevice }> {
  const mac = freshMac()
  const lab = await ensureLabCa(platform.db, platform.vault, Date.now())
  const pair = await issueDeviceCertificate(lab, { mac, serial: serialFor(mac), productName: PN }, Date.now())
  plant(bodyOfPem(pair.keyPem))
  const device = { mac, pair, credentials: { username: '', password: '' } }
  return { mac, at: (doors) => bench.certified(device, doors) }
}

async function register(mac: MacAddress, accountId: string | undefined): Promise<void> {
  const device = { mac, serial: serialFor(mac), model: PN, accountId, lineIds: [] }
  await platform.change((sql) => registerDevice(sql, WHO, device))
  await provider.heard(platform)
}

async function calls(device: AcsDevice): Promise<void> {
  for (let count = 0; count < CALLS; count += 1) await device.session(['2 PERIODIC'])
}

async function acsEventsOf(mac: MacAddress): Promise<readonly string[]> {
  return (await provider.eventsOf(mac)).filter((name) => name.startsWith('tr069.'))
}

describe('the timeline of a device that waits at the ACS', () => {
  it('says so once, however often it calls and whichever process it reaches, and again after an hour', async () => {
    const { mac, at } = await stranger()
    await register(mac, (await provider.accountWith()).id)
    await calls(at())
    expect(await acsEventsOf(mac)).toEqual(['tr069.quarantined'])
    // As another process: these doors remember nothing of the first ones.
    await calls(at(await bench.doors()))
    expect(await acsEventsOf(mac)).toEqual(['tr069.quarantined'])
    await calls(at(await bench.doors({ now: () => Date.now() + 61 * 60_000 })))
    expect(await acsEventsOf(mac)).toEqual(['tr069.quarantined', 'tr069.quarantined'])
  })

  it('says anew how it stands when that has changed', async () => {
    const { mac, at } = await stranger()
    const device = at()
    await calls(device)
    expect(await acsEventsOf(mac)).toEqual(['tr069.quarantined'])
    await register(mac, undefined)
    await calls(device)
    expect(await acsEventsOf(mac)).toEqual(['tr069.quarantined', 'tr069.quarantined'])
  })

  it('is as short for one that is turned away', async () => {
    const { mac } = await provider.bound()
    const pair = await issueDeviceCertificate(
      await ensureLabCa(platform.db, platform.vault, Date.now()),
      { mac, serial: serialFor(mac), productName: PN },
      Date.now(),
    )
    plant(bodyOfPem(pair.keyPem))
    const device = bench.certified({ mac, pair, credentials: { username: '', password: '' } })
    for (let count = 0; count < CALLS; count += 1) {
      expect((await device.say(device.informOf(['1 BOOT']))).message?.body).toMatchObject({ kind: 'Fault', code: 8001 })
    }
    expect(await acsEventsOf(mac)).toEqual(['tr069.refused'])
  })

  it('says nothing of its reports, nor of sessions that it breaks off', async () => {
    const { mac, at } = await stranger()
    const doors = await bench.doors({ session: { silenceMs: 20 } })
    const device = at(doors)
    await device.say(device.informOf(['7 TRANSFER COMPLETE']))
    const report = { kind: 'TransferComplete', commandKey: 'x', fault: { code: 0, text: '' } } as const
    const heard = await device.say({ ...report, startTime: undefined, completeTime: undefined })
    expect(heard.message?.body.kind).toBe('TransferCompleteResponse')
    device.disconnect()
    await expect.poll(() => doors.isCalling(mac), { timeout: 10_000 }).toBe(false)
    expect(await acsEventsOf(mac)).toEqual(['tr069.quarantined'])
  })
})
