/** Test support: the real DHCP servers of others, on the network of a bench, with what `offhook dhcp` wrote. */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Namespace, Running } from '../../phone/shell/dhcp/testing-lan.ts'
import { LAN_INTERFACE } from '../../phone/shell/dhcp/testing-lan.ts'
import type { Daemon } from '../../server/discovery/mod.ts'
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
  const folder = bench.lan.folder()
  const network = ['--subnet', SUBNET, '--pool', POOL, '--interface', LAN_INTERFACE, '--server', SERVER]
  const doors = ['--public-url', `https://${SERVER}`, '--public-http-url', `http://${SERVER}`, '--standard-ports']
  await bench.ran(['dhcp', '--for', daemon, ...doors, ...network, ...wish, '--out', folder])
  const running = await START[daemon](where, folder)
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
  async kea(where, folder) {
    const env = { ...process.env, KEA_PIDFILE_DIR: folder, KEA_LOCKFILE_DIR: folder, KEA_CONTROL_SOCKET_DIR: folder }
    const file = join(folder, 'kea-dhcp4.conf')
    // Debian's Kea keeps leases where only systemd makes a folder for them.
    const leases = `"lease-database": { "type": "memfile", "persist": false },`
    writeFileSync(file, readFileSync(file, 'utf8').replace('"interfaces-config":', `${leases} $&`))
    const running = where.run('/usr/sbin/kea-dhcp4', ['-c', file], { env })
    await running.line(/DHCP4_STARTED/)
    return running
  },
  dnsmasq(where, folder) {
    return dnsmasq(where, join(folder, 'offhook.conf'))
  },
  async isc(where, folder) {
    const leases = join(folder, 'leases')
    writeFileSync(leases, '')
    const files = ['-cf', join(folder, 'dhcpd.conf'), '-lf', leases, '-pf', join(folder, 'pid')]
    const running = where.run('/usr/sbin/dhcpd', ['-4', '-f', '-d', ...files, LAN_INTERFACE])
    await running.line(/Server starting service/)
    return running
  },
}

/** As `startDaemon`, on a configuration of the caller's own. */
export async function startDnsmasq(bench: LanBench, file: string): Promise<DaemonRun> {
  const where = bench.dhcpHost()
  const running = await dnsmasq(where, file)
  return {
    where,
    running,
    folder: dirname(file),
    async stop() {
      await running.stop()
    },
  }
}

async function dnsmasq(where: Namespace, file: string): Promise<Running> {
  // What these tests need and a technician does not: no DNS, and files of their own.
  const own = ['--port=0', '--user=root', '--log-dhcp', `--dhcp-leasefile=${file}.leases`, '--pid-file=']
  const args = ['--keep-in-foreground', '--log-facility=-', `--conf-file=${file}`, ...own]
  const running = where.run('/usr/sbin/dnsmasq', args)
  await running.line(/DHCP, IP range/)
  return running
}
