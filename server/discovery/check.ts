import { assertNever, err } from '../../protocol/result.ts'
import type { Result } from '../../protocol/result.ts'
import { judgeServers, type KnownOfServers } from './check-servers.ts'
import { judgeVendorData } from './check-vendor-data.ts'
import { judgeVlan } from './check-vlan.ts'
import { CONFIG_CHARS_MAX, placeOf, problemAt } from './found.ts'
import type { Found, FoundClass, Unreadable } from './found.ts'
import { OURS } from './parts.ts'
import { discoveryProblem, PROBLEMS_MAX, shown } from './problem.ts'
import { readDnsmasq } from './read-dnsmasq.ts'
import { readIsc } from './read-isc.ts'
import { readKea, readKeaConfig } from './read-kea.ts'
import type { Daemon, DiscoveryProblem, DiscoverySettings, KeaConfig } from './types.ts'

/**
 * Reads a configuration that is there, and names what keeps our phones from coming, or sends others to us. Options that only
 * devices of other makers are given are passed over. At most 200 problems, in the order of the lines; none: nothing was found.
 *
 * | code | what |
 * |---|---|
 * | `unreadable` | no configuration of this daemon; the only problem then, with the line |
 * | `aborts-rc` | 66, 150, 159 or 160, so that phones do not ask the redirect service; with settings, where no `nps.options` are wanted; without, where RC is expected and the file is not ours |
 * | `other-server` | these options name a server that is not ours (with settings) |
 * | `tftp-port` | a bare host in 66, or 150, names us, while our TFTP is not on port 69 (with settings) |
 * | `tftp-servers-disagree` | 66 names an address that 150 does not |
 * | `host-has-space`, `trailing-slash`, `url-list`, `ipv6-brackets` | what phones make a wrong URL of, or do not all read |
 * | `no-server` | the value names no host, or is a URL of another scheme: phones pass the option over |
 * | `url-159-needs-address` | 159 with a DNS name |
 * | `option-150-length` | 150 is not addresses of four bytes |
 * | `too-long` | a value above 255 bytes |
 * | `sub-option-too-long` | a sub-option above 255 bytes, or a provisioning code above 64 |
 * | `option-43-broken`, `option-43-too-long` | 43 ends within a sub-option; all together above 255 bytes |
 * | `scep-with-nps` | SCEP in 43 together with 66, 150, 159 or 160 |
 * | `acs-not-tls` | an ACS URL that is not https |
 * | `vlan-id` | 132 for our phones is no number of 1 to 4094 |
 * | `for-everyone` | options for our phones outside any class: other makes get them too |
 * | `duplicate-class` | two classes of one name |
 * | `kea-159-type`, `kea-43-empty` | what Kea cuts, or sends empty |
 *
 * @param settings where our doors are and what DHCP is to say; undefined: nobody said so
 * @param how `isRcExpected`: without settings, phones are taken to come by the redirect service, unless we wrote the file
 */
export function checkDhcp(
  daemon: Daemon,
  text: string,
  settings?: DiscoverySettings,
  { isRcExpected = false }: { readonly isRcExpected?: boolean } = {},
): readonly DiscoveryProblem[] {
  const read = readFor(daemon, text)
  if (!read.ok) {
    const { line, message } = read.error
    const title = `Cannot read line ${line} as a configuration of ${NAMES[daemon]}: ${message}`
    return [
      discoveryProblem('unreadable', `line ${line}`, title, 'choose the daemon whose file it is, or correct the line'),
    ]
  }
  return judge(read.value, { settings, isRcExpected: isRcExpected && !text.includes(OURS) })
}

/**
 * As {@link checkDhcp}, of what `config-get` of a running Kea answers, which has no lines: places are paths in it, as
 * `Dhcp4.client-classes[2].option-data[0]`.
 */
export function checkKeaConfig(config: KeaConfig, settings?: DiscoverySettings): readonly DiscoveryProblem[] {
  const read = readKeaConfig(config)
  if (read.ok) return judge(read.value, { settings, isRcExpected: false })
  const title = `Cannot read the configuration of Kea: ${read.error.message}`
  return [
    discoveryProblem('unreadable', 'the configuration', title, 'name the control channel of kea-dhcp4 or kea-dhcp6'),
  ]
}

function judge(found: Found, known: KnownOfServers): readonly DiscoveryProblem[] {
  const problems = [
    ...found.problems,
    ...duplicateClasses(found),
    ...judgeServers(found, known),
    ...judgeVendorData(found),
    ...judgeVlan(found),
  ]
  return inOrder(problems, found).slice(0, PROBLEMS_MAX)
}

const NAMES: Readonly<Record<Daemon, string>> = { kea: 'Kea', dnsmasq: 'dnsmasq', isc: 'ISC dhcpd' }

function readFor(daemon: Daemon, text: string): Result<Found, Unreadable> {
  if (text.length > CONFIG_CHARS_MAX) {
    return err({ line: 1, message: `it has ${text.length} characters, at most ${CONFIG_CHARS_MAX} are read` })
  }
  switch (daemon) {
    case 'kea':
      return readKea(text)
    case 'dnsmasq':
      return readDnsmasq(text)
    case 'isc':
      return readIsc(text)
    default:
      return assertNever(daemon)
  }
}

function duplicateClasses({ classes }: Found): readonly DiscoveryProblem[] {
  const seen = new Map<string, FoundClass>()
  return classes.flatMap((found) => {
    const { name } = found
    const first = seen.get(name)
    if (first === undefined) {
      seen.set(name, found)
      return []
    }
    return [
      problemAt(
        found,
        'duplicate-class',
        `Class ${shown(name)} is here again; its first is in ${placeOf(first)}`,
        'give it another name, or remove one of the two',
      ),
    ]
  })
}

function inOrder(
  problems: readonly DiscoveryProblem[],
  { options, subOptions, classes }: Found,
): readonly DiscoveryProblem[] {
  const lines = new Map([...options, ...subOptions, ...classes].map((one) => [placeOf(one), one.line]))
  const line = ({ place }: DiscoveryProblem): number => lines.get(place) ?? 0
  const seen = new Set<string>()
  return problems
    .filter(({ code, place, message }) => {
      const key = `${code} ${place} ${message}`
      if (seen.has(key)) return false
      seen.add(key)
      return true
    })
    .toSorted((a, b) => line(a) - line(b))
}
