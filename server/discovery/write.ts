import { assertNever, ok } from '../../protocol/result.ts'
import type { Result } from '../../protocol/result.ts'
import type { Wanted } from './parts.ts'
import type { Daemon, DiscoveryFile, DiscoveryProblem, DiscoverySettings, WrittenDhcp } from './types.ts'
import { wantedOptions } from './wanted.ts'
import { writeDnsmasq } from './write-dnsmasq.ts'
import { writeIsc } from './write-isc.ts'
import { FLEX_OPTION, writeKea } from './write-kea.ts'

/**
 * Writes what a DHCP daemon needs to bring the phones, and only these, to us: classes by option 60 and 124 (in DHCPv6 by 16),
 * and their options. The same settings give the same bytes. Sources: MPP §10, TR-069 §9.
 *
 * Refused, with all problems at once: `bad-address`, `bad-host`, `bad-port`, `bad-option`, `bad-url`, `ipv6-brackets`,
 * `trailing-slash`, `tftp-port` (150 while TFTP is not on 69; 66 then gets a URL), `url-159-needs-address`, `acs-not-tls`,
 * `bad-acs`, `bad-gateway`, `bad-scep`, `scep-with-nps`, `too-long` (above 255 bytes), `vlan-option`, `vlan-id`, `models`,
 * `bad-model`, `bad-hooks`, `subnets`, `bad-subnet`, `bad-pool`, `bad-router`, `bad-dns`, `bad-interface`, `nothing-to-say`.
 */
export function writeDhcp(
  daemon: Daemon,
  settings: DiscoverySettings,
): Result<WrittenDhcp, readonly DiscoveryProblem[]> {
  const wanted = wantedOptions(settings)
  if (!wanted.ok) return wanted
  return ok({ files: filesFor(daemon, wanted.value), notes: [...wanted.value.notes, ...notesOf(daemon, wanted.value)] })
}

function filesFor(daemon: Daemon, wanted: Wanted): readonly DiscoveryFile[] {
  switch (daemon) {
    case 'kea':
      return writeKea(wanted)
    case 'dnsmasq':
      return writeDnsmasq(wanted)
    case 'isc':
      return writeIsc(wanted)
    default:
      return assertNever(daemon)
  }
}

function notesOf(daemon: Daemon, wanted: Wanted): readonly string[] {
  const sends159 = wanted.options.some((option) => option.family === 4 && option.code === 159)
  if (daemon === 'kea' && sends159) {
    return [
      `Kea cuts option 159 to four bytes unless its hook library for flexible options sends it: ${wanted.hooks}/${FLEX_OPTION} must be there.`,
    ]
  }
  if (daemon === 'dnsmasq') {
    return [
      'dnsmasq looks for a product name anywhere in the class: a model whose name begins with one of ours is told the same.',
    ]
  }
  if (daemon === 'isc' && wanted.settings.subnets.some((row) => row.interface !== undefined)) {
    return ['dhcpd is told its interfaces when it is started (on Debian in /etc/default/isc-dhcp-server).']
  }
  return []
}
