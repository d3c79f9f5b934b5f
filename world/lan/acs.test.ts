/** A phone finds the ACS by what a real Kea says in options 43 and 125. Source: TR-069 §9; guide: TR69 Provisioning. */
import { afterAll, expect, it, vi } from 'vitest'
import { eventually } from '../life/testing.ts'
import { startDaemon } from './daemons.ts'
import { LanBench, SERVER } from './testing.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const bench = await LanBench.open()
afterAll(() => bench.close())

interface Parameter {
  readonly path: string
  readonly value: string | null
}

it('and calls it with the provisioning code, the retry settings and the gateway that it was told, beside its profile [TR-069 §9.2, §9.3]', async () => {
  const acs = ['--acs', '--acs-retry', '7,3000', '--provisioning-code', 'TLCO.GRP2', '--gateway', '00D09E,GW0001,HG100']
  const kea = await startDaemon(bench, 'kea', ['--options', '66', ...acs])
  const account = await bench.customer(1)
  // Nothing but DHCP says where the ACS is: the profile only switches TR-069 on.
  const parameters = { 'Enable_TR-069': { value: 'Yes' }, 'TR-069_DHCPOption_Init': { value: 'Yes' } }
  await bench.api('PUT', `layers/account/${account}`, { parameters })
  const box = await bench.registeredBox(account)
  const phone = bench.phone(box)
  await phone.tells('registered')
  await eventually(
    'the tree of the device',
    async () => (await valueOf(box.mac, 'Device.GatewayInfo.SerialNumber')) !== undefined,
    120_000,
  )
  expect(await valueOf(box.mac, 'Device.ManagementServer.URL')).toBe(`https://${SERVER}:7548/`)
  expect(await valueOf(box.mac, 'Device.DeviceInfo.ProvisioningCode')).toBe('TLCO.GRP2')
  expect(await valueOf(box.mac, 'Device.GatewayInfo.ManufacturerOUI')).toBe('00D09E')
  expect(await valueOf(box.mac, 'Device.GatewayInfo.SerialNumber')).toBe('GW0001')
  expect(await valueOf(box.mac, 'Device.GatewayInfo.ProductClass')).toBe('HG100')
  expect(await valueOf(box.mac, 'Device.ManagementServer.CWMPRetryMinimumWaitInterval')).toBe('7')
  expect(await valueOf(box.mac, 'Device.ManagementServer.CWMPRetryIntervalMultiplier')).toBe('3000')
  await phone.off()
  await kea.stop()
})

async function valueOf(mac: string, path: string): Promise<string | undefined> {
  const below = path.slice(0, path.lastIndexOf('.') + 1)
  const { items } = await bench.api<{ items: readonly Parameter[] }>(
    'GET',
    `devices/${mac}/tr069/parameters?below=${below}`,
  )
  return items.find((each) => each.path === path)?.value ?? undefined
}
