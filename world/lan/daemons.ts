/** Test support: the real DHCP servers of others, on the network of a bench, with what `offhook dhcp` wrote. */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Namespace, Running } from '../../phone/shell/dhcp/testing-lan.ts'
import { LAN_INTERFACE } from '../../phone/shell/dhcp/testing-lan.ts'
import type { Daemon } from '../../server/discovery/mod.ts'
import { keaInFolder } from '../parties/kea.ts'
import { type LanBench, SERVER } from './testing.ts'

const SUBNET = '192.168.77.0/24'
export const POOL = '192.168.77.50-192.168.77.200'

export interface DaemonRun {
  readonly where: Namespace
  readonly running: Running
  /** Where its configuration lies. */
  readonly folder: string
  stop(): Promise<void>
}

/**
 * Has `offhook dhcp --for …` write a whole configuration for the bench, and starts the daemon on it.
 * @param wish  more options of the command, as `['--options', '66']`
 */
export async function startDaemon(bench: LanBench, daemon: Daemon, wish: readonly string[]): Promise<DaemonRun> {
  const where = bench.dhcpHost()
  const folder = await writtenFor(bench, daemon, wish)
  return daemonRun(where, await START[daemon](where, folder), folder)
}

/** Has `offhook dhcp --for …` write a whole configuration for the bench. @returns the folder that it is in */
export async function writtenFor(bench: LanBench, daemon: Daemon, wish: readonly string[]): Promise<string> {
  const folder = bench.lan.folder()
  const network = ['--subnet', SUBNET, '--pool', POOL, '--interface', LAN_INTERFACE, '--server', SERVER]
  const doors = ['--public-url', `https://${SERVER}`, '--public-http-url', `http://${SERVER}`, '--standard-ports']
  await bench.ran(['dhcp', '--for', daemon, ...doors, ...network, ...wish, '--out', folder])
  return folder
}

function daemonRun(where: Namespace, running: Running, folder: string): DaemonRun {
  return {
    where,
    running,
    folder,
    async stop() {
      await running.stop()
    },
  }
}

const START: Readonly<Record<Daemon, (where: Namespace, folder: string) => Promise<Running>>> = {
  kea(where, folder) {
    return startKeaIn(where, folder, 'kea-dhcp4.conf')
  },
  dnsmasq(where, folder) {
    return dnsmasq(where, join(folder, 'offhook.conf'), ['--port=0'])
  },
  isc(where, folder) {
    return startIscIn(where, folder, 'dhcpd.conf', '-4')
  },
}

/**
 * As `startDaemon`, on a configuration of the caller's own.
 * @param more  arguments; by default it answers no DNS
 */
export async function startDnsmasq(
  bench: LanBench,
  file: string,
  more: readonly string[] = ['--port=0'],
): Promise<DaemonRun> {
  const where = bench.dhcpHost()
  return daemonRun(where, await dnsmasq(where, file, more), dirname(file))
}

async function dnsmasq(where: Namespace, file: string, more: readonly string[]): Promise<Running> {
  // What these tests need and a technician does not: no DNS, and files of their own.
  const own = [...more, '--user=root', '--log-dhcp', `--dhcp-leasefile=${file}.leases`, '--pid-file=']
  const args = ['--keep-in-foreground', '--log-facility=-', `--conf-file=${file}`, ...own]
  const running = where.run('/usr/sbin/dnsmasq', args)
  await running.line(/DHCP, IP range/)
  return running
}

/** @param name  of the file in the folder, as `offhook dhcp` wrote it */
export async function startKeaIn(where: Namespace, folder: string, name: string): Promise<Running> {
  const { command, env, started } = keaInFolder(folder, readFileSync(join(folder, name), 'utf8'))
  const [program, ...args] = command
  const running = where.run(program, args, { env })
  await running.line((line) => line.includes(started))
  return running
}

/** @param name  of the file in the folder, as `offhook dhcp` wrote it */
export async function startIscIn(
  where: Namespace,
  folder: string,
  name: string,
  family: '-4' | '-6',
): Promise<Running> {
  const leases = join(folder, 'leases')
  writeFileSync(leases, '')
  const files = ['-cf', join(folder, name), '-lf', leases, '-pf', join(folder, 'pid')]
  const running = where.run('/usr/sbin/dhcpd', [family, '-f', '-d', ...files, LAN_INTERFACE])
  await running.line(/Server starting service/)
  return running
}
