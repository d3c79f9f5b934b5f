/** Networks that are not made for us: one that names us by DNS only, and one where a hostile DHCP server answers first. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { LAN_INTERFACE } from '../../phone/shell/dhcp/testing-lan.ts'
import { ROOT } from '../life/testing.ts'
import { type DaemonRun, POOL, startDnsmasq } from './daemons.ts'
import { DHCP, LanBench, type LanPhone, SERVER } from './testing.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const bench = await LanBench.open()
afterAll(() => bench.close())

let daemon: DaemonRun | undefined
let phone: LanPhone | undefined
afterEach(async () => {
  await phone?.off()
  await daemon?.stop()
})

async function dnsmasq(lines: readonly string[], more: readonly string[] = []): Promise<DaemonRun> {
  const file = join(bench.lan.folder(), 'bench.conf')
  const own = [`interface=${LAN_INTERFACE}`, 'bind-interfaces', `dhcp-range=${POOL.replace('-', ',')},255.255.255.0,1h`]
  writeFileSync(file, `${[...own, ...lines].join('\n')}\n`)
  return startDnsmasq(bench, file, more)
}

it('a phone finds us by the SRV records of its domain when no option names a server [MPP §4.6, §9.3]', async () => {
  daemon = await dnsmasq(
    [
      'no-resolv',
      'domain=bench.test',
      `dhcp-option=6,${DHCP}`,
      `address=/prov.bench.test/${SERVER}`,
      'srv-host=_ciscoprov-http._tcp.bench.test,prov.bench.test,80,10,5',
    ],
    ['--port=53'],
  )
  const account = await bench.customer(1)
  phone = bench.phone(await bench.registeredBox(account))
  await phone.tells('registered')
  expect(phone.fetched()[0]).toBe('http://prov.bench.test/8851-3PCC.xml')
  const states = phone.told().filter(({ name }) => name === 'customization')
  expect(states.map(({ data }) => data['state'])).toEqual(['Aborted'])
})

it('a hostile DHCP server that answers first with broken and impossible leases leads nobody astray [RFC 2131 §4.4]', async () => {
  const evil = bench.lan.namespace('evil', '192.168.77.9/24')
  evil.ip('route', 'add', '255.255.255.255/32', 'dev', LAN_INTERFACE)
  await evil.run(process.execPath, ['--import', 'tsx', 'world/lan/hostile-server.ts'], { cwd: ROOT }).line(/ready/)
  daemon = await dnsmasq([`dhcp-option-force=66,${SERVER}`])
  const account = await bench.customer(1)
  phone = bench.phone(await bench.registeredBox(account))
  await phone.tells('registered')
  expect(phone.fetched()[0]).toBe(`tftp://${SERVER}/8851-3PCC.xml`)
  const lease = phone.told().find(({ name }) => name === 'dhcp-lease')
  expect(lease?.data['server']).toBe(DHCP)
  expect(phone.told().map(({ name }) => name)).toContain('dhcp-ignored')
})
