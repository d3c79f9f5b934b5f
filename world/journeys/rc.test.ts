/** Journey 2: sealed phones on any network, which the redirect service sends to their provider. Source: MPP §9. */
import { describe, expect, it } from 'vitest'
import { type BenchPhone, HOST, leaseOf, LOOK_BACK_S, openBench } from './testing.ts'
import { upgradeAfterCall } from './testing-upgrade.ts'

const bench = await openBench()

/** The states that the phone went through, in order. */
function statesOf(phone: BenchPhone, from = 0): readonly unknown[] {
  return phone.said.slice(from).flatMap(({ name, data }) => (name === 'customization' ? [data['state']] : []))
}

describe('a sealed phone', () => {
  it('that its provider registered learns from RC where to go, and registers [MPP §9.2]', async () => {
    const account = await bench.account()
    const phone = await bench.phone({ plugged: false })
    expect(await bench.register(phone, account)).toMatchObject({ state: 'known', accountId: account.id })
    await phone.plugIn()
    await bench.registered(phone, account)
    expect(statesOf(phone)).toEqual(['Pending', 'Custom-Pending', 'Acquired'])
    const id = `id=${phone.mac.toUpperCase()}:${phone.serial}:${phone.model}`
    const [first, second] = phone.asked()
    expect(first).toContain(`${bench.server.publicUrl}/software/edos/callhome/rc?${id}&`)
    expect(second).toContain(`${bench.server.publicUrl}/cisco-init?`)
    expect(phone.agent().flash.rebootHistory.map(({ reason }) => reason)).toEqual(['RC'])

    phone.later(LOOK_BACK_S)
    await bench.upToDate(phone.mac)
    expect(await bench.story(phone.mac)).toEqual([
      'device.registered',
      'rc.redirected',
      'device.bound',
      'key.issued',
      'profile.served',
      'key.confirmed',
      'profile.running',
    ])
  })

  it('that nobody owns is Unavailable, and goes on asking until somebody does [MPP §9.1]', async () => {
    const account = await bench.account()
    const phone = await bench.phone()
    await phone.says('resync-retry')
    expect(statesOf(phone)).toEqual(['Pending', 'Unavailable'])
    expect(phone.said.find(({ name }) => name === 'fetched')?.text).toContain('HTTP 200, 0 bytes')
    await bench.register(phone, account)
    phone.later(3600)
    await bench.registered(phone, account)
    expect(statesOf(phone)).toEqual(['Pending', 'Unavailable', 'Pending', 'Custom-Pending', 'Acquired'])
    expect((await bench.story(phone.mac)).slice(0, 3)).toEqual(['rc.unowned', 'device.registered', 'rc.redirected'])
  })

  it('that DHCP leads to a provider is Aborted, and RC is not asked, though it knows the phone [MPP §9.1, §9.3]', async () => {
    const account = await bench.account()
    const phone = await bench.phone({ plugged: false, lease: leaseOf({ 66: `http://${HOST}` }) })
    await bench.register(phone, account)
    await phone.plugIn()
    await bench.registered(phone, account)
    expect(statesOf(phone)).toEqual(['Aborted'])
    phone.phone.send({ kind: 'keypad', entry: { kind: 'reboot' } })
    const rebooted = phone.said.length
    await phone.says('resync-finished', rebooted)
    expect(phone.customization()).toBe('Aborted')
    expect(phone.asked().filter((url) => url.includes('/callhome/rc'))).toEqual([])
    expect(await bench.story(phone.mac)).not.toContain('rc.redirected')
  })

  it('once Acquired stays so, whatever DHCP or a person says; only a factory reset opens it again [MPP §9.1]', async () => {
    const account = await bench.account()
    const phone = await bench.phone({ plugged: false })
    await bench.register(phone, account)
    await phone.plugIn()
    await bench.registered(phone, account)
    const acquired = phone.said.length
    phone.plug(leaseOf({ 66: `http://${HOST}`, 160: `http://${HOST}/8851-3PCC.xml` }))
    phone.phone.send({ kind: 'keypad', entry: { kind: 'reboot' } })
    await phone.says('resync-finished', acquired)
    const rule = `${bench.server.publicUrl}/cisco-init?by=hand`
    phone.phone.send({ kind: 'keypad', entry: { kind: 'enter-profile-rule', rule } })
    const entered = phone.said.length
    phone.phone.send({ kind: 'keypad', entry: { kind: 'resync' } })
    await phone.says('resync-finished', entered)
    expect(phone.asked(entered)[0]).toContain(rule)
    expect(phone.customization()).toBe('Acquired')
    expect(statesOf(phone, acquired)).toEqual([])
    expect(phone.asked(acquired).filter((url) => /8851-3PCC|callhome/.test(url))).toEqual([])

    await phone.factoryReset()
    expect(phone.customization()).toBe('Open')
  })

  it('is upgraded over HTTP on the way, after the call is over [MPP §6]', async () => {
    const account = await bench.account()
    const phone = await bench.phone({ plugged: false })
    await bench.register(phone, account)
    await phone.plugIn()
    await bench.registered(phone, account)
    await upgradeAfterCall(bench, phone, account, 'http')
  })

  it('that is bound comes back by RC after a factory reset [MPP §9.2]', async () => {
    const account = await bench.account()
    const phone = await bench.phone({ plugged: false })
    await bench.register(phone, account)
    await phone.plugIn()
    await bench.registered(phone, account)
    await phone.factoryReset()
    const reset = phone.said.length
    await phone.says('registered', reset)
    await bench.registered(phone, account)
    expect(statesOf(phone, reset)).toEqual(['Pending', 'Custom-Pending', 'Acquired'])
    phone.later(LOOK_BACK_S)
    await bench.upToDate(phone.mac)
    expect((await bench.events(phone.mac)).filter(({ name }) => name === 'device.bound')).toHaveLength(1)
  })
})
