/** Bulk distribution, preprovisioned in-house: a bench with DHCP and TFTP. The DHCP result is handed in as data. */
import { describe, expect, it } from 'vitest'
import type { Lease } from '../../phone/agent/mod.ts'
import { PROVISIONING_ADDRESS, PROVISIONING_HOST, PUBLIC_HTTP_URL, PUBLIC_URL } from '../mod.ts'
import { minutes, openPremises, openScene } from '../testing.ts'
import { newsOf, urlsOf } from './steps.ts'

const premises = await openPremises()
const server = await premises.newServer()

const ADDRESS_BYTES = Uint8Array.from(PROVISIONING_ADDRESS.split('.').map(Number))
const BY_TFTP = `tftp://${PROVISIONING_ADDRESS}/8851-3PCC.xml`
const BY_HTTP = `http://${PROVISIONING_HOST}/8851-3PCC.xml`
const BY_HTTPS = `https://${PROVISIONING_HOST}/8851-3PCC.xml`

describe('a phone on the bench', () => {
  it('comes from the first profile over TFTP to its own over HTTPS in one run [guide: Bulk Distribution]', async () => {
    const scene = openScene(premises, server, 1)
    const { world, operator } = scene
    const account = await operator.account()
    const phone = await scene.phone({ lease: { options: new Map([[66, PROVISIONING_ADDRESS]]) } })
    await operator.register(phone, account)
    phone.powerOn()
    expect(await world.until(() => phone.registered().length > 0, minutes(5))).toBe(true)

    expect(urlsOf(phone, 'profile')).toEqual([BY_TFTP, `${PUBLIC_URL}/cisco-init`])
    expect(newsOf(phone, 'resync-started')).toHaveLength(1)
    expect(phone.customization).toBe('Aborted')
    expect(phone.registered()).toEqual([account.lines[0]?.userId])

    await world.pass(minutes(5))
    const device = await operator.deviceOf(phone)
    expect(device).toMatchObject({ state: 'bound', accountId: account.id, keys: { issued: 1, confirmed: 1 } })
    expect(device?.versions.running).toBe(device?.versions.wanted)
  })

  it('gets the same first profile as any other one, without a secret', async () => {
    const scene = openScene(premises, server, 2)
    const { world, operator } = scene
    const account = await operator.account()
    const options: Lease['options'] = new Map([[66, PROVISIONING_ADDRESS]])
    const [ours, stranger] = [
      await scene.phone({ lease: { options } }),
      await scene.phone({ number: 1, lease: { options } }),
    ]
    await operator.register(ours, account)
    for (const phone of [ours, stranger]) phone.powerOn()
    expect(await world.until(() => ours.registered().length > 0, minutes(5))).toBe(true)
    await operator.deviceOf(ours)

    const first = world.server.leavings
      .filter(({ door }) => door === 'tftp')
      .map(({ bytes }) => Buffer.from(bytes).toString())
    expect(first.length).toBeGreaterThanOrEqual(2)
    expect(new Set(first).size).toBe(1)
    expect(operator.secrets.filter((secret) => first.some((text) => text.includes(secret)))).toHaveLength(0)
    expect(stranger.registered()).toEqual([])
    expect(await operator.deviceOf(stranger)).toBeUndefined()
  })

  const leases: readonly (readonly [string, Lease['options'], string])[] = [
    ['66, a bare address', new Map([[66, PROVISIONING_ADDRESS]]), BY_TFTP],
    ['66, a URL', new Map([[66, PUBLIC_HTTP_URL]]), BY_HTTP],
    ['160, a URL', new Map([[160, PUBLIC_URL]]), BY_HTTPS],
    ['159, a URL', new Map([[159, `${PUBLIC_HTTP_URL}/`]]), BY_HTTP],
    ['150, four bytes', new Map([[150, ADDRESS_BYTES]]), BY_TFTP],
    [
      '66 before 160',
      new Map([
        [160, PUBLIC_HTTP_URL],
        [66, PROVISIONING_ADDRESS],
      ]),
      BY_TFTP,
    ],
    [
      '160 before 159',
      new Map([
        [159, PUBLIC_HTTP_URL],
        [160, PUBLIC_URL],
      ]),
      BY_HTTPS,
    ],
    [
      '159 before 150',
      new Map<number, string | Uint8Array>([
        [150, ADDRESS_BYTES],
        [159, PUBLIC_HTTP_URL],
      ]),
      BY_HTTP,
    ],
    ['a whole URL in 160', new Map([[160, `${PUBLIC_HTTP_URL}/boxes/$MA.cfg`]]), `${PUBLIC_HTTP_URL}/boxes/MAC.cfg`],
  ]

  it.each(leases)('follows DHCP option %s, and ends registered [MPP §10.1]', async (_title, options, url) => {
    const seed = 10 + leases.findIndex(([, each]) => each === options)
    const scene = openScene(premises, server, seed)
    const { world, operator } = scene
    const account = await operator.account()
    const phone = await scene.phone({ lease: { options } })
    await operator.register(phone, account)
    phone.powerOn()
    expect(await world.until(() => phone.registered().length > 0, minutes(5))).toBe(true)
    expect(urlsOf(phone, 'profile')[0]).toBe(url.replace('MAC', phone.hardware.mac))
    expect(phone.customization).toBe('Aborted')
  })

  it('that knows none of the roots learns our CA from the first profile', async () => {
    const scene = openScene(premises, server, 30)
    const { world, operator } = scene
    const account = await operator.account()
    const options: Lease['options'] = new Map([[66, PROVISIONING_ADDRESS]])
    const mustLearnCa = premises.platform.secrets.serverCa.certPem
    const phone = await scene.phone({ lease: { options }, mustLearnCa })
    await operator.register(phone, account)
    phone.powerOn()
    expect(await world.until(() => phone.registered().length > 0, minutes(30))).toBe(true)
    expect(phone.agent.flash.customCa.info).toBe('Offhook server CA')
  })
})
