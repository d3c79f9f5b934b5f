import { utf8Bytes } from '../../protocol/bytes.ts'
import { ACS_VENDOR_CLASS, BROADBAND_FORUM_ENTERPRISE } from '../../protocol/dhcp/mod.ts'
import { className, colonHex, daemonText, GROUPS, groupsBefore } from './parts.ts'
import type { Group, Wanted, WantedOption } from './parts.ts'
import { maskOf, readPool, readSubnet } from './subnets.ts'
import type { DiscoveryFile, DiscoverySubnet, DiscoverySubnet6 } from './types.ts'
import { LEASE_S } from './write-kea.ts'

const HEAD = ['# Written by Offhook. Classes that begin with "offhook-" are for Cisco MPP phones only.']

/** 124 as bytes: dhcpd's own definition cannot be compared. */
const CLASS_124 = 'offhook-class-124'
/** dhcpd has no definition of it. */
const CLASS_16 = 'dhcp6.offhook-class-16'

/** @returns `dhcpd.conf`, and `dhcpd6.conf` where IPv6 is wanted. */
export function writeIsc(wanted: Wanted): readonly DiscoveryFile[] {
  const { settings } = wanted
  const files = [{ name: 'dhcpd.conf', text: textOf(wanted, 4, settings.subnets.flatMap(subnet4)) }]
  if (!settings.ipv6) return files
  return [...files, { name: 'dhcpd6.conf', text: textOf(wanted, 6, (settings.subnets6 ?? []).flatMap(subnet6)) }]
}

function textOf(wanted: Wanted, family: 4 | 6, subnets: readonly string[]): string {
  const options = wanted.options.filter((option) => option.family === family)
  const groups = GROUPS.filter((group) => options.some((option) => option.to === group))
  const lines = [
    ...HEAD,
    ...(subnets.length > 0 ? [`default-lease-time ${LEASE_S};`, `max-lease-time ${LEASE_S};`] : []),
    ...definitions(options),
    ...(groups.includes('acs-124') ? [`option ${CLASS_124} code 124 = string;`] : []),
    ...(family === 6 ? [`option ${CLASS_16} code 16 = string;`] : []),
    ...groups.flatMap((group) => classOf(wanted, group, options)),
    ...subnets,
  ]
  return `${lines.join('\n')}\n`
}

function definitions(options: readonly WantedOption[]): readonly string[] {
  const byCode = new Map(options.map((option) => [option.code, option]))
  return [...byCode.values()]
    .flatMap((option) => {
      if (knownName(option) !== undefined) return []
      const type =
        option.value.kind === 'addresses' ? 'array of ip-address' : option.value.kind === 'text' ? 'text' : 'string'
      return [`option ${optionName(option)} code ${option.code} = ${type};`]
    })
    .toSorted()
}

/** Options whose own definition in dhcpd takes our values; the others are defined under a name of ours. */
function knownName({ family, code }: WantedOption): string | undefined {
  if (family === 6) return undefined
  return code === 66 ? 'tftp-server-name' : code === 43 ? 'vendor-encapsulated-options' : undefined
}

function optionName(option: WantedOption): string {
  return knownName(option) ?? `${option.family === 6 ? 'dhcp6.' : ''}offhook-${option.code}`
}

function classOf(wanted: Wanted, group: Group, options: readonly WantedOption[]): readonly string[] {
  const own = options.filter((option) => option.to === group)
  const family = own[0]?.family ?? 4
  return [
    `class "${className(group)}" {`,
    `  match if ${test(group, wanted, family)};`,
    ...own.flatMap((option) => statement(wanted, option).map((line) => `  ${line}`)),
    // dhcpd sends what is asked for: a device in several classes has the list of one of them, so each names all.
    ...(family === 4
      ? [`  option dhcp-parameter-request-list = concat(option dhcp-parameter-request-list, ${codes(options)});`]
      : []),
    '}',
  ]
}

function codes(options: readonly WantedOption[]): string {
  const all = [...new Set(options.map((option) => option.code))].toSorted((a, b) => a - b)
  return colonHex(Uint8Array.from(all))
}

function statement(wanted: Wanted, option: WantedOption): readonly string[] {
  const line = `option ${optionName(option)} ${daemonText(option.value, ', ')};`
  const others = groupsBefore(wanted, option)
  if (others.length === 0) return [line]
  const tests = others.map((group) => `(${test(group, wanted, option.family)})`)
  return [`if not (${tests.join(' or ')}) {`, `  ${line}`, '}']
}

function test(group: Group, wanted: Wanted, family: 4 | 6): string {
  if (group === 'acs-124') {
    const enterprise = colonHex(
      Uint8Array.from([24, 16, 8, 0].map((shift) => (BROADBAND_FORUM_ENTERPRISE >> shift) & 255)),
    )
    return `substring(option ${CLASS_124}, 0, 4) = ${enterprise}`
  }
  if (family === 4) {
    if (group === 'acs-60') return `option vendor-class-identifier ~= "${ACS_VENDOR_CLASS.replace('.', '[.]')}"`
    // A product name, and nothing behind it that would make it another: the prefix is free [MPP §10.2].
    return `option vendor-class-identifier ~= "(${wanted.models.join('|')})($|[^A-Za-z0-9-])"`
  }
  const value = `option ${CLASS_16}`
  if (group === 'phones') return wanted.models.flatMap((model) => endTests(value, model)).join(' or ')
  return [
    ...endTests(value, ACS_VENDOR_CLASS),
    `substring(${value}, 6, ${ACS_VENDOR_CLASS.length}) = "${ACS_VENDOR_CLASS}"`,
  ].join(' or ')
}

/** Option 16 begins with zeros, at which a regular expression would end. */
function endTests(value: string, text: string): readonly string[] {
  return [
    `suffix(${value}, ${text.length}) = "${text}"`,
    `suffix(${value}, ${text.length + 1}) = ${colonHex(utf8Bytes(text))}:00`,
  ]
}

function subnet4(row: DiscoverySubnet): readonly string[] {
  const subnet = readSubnet(row.subnet, 4)
  const pool = readPool(row.pool)
  if (subnet === undefined || pool === undefined) return []
  return [
    `subnet ${subnet.address} netmask ${maskOf(subnet.prefix)} {`,
    `  range ${pool.first} ${pool.last};`,
    ...(row.router === undefined ? [] : [`  option routers ${row.router};`]),
    ...((row.dns ?? []).length === 0 ? [] : [`  option domain-name-servers ${row.dns?.join(', ')};`]),
    '}',
  ]
}

function subnet6(row: DiscoverySubnet6): readonly string[] {
  const pool = readPool(row.pool)
  if (pool === undefined) return []
  return [
    `subnet6 ${row.subnet} {`,
    `  range6 ${pool.first} ${pool.last};`,
    ...((row.dns ?? []).length === 0 ? [] : [`  option dhcp6.name-servers ${row.dns?.join(', ')};`]),
    '}',
  ]
}
