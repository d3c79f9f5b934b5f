import type { DiscoveryFile, DiscoverySettings } from './types.ts'
import { keaParts, OUR_CONTEXT } from './kea-classes.ts'
import type { Json } from './kea-classes.ts'
import type { Wanted } from './parts.ts'
import { readPool } from './subnets.ts'

/** How long an address is given, in seconds: an hour, so that a bench does not run out of them. */
export const LEASE_S = 3600

/** Name of the hook library that sends what Kea's definitions do not let through. */
export const FLEX_OPTION = 'libdhcp_flex_option.so'

const HEAD = ['// Written by Offhook. Classes and options that begin with "offhook-" are for Cisco MPP phones only.']

/** @returns `kea-dhcp4.conf`, and `kea-dhcp6.conf` where IPv6 is wanted. */
export function writeKea(wanted: Wanted): readonly DiscoveryFile[] {
  const { settings } = wanted
  const files = [file('kea-dhcp4.conf', { Dhcp4: body(wanted, 4) })]
  return settings.ipv6 ? [...files, file('kea-dhcp6.conf', { Dhcp6: body(wanted, 6) })] : files
}

function file(name: string, config: Json): DiscoveryFile {
  return { name, text: [...HEAD, JSON.stringify(config, undefined, 2), ''].join('\n') }
}

function body(wanted: Wanted, family: 4 | 6): Json {
  const { settings } = wanted
  const parts = keaParts(wanted, family)
  const rows = family === 4 ? settings.subnets : (settings.subnets6 ?? [])
  return {
    ...(rows.length > 0 ? ground(wanted, rows, family) : {}),
    'option-def': parts.optionDefs,
    'client-classes': parts.classes,
    ...(parts.flexOptions.length > 0 ? { 'hooks-libraries': [flexHook(wanted, parts.flexOptions)] } : {}),
    ...(rows.length > 0 ? { [`subnet${family}`]: rows.map((row, index) => subnetOf(row, family, index + 1)) } : {}),
  }
}

/** @returns the hook library with its rows. */
export function flexHook(wanted: Wanted, options: readonly Json[]): Json {
  return { library: `${wanted.hooks}/${FLEX_OPTION}`, parameters: { options } }
}

function ground(wanted: Wanted, rows: readonly { readonly interface?: string | undefined }[], family: 4 | 6): Json {
  const named = [...new Set(rows.flatMap((row) => (row.interface === undefined ? [] : [row.interface])))]
  return {
    'interfaces-config': { interfaces: named.length > 0 ? named : ['*'] },
    'valid-lifetime': LEASE_S,
    ...(family === 6 ? { 'preferred-lifetime': LEASE_S } : {}),
  }
}

/** @returns a subnet as Kea has it. */
export function subnetOf(row: DiscoverySettings['subnets'][number], family: 4 | 6, id: number): Json {
  const pool = readPool(row.pool)
  const data: Json[] = []
  if (family === 4 && row.router !== undefined) data.push({ name: 'routers', data: row.router })
  if (row.dns !== undefined && row.dns.length > 0) {
    data.push({ name: family === 4 ? 'domain-name-servers' : 'dns-servers', data: row.dns.join(', ') })
  }
  return {
    id,
    subnet: row.subnet,
    pools: [{ pool: pool === undefined ? row.pool : `${pool.first} - ${pool.last}` }],
    ...(row.interface === undefined ? {} : { interface: row.interface }),
    ...(data.length > 0 ? { 'option-data': data } : {}),
    'user-context': OUR_CONTEXT,
  }
}
