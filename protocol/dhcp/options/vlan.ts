import { utf8Bytes } from '../../bytes.ts'
import { ok } from '../../result.ts'
import type { Result } from '../../result.ts'
import { decodeOptionText } from './option-text.ts'
import { problem } from './vendor-data.ts'
import type { DhcpProblem } from './vendor-data.ts'

/** Highest VLAN id; 4095 is reserved. Source: IEEE 802.1Q. */
export const VLAN_ID_MAX = 4094

/** Whether DHCP_VLAN_Option may name this option: 128-149, 151-158, 161-254; the rest name servers [MPP §10.1]. */
export function isVlanOption(code: number): boolean {
  if (!Number.isInteger(code) || code < 128 || code > 254) return false
  return code !== 150 && code !== 159 && code !== 160
}

/** Reads option 132, or the one that DHCP_VLAN_Option names: 0 to 4094, as decimal text or as two bytes [MPP §10.1]. */
export function decodeVlan(payload: Uint8Array): Result<number, DhcpProblem> {
  // Two digits as a number are far beyond the highest id, so the forms cannot be confused.
  const number = payload.length === 2 ? (payload[0] ?? 0) * 256 + (payload[1] ?? 0) : undefined
  if (number !== undefined && number <= VLAN_ID_MAX) return ok(number)
  const text = decodeOptionText('VLAN id', payload)
  if (text.ok && /^\d{1,4}$/.test(text.value)) return known(Number(text.value))
  if (payload.length === 0) return problem('empty', 'Cannot read a VLAN id: the option holds nothing')
  return problem(
    'bad-value',
    `Cannot read a VLAN id of ${payload.length} bytes: expected 1 to 4 decimal digits, or two bytes`,
  )
}

/** @returns the payload of option 132 as decimal text [MPP §10.1]. */
export function encodeVlan(id: number): Result<Uint8Array, DhcpProblem> {
  if (Number.isInteger(id) && id >= 0 && id <= VLAN_ID_MAX) return ok(utf8Bytes(String(id)))
  return problem('bad-value', `Cannot send VLAN id "${id}": expected a number of 0 to ${VLAN_ID_MAX}`)
}

function known(id: number): Result<number, DhcpProblem> {
  if (id <= VLAN_ID_MAX) return ok(id)
  return problem('bad-value', `Cannot read VLAN id "${id}": expected a number of 0 to ${VLAN_ID_MAX}`)
}
