import { ok } from '../../result.ts'
import type { Result } from '../../result.ts'
import { BASE_125, readAcsFields, writeAcsFields } from './acs-discovery.ts'
import type { AcsDiscovery } from './acs-discovery.ts'
import { readIdentities, writeIdentities } from './gateway-identity.ts'
import type { GatewayAssociation } from './gateway-identity.ts'
import { decodeForumSubOptions, encodeForumSubOptions, problem } from './vendor-data.ts'
import type { DhcpProblem } from './vendor-data.ts'

/** All that one option 125 from enterprise 3561 says: who is there, and which ACS to use [TR-069 §9.2, §9.3]. */
export interface ForumOption extends GatewayAssociation {
  /** undefined: nothing about an ACS, or nothing that can be meant. */
  readonly acs: AcsDiscovery | undefined
}

/** Reads identities and ACS data of one option 125; each part is undefined if it is not there [TR-069 §9.2, §9.3]. */
export function decodeForumOption125(payload: Uint8Array): Result<ForumOption, DhcpProblem> {
  const subOptions = decodeForumSubOptions(payload)
  if (!subOptions.ok) return subOptions
  const acs = readAcsFields(subOptions.value, BASE_125)
  const said = Object.values(acs).some((value) => value !== undefined)
  return ok({ ...readIdentities(subOptions.value), acs: said ? acs : undefined })
}

/**
 * @returns the payload of option 125 with what is there: a phone says who it is, a gateway that asks for itself and
 * answers others says all. Everything together shares 255 bytes.
 */
export function encodeForumOption125(parts: Partial<ForumOption>): Result<Uint8Array, DhcpProblem> {
  const identities = writeIdentities(parts)
  if (!identities.ok) return identities
  const acs = parts.acs === undefined ? ok([]) : writeAcsFields(parts.acs, BASE_125)
  if (!acs.ok) return acs
  const subOptions = [...identities.value, ...acs.value]
  if (subOptions.length > 0) return encodeForumSubOptions(subOptions)
  return problem('empty', 'Cannot send option 125 with nothing in it: give an identity or ACS data, or leave it out')
}
