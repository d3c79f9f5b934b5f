/** Journey 3: a bench with DHCP and TFTP; the DHCP result is data here, and comes from real servers in world/lan. Source: guide: In-House Preprovisioning; MPP §9.3, §10.1. */
import { describe, expect, it } from 'vitest'
import type { Lease } from '../../phone/agent/mod.ts'
import { type Account, type BenchPhone, HOST, leaseOf, LOOK_BACK_S, openBench } from './testing.ts'
import { upgradeAfterCall } from './testing-upgrade.ts'

const bench = await openBench()
const FIRST_PROFILE = '/8851-3PCC.xml'
const { ports } = bench.server

/** What option names the server, and the URL that the phone makes of it. */
const OPTIONS: readonly (readonly [number, string | Uint8Array, string])[] = [
  [66, HOST, `tftp://${HOST}${FIRST_PROFILE}`],
  [66, `tftp://localhost:${ports.tftp}`, `tftp://localhost:${ports.tftp}${FIRST_PROFILE}`],
  [150, Uint8Array.of(127, 0, 0, 1, 192, 0, 2, 1), `tftp://${HOST}${FIRST_PROFILE}`],
  [160, `http://localhost:${ports.http}${FIRST_PROFILE}`, `http://localhost:${ports.http}${FIRST_PROFILE}`],
  [159, `http://${HOST}`, `http://${HOST}${FIRST_PROFILE}`],
]

async function benchPhone(lease: Lease): Promise<{ readonly phone: BenchPhone; readonly account: Account }> {
  const account = await bench.account()
  const phone = await bench.phone({ lease, plugged: false })
  await bench.register(phone, account)
  await phone.plugIn()
  return { phone, account }
}

describe('a phone on the bench', () => {
  it.each(OPTIONS)(
    'whose DHCP option %i says %s asks %s and is registered in one run [MPP §10.1]',
    async (option, value, url) => {
      const { phone, account } = await benchPhone(leaseOf({ [option]: value }))
      await bench.registered(phone, account)
      const profiles = phone.asked().filter((asked) => !asked.includes('ca.pem'))
      expect(profiles).toHaveLength(2)
      expect(profiles[0]).toContain(url)
      expect(profiles[1]).toContain(`${bench.server.publicUrl}/cisco-init?`)
      expect(phone.names().filter((name) => name === 'resync-started')).toHaveLength(1)
      expect(phone.names().filter((name) => name === 'reboot')).toHaveLength(1)
      expect(phone.customization()).toBe('Aborted')
      expect((await bench.device(phone.mac)).state).toBe('bound')
    },
  )

  it('tells its story: registered in advance, bound, served, and running what is wanted', async () => {
    const { phone, account } = await benchPhone(leaseOf({ 66: HOST }))
    await bench.registered(phone, account)
    phone.later(LOOK_BACK_S)
    await bench.upToDate(phone.mac)
    expect(await bench.story(phone.mac)).toEqual([
      'device.registered',
      'device.bound',
      'key.issued',
      'profile.served',
      'key.confirmed',
      'profile.running',
    ])
  })

  it('that nobody registered gets the first profile and no line, and is bound when somebody does', async () => {
    const account = await bench.account()
    const phone = await bench.phone({ lease: leaseOf({ 66: HOST }) })
    await phone.says('resync-retry')
    expect(await bench.bindingsOf(account)).toEqual([])
    await bench.register(phone, account)
    phone.later(3600)
    await bench.registered(phone, account)
    expect((await bench.device(phone.mac)).state).toBe('bound')
  })

  it('that does not know the CA of its provider learns it from the first profile, and comes back [MPP §11.2]', async () => {
    const account = await bench.account()
    const phone = await bench.phone({ lease: leaseOf({ 66: HOST }), plugged: false, trusting: false })
    await bench.register(phone, account)
    await phone.plugIn()
    await phone.says('custom-ca')
    expect(phone.names()).toContain('resync-failed')
    expect(await bench.bindingsOf(account)).toEqual([])
    // Resync_Error_Retry_Delay of the first profile begins with 30+30.
    phone.later(60)
    await bench.registered(phone, account)
    expect((await bench.device(phone.mac)).state).toBe('bound')
  })

  it('is upgraded over TFTP on the way, after the call is over [MPP §6]', async () => {
    const { phone, account } = await benchPhone(leaseOf({ 150: Uint8Array.of(127, 0, 0, 1) }))
    await bench.registered(phone, account)
    await upgradeAfterCall(bench, phone, account, 'tftp')
  })

  it('that is bound comes back by DHCP after a factory reset', async () => {
    const { phone, account } = await benchPhone(leaseOf({ 66: HOST }))
    await bench.registered(phone, account)
    await phone.factoryReset()
    const reset = phone.said.length
    await phone.says('registered', reset)
    await bench.registered(phone, account)
    expect(phone.asked(reset)[0]).toContain(`tftp://${HOST}${FIRST_PROFILE}`)
    phone.later(LOOK_BACK_S)
    await bench.upToDate(phone.mac)
    expect((await bench.events(phone.mac)).filter(({ name }) => name === 'device.bound')).toHaveLength(1)
  })
})
