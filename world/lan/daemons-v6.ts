/** Test support: DHCPv6 by the daemons of others, as `offhook dhcp --ipv6` configures them, beside plain IPv4 addresses without options. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LAN_INTERFACE } from '../../phone/shell/dhcp/testing-lan.ts'
import { eventually } from '../life/testing.ts'
import type { Daemon } from '../../server/discovery/mod.ts'
import { type LanBench, NETWORK_V6, SERVER_V6 } from './testing.ts'
import { POOL, startDnsmasq, startIscIn, startKeaIn, writtenFor } from './daemons.ts'

const WISH_V6 = ['--ipv6', SERVER_V6, '--subnet6', NETWORK_V6, '--pool6', 'fd00:77::100-fd00:77::1ff']

export interface RunV6 {
  stop(): Promise<void>
}

/** @param wish  more options of the command, as `['--options', '160']` */
export async function startDaemonV6(bench: LanBench, daemon: Daemon, wish: readonly string[]): Promise<RunV6> {
  const where = bench.dhcpHost()
  const folder = await writtenFor(bench, daemon, [...WISH_V6, ...wish])
  if (daemon === 'dnsmasq') return startDnsmasq(bench, withoutOptionsV4(join(folder, 'offhook.conf')))
  const plain = join(folder, 'plain.conf')
  writeFileSync(plain, `interface=${LAN_INTERFACE}\ndhcp-range=${POOL.replace('-', ',')},255.255.255.0,1h\n`)
  const v4 = await startDnsmasq(bench, plain)
  const v6 = await (daemon === 'kea'
    ? startKeaIn(where, folder, 'kea-dhcp6.conf')
    : startIscIn(where, folder, 'dhcpd6.conf', '-6'))
  return {
    async stop() {
      await v6.stop()
      await v4.stop()
    },
  }
}

/** Only DHCPv6 is to lead the phone. */
function withoutOptionsV4(file: string): string {
  const lines = readFileSync(file, 'utf8').split('\n')
  const own = lines.filter((line) => !line.startsWith('dhcp-option') || line.includes('option6:'))
  writeFileSync(file, own.join('\n'))
  return file
}

/**
 * Asks for an IPv6 address and options by ISC's dhclient, in a namespace of its own.
 * @param vendorClass  text of option 16, under Cisco's enterprise number
 * @returns each option that it was told, by code, as text where it can be printed
 */
export async function askByDhclient(bench: LanBench, vendorClass: string): Promise<ReadonlyMap<number, string>> {
  const where = bench.host('d')
  const folder = bench.lan.folder()
  const [script, told, file] = [join(folder, 'script'), join(folder, 'told'), join(folder, 'dhclient.conf')]
  writeFileSync(script, `#!/bin/sh\n[ "$reason" = BOUND6 ] && env > '${told}'\nexit 0\n`)
  chmodSync(script, 0o755)
  writeFileSync(file, dhclientConf(vendorClass))
  // The address that the interface has given itself is tried for a moment before it may be used.
  const addresses = (): string => where.ip('-6', 'address', 'show', 'dev', LAN_INTERFACE)
  await eventually('a link-local address', () => /fe80::(?!.*tentative)/.test(addresses()))
  const files = ['-cf', file, '-sf', script, '-lf', join(folder, 'leases'), '-pf', join(folder, 'pid')]
  const { code, errors } = await where.exec('/usr/sbin/dhclient', [
    '-6',
    '-1',
    '-v',
    '-D',
    'LL',
    ...files,
    LAN_INTERFACE,
  ])
  if (code !== 0) throw new Error(`dhclient got no lease: ${errors}`)
  const pairs = readFileSync(told, 'utf8').matchAll(/^new_dhcp6_oh(\d+)=(.*)$/gm)
  await where.exec('/usr/sbin/dhclient', ['-6', '-x', ...files, LAN_INTERFACE])
  return new Map([...pairs].map(([, number, hex = '']) => [Number(number), hex]))
}

function dhclientConf(vendorClass: string): string {
  const bytes = Buffer.from(`\0\0\0\u0009\0${String.fromCharCode(vendorClass.length)}${vendorClass}`, 'latin1')
  const codes = [17, 159, 160]
  return [
    'option dhcp6.ohclass code 16 = string;',
    ...codes.map((code) => `option dhcp6.oh${code} code ${code} = string;`),
    `send dhcp6.ohclass ${(bytes.toString('hex').match(/../g) ?? []).join(':')};`,
    `also request ${codes.map((code) => `dhcp6.oh${code}`).join(', ')};`,
  ].join('\n')
}
