import { ByteReader, concatBytes } from '../../bytes.ts'
import { ok } from '../../result.ts'
import type { Result } from '../../result.ts'
import { readAcsFields, writeAcsFields } from './acs-discovery.ts'
import type { AcsDiscovery } from './acs-discovery.ts'
import { BROADBAND_FORUM_ENTERPRISE, PAYLOAD_BYTES_MAX, problem } from './vendor-data.ts'
import type { DhcpProblem, SubOption } from './vendor-data.ts'

/** In DHCPv6 the codes are those of option 43 [TR-069 §9.2]. */
const BASE = 0

/**
 * Reads the ACS fields of DHCPv6 option 17: the payload is an enterprise and its sub-options, with codes and lengths of 16 bits.
 * undefined: the option is another enterprise's, and the next one may be ours [TR-069 §9.2].
 */
export function decodeAcsOption17(payload: Uint8Array): Result<AcsDiscovery | undefined, DhcpProblem> {
  if (payload.length > PAYLOAD_BYTES_MAX) {
    return problem(
      'too-long',
      `Cannot take an option of ${payload.length} bytes: expected at most ${PAYLOAD_BYTES_MAX} bytes`,
    )
  }
  const reader = new ByteReader(payload)
  const enterprise = reader.uint32()
  if (reader.failed)
    return problem('truncated', 'Cannot read an enterprise: its number goes past the end of the option')
  // What stands behind another number has a form of its own.
  if (enterprise !== BROADBAND_FORUM_ENTERPRISE) return ok(undefined)
  const found: SubOption[] = []
  while (reader.remainingCount > 0) {
    const code = reader.uint16()
    const value = reader.take(reader.uint16())
    if (reader.failed) {
      return problem('truncated', `Cannot read sub-option ${code}: its length goes past the end of the option`)
    }
    found.push({ code, value })
  }
  return ok(readAcsFields(found, BASE))
}

/** @returns the payload of DHCPv6 option 17 from enterprise 3561, without the code and length of the option [TR-069 §9.2]. */
export function encodeAcsOption17(discovery: AcsDiscovery): Result<Uint8Array, DhcpProblem> {
  const subOptions = writeAcsFields(discovery, BASE)
  if (!subOptions.ok) return subOptions
  const head = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, BROADBAND_FORUM_ENTERPRISE)
  const parts = subOptions.value.flatMap(({ code, value }) => [
    Uint8Array.of(code >> 8, code & 255, value.length >> 8, value.length & 255),
    value,
  ])
  return ok(concatBytes([head, ...parts]))
}
