import { isIP } from 'node:net'

import { parseMacAddress } from '../../protocol/identity.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import { asObject, asObjects } from './kea-objects.ts'
import type { KeaLease } from './types.ts'

/** Most leases of one answer that are read. */
export const LEASES_MAX = 100_000

/** Longest name that is kept: the most that DNS allows. */
const HOST_NAME_MAX = 255

/** A lease that is given out; 1 is declined, 2 is over. */
const STATE_GIVEN = 0

/** How Kea says "for ever", in seconds. */
const INFINITE_S = 0xffff_ffff

/** The year 9999, which is the last that the API takes; of `cltt`, when Kea last heard of the client, in seconds. */
const CLTT_MAX = 253_402_300_799

/**
 * Reads what `lease4-get-all` or `lease6-get-all` answers, by the control socket or by the control agent (which puts it into a
 * list). Leases that were declined or are over, and such that name no MAC address, are left out; what is no such answer
 * has none. Never throws.
 */
export function readKeaLeases(answer: unknown): readonly KeaLease[] {
  const answers = Array.isArray(answer) ? asObjects(answer) : [asObject(answer) ?? {}]
  return answers
    .flatMap((one) => asObjects(asObject(one['arguments'])?.['leases']))
    .slice(0, LEASES_MAX)
    .flatMap((lease) => readLease(lease) ?? [])
}

function readLease(lease: Readonly<Record<string, unknown>>): KeaLease | undefined {
  const { hostname, cltt, state } = lease
  const address = lease['ip-address']
  const mac = macOf(lease)
  if (typeof address !== 'string' || isIP(address) === 0 || mac === undefined) return undefined
  if (state !== undefined && state !== STATE_GIVEN) return undefined
  const lifetime = lease['valid-lft']
  const known = isCount(cltt) && isCount(lifetime) && lifetime !== INFINITE_S
  return {
    mac,
    address,
    hostName: typeof hostname === 'string' ? hostname.replace(/\.+$/, '').slice(0, HOST_NAME_MAX) : '',
    expiresAt: known ? (cltt + lifetime) * 1000 : undefined,
    heardAt: isCount(cltt) && cltt > 0 && cltt < CLTT_MAX ? cltt * 1000 : undefined,
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= 2 ** 42
}

/** In DHCPv6 a phone may be known by its DUID alone: link-layer (3), or link-layer and time (1), of Ethernet. */
function macOf(lease: Readonly<Record<string, unknown>>): MacAddress | undefined {
  const hardware = lease['hw-address']
  if (typeof hardware === 'string' && hardware !== '') return parseMacAddress(hardware)
  const { duid } = lease
  if (typeof duid !== 'string') return undefined
  const found = /^(?:00:03:00:01|00:01:00:01(?::[0-9a-f]{2}){4}):((?:[0-9a-f]{2}:){5}[0-9a-f]{2})$/i.exec(duid)
  return found === null ? undefined : parseMacAddress(found[1] ?? '')
}
