import { ACS_VENDOR_CLASS, BROADBAND_FORUM_ENTERPRISE, CISCO_ENTERPRISE } from '../../protocol/dhcp/mod.ts'
import { className, daemonText, GROUPS, groupsBefore } from './parts.ts'
import type { Wanted, WantedOption } from './parts.ts'
import { maskOf, readPool, readSubnet } from './subnets.ts'
import type { DiscoveryFile } from './types.ts'
import { LEASE_S } from './write-kea.ts'

/** @returns `offhook.conf`, to be put into dnsmasq's folder of configurations. */
export function writeDnsmasq(wanted: Wanted): readonly DiscoveryFile[] {
  const lines = [
    '# Written by Offhook. What is tagged "offhook-" is for Cisco MPP phones only.',
    ...ground(wanted),
    ...tags(wanted),
    ...wanted.options.map((option) => optionLine(wanted, option)),
  ]
  return [{ name: 'offhook.conf', text: `${lines.join('\n')}\n` }]
}

/**
 * A part of option 60 or 124 is enough for a tag. In DHCPv6 dnsmasq looks into the class of an enterprise that it was told:
 * the maker's own, and that of the forum.
 */
function tags(wanted: Wanted): readonly string[] {
  const rows: string[] = []
  for (const group of GROUPS) {
    const families = [4, 6].filter((family) => wanted.options.some((o) => o.to === group && o.family === family))
    const texts = group === 'phones' ? wanted.models : [ACS_VENDOR_CLASS]
    const set = `set:${className(group)}`
    if (group === 'acs-124') rows.push(...families.map(() => `dhcp-match=${set},124,${ACS_VENDOR_CLASS}`))
    else if (families.includes(4)) rows.push(...texts.map((text) => `dhcp-vendorclass=${set},${text}`))
    if (!families.includes(6)) continue
    const enterprises =
      group === 'phones' ? [CISCO_ENTERPRISE, BROADBAND_FORUM_ENTERPRISE] : [BROADBAND_FORUM_ENTERPRISE]
    for (const enterprise of enterprises) {
      rows.push(...texts.map((text) => `dhcp-vendorclass=${set},enterprise:${enterprise},${text}`))
    }
  }
  return rows
}

/** "force": also to a phone that does not ask for it. */
function optionLine(wanted: Wanted, option: WantedOption): string {
  const others = groupsBefore(wanted, option).map((group) => `tag:!${className(group)}`)
  const name = option.family === 6 ? `option6:${option.code}` : `${option.code}`
  const data = daemonText(option.value, ',')
  return `dhcp-option-force=${[`tag:${className(option.to)}`, ...others, name, data].join(',')}`
}

function ground({ settings }: Wanted): readonly string[] {
  const lines: string[] = []
  for (const [index, row] of settings.subnets.entries()) {
    const subnet = readSubnet(row.subnet, 4)
    const pool = readPool(row.pool)
    if (subnet === undefined || pool === undefined) continue
    const tag = `offhook-net-${index + 1}`
    if (row.interface !== undefined) lines.push(`interface=${row.interface}`)
    lines.push(`dhcp-range=set:${tag},${pool.first},${pool.last},${maskOf(subnet.prefix)},${LEASE_S}s`)
    if (row.router !== undefined) lines.push(`dhcp-option=tag:${tag},option:router,${row.router}`)
    if ((row.dns ?? []).length > 0) lines.push(`dhcp-option=tag:${tag},option:dns-server,${row.dns?.join(',')}`)
  }
  for (const [index, row] of (settings.subnets6 ?? []).entries()) {
    const subnet = readSubnet(row.subnet, 6)
    const pool = readPool(row.pool)
    if (subnet === undefined || pool === undefined) continue
    const tag = `offhook-net6-${index + 1}`
    if (row.interface !== undefined) lines.push(`interface=${row.interface}`)
    lines.push(`dhcp-range=set:${tag},${pool.first},${pool.last},${subnet.prefix},${LEASE_S}s`)
    const dns = (row.dns ?? []).map((address) => `[${address}]`)
    if (dns.length > 0) lines.push(`dhcp-option=tag:${tag},option6:dns-server,${dns.join(',')}`)
  }
  return [...new Set(lines)]
}
