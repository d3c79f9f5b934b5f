/** Phones on a real network are led by DHCPv6. Source: MPP §10.1; TR-069 §9.2; RFC 8415. */
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { askByDhclient, type RunV6, startDaemonV6 } from './daemons-v6.ts'
import { LanBench, type LanPhone, MODEL, SERVER_V6 } from './testing.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const bench = await LanBench.open({ ipv6: true })
afterAll(() => bench.close())

let daemon: RunV6 | undefined
let phone: LanPhone | undefined
afterEach(async () => {
  await phone?.off()
  await daemon?.stop()
})

describe.each(['kea', 'dnsmasq', 'isc'] as const)('DHCPv6 of %s', (name) => {
  it('leads a phone to us with options 159 and 160, and tells other makes nothing of ours [MPP §10.1]', async () => {
    daemon = await startDaemonV6(bench, name, ['--options', '159,160', '--scheme', 'http', '--acs'])
    const account = await bench.customer(1)
    const box = await bench.registeredBox(account)
    phone = bench.phone(box, ['--ipv6'])
    await phone.tells('registered')
    expect(phone.fetched()[0]).toBe(`http://[${SERVER_V6}]/8851-3PCC.xml`)
    const ours = await askByDhclient(bench, MODEL)
    expect([ours.get(159), ours.get(160)]).toEqual([`http://[${SERVER_V6}]`, `http://[${SERVER_V6}]`])
    const stranger = await askByDhclient(bench, 'Polycom-VVX400')
    expect([...stranger.keys()]).toEqual([])
  })
})
