import { CWMP_NAMESPACE, isCwmpNamespace } from './types.ts'

/** All versions, oldest first [TR-069 §3.3]. */
export const CWMP_VERSIONS = ['1.0', '1.1', '1.2', '1.3', '1.4'] as const
/** One of {@link CWMP_VERSIONS}. */
export type CwmpVersion = (typeof CWMP_VERSIONS)[number]

/** What an Inform says of versions. */
export interface VersionOffer {
  /** The URN of CWMP. */
  readonly namespace: string
  /** SupportedCWMPVersions; undefined or empty: the device sent none. */
  readonly supportedVersions?: readonly string[] | undefined
  /** Seconds; only that a device sent it matters, since 1.2 and 1.3 share a URN. */
  readonly sessionTimeout?: number | undefined
}

/** `header`: the answer to the Inform says the version in UseCWMPVersion. `none` is the fault 8006. */
export type VersionChoice =
  | { readonly kind: 'use'; readonly version: CwmpVersion; readonly header: boolean }
  | { readonly kind: 'none' }

/** The version of a session: the highest that both sides know, or what the URN says where a device tells none [TR-069 §3.3]. */
export function chooseVersion(offer: VersionOffer): VersionChoice {
  const { namespace, supportedVersions = [], sessionTimeout } = offer
  if (supportedVersions.length === 0) {
    const version = versionOfUrn(namespace)
    const newer = version === '1.2' && sessionTimeout !== undefined
    return { kind: 'use', version: newer ? '1.3' : version, header: false }
  }
  const version = CWMP_VERSIONS.findLast((one) => supportedVersions.some((offered) => offered.trim() === one))
  return version === undefined ? { kind: 'none' } : { kind: 'use', version, header: true }
}

/**
 * The version of an ACS by its answer to an Inform, for a device that told its versions: an ACS that does not say which it uses
 * is as old as its URN. Undefined: it uses one that does not exist [TR-069 §3.3].
 */
export function versionOfAcs(answer: {
  readonly namespace: string
  readonly useVersion?: string | undefined
}): CwmpVersion | undefined {
  const { namespace, useVersion } = answer
  if (useVersion !== undefined) return CWMP_VERSIONS.find((one) => one === useVersion.trim())
  const version = versionOfUrn(namespace)
  return version === '1.4' ? '1.3' : version
}

/** Those that no document defines count as what they say, up to the newest version. */
function versionOfUrn(namespace: string): CwmpVersion {
  const urn = isCwmpNamespace(namespace) ? namespace : CWMP_NAMESPACE
  return CWMP_VERSIONS[Number(urn.at(-1))] ?? '1.4'
}
