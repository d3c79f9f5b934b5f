/** Phones on a real network find their provider by what real DHCP servers say. Source: MPP §9.3, §10; TR-069 §9; guide: In-House Preprovisioning. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { type DaemonRun, POOL, startDaemon, startDnsmasq } from './daemons.ts'
import { askByUdhcpc } from './other-clients.ts'
import { type LanPhone, LanBench, MODEL, SERVER } from './testing.ts'

// Programs start, phones boot, and the machine runs other things too.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const bench = await LanBench.open()
afterAll(() => bench.close())

let daemon: DaemonRun | undefined
const phones: LanPhone[] = []
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.off()))
  await daemon?.stop()
  daemon = undefined
})

const DAEMONS = ['kea', 'dnsmasq', 'isc'] as const
const FILE = '8851-3PCC.xml'

/** Switches a registered box on, and waits until its line works. @returns the phone, and the URLs that it asked for */
async function comesUp(): Promise<{
  readonly phone: LanPhone
  readonly asked: readonly string[]
  readonly mac: string
}> {
  const account = await bench.customer(1)
  const box = await bench.registeredBox(account)
  const phone = bench.phone(box)
  phones.push(phone)
  await phone.tells('registered')
  return { phone, asked: phone.fetched(), mac: box.mac }
}

describe.each(DAEMONS)('a phone that asks %s', (name) => {
  it.each([
    [['--options', '66'], `tftp://${SERVER}/${FILE}`],
    [['--options', '150'], `tftp://${SERVER}/${FILE}`],
    [['--options', '159', '--scheme', 'http'], `http://${SERVER}/${FILE}`],
    [['--options', '160', '--scheme', 'http'], `http://${SERVER}/${FILE}`],
    [['--options', '66,150,159,160', '--scheme', 'http'], `http://${SERVER}/${FILE}`],
  ])('configured by %j finds us at %s and ends registered [MPP §10.1]', async (wish, url) => {
    daemon = await startDaemon(bench, name, wish)
    const { phone, asked, mac } = await comesUp()
    expect(asked[0]).toBe(url)
    expect(asked).toContainEqual(expect.stringContaining(`https://${SERVER}/cisco-init`))
    const lease = phone.told().find((told) => told.name === 'dhcp-lease')
    expect(phone.where.addresses()).toEqual([`${String(lease?.data['address'])}/24`])
    const { state } = await bench.api<{ state: string }>('GET', `devices/${mac}`)
    expect(state).toBe('bound')
    const left = await phone.off()
    expect(left.code).toBe(0)
    expect(phone.where.addresses()).toEqual([])
  })

  it('and is of another make gets none of our options; a client of others sees the very bytes [MPP §10.1, §10.3; TR-069 §9]', async () => {
    // The examples of TR-069 §9.2 and §9.3.
    const acs = ['--acs-url', 'https://acs.example.net:7547/cwmp', '--provisioning-code', 'TLCO.GRP2']
    const more = ['--acs-retry', '5,2000', '--gateway', '00D09E,GW0001,HG100', '--voice-vlan', '20']
    daemon = await startDaemon(bench, name, ['--options', '66,150,159,160', ...acs, ...more])
    const ours = [
      [66, SERVER],
      [150, 'c0a84d03'],
      // tftp://192.168.77.3
      [159, '746674703a2f2f3139322e3136382e37372e33'],
      [160, '746674703a2f2f3139322e3136382e37372e33'],
      [125, '00000de9170406303044303945050647573030303106054847313030'],
    ] as const
    const option43 =
      '012168747470733a2f2f6163732e6578616d706c652e6e65743a373534372f63776d70' +
      '0209544c434f2e47525032' +
      '030135' +
      '040432303030'
    const told = await askByUdhcpc(bench, MODEL)
    expect([...told.options]).toEqual(expect.arrayContaining([...ours]))
    expect(told.options.get(43)).toBeUndefined()
    const withAcs = await askByUdhcpc(bench, `dslforum.org ${MODEL}`)
    expect(withAcs.options.get(43)).toBe(option43)
    const stranger = await askByUdhcpc(bench, 'Polycom-VVX400')
    expect(stranger.address).toMatch(/^192\.168\.77\./)
    for (const code of [43, 66, 125, 132, 150, 159, 160]) expect(stranger.options.get(code)).toBeUndefined()
  })
})

describe('DHCP_Option_To_Use', () => {
  const order = [66, 160, 159, 150]
  it.each(order.map((_, index) => ({ codes: order.slice(index) })))(
    'takes the first of the options $codes that the lease has [MPP §10.1]',
    async ({ codes }) => {
      const folder = bench.lan.folder()
      const file = join(folder, 'options.conf')
      const lines = [`dhcp-range=${POOL.replace('-', ',')},255.255.255.0,1h`, ...codes.map(optionLine)]
      writeFileSync(file, `interface=oh0\nbind-interfaces\n${lines.join('\n')}\n`)
      daemon = await startDnsmasq(bench, file)
      const { asked, mac } = await comesUp()
      const first = codes[0] === 150 ? `tftp://${SERVER}/${FILE}` : `http://${SERVER}/o${codes[0]}/${mac}.xml`
      expect(asked[0]).toBe(first)
    },
  )
})

/** Each option names another place, so that the one that was taken can be seen. */
function optionLine(code: number): string {
  return `dhcp-option-force=${code},${code === 150 ? SERVER : `http://${SERVER}/o${code}/$MA.xml`}`
}
