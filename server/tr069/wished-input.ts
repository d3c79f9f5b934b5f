/** What is known of a device, put together for `wishedOf`: the same for the session that brings it and for whoever looks. */
import { modelInfo } from '../../protocol/profile/mod.ts'
import { acsCredentials, type DeviceFacts, type LedBy } from '../devices/mod.ts'
import { type PlatformFacts, previewLookup, resolveDevice } from '../profiles/mod.ts'
import { textHash } from './identity.ts'
import type { AcsState, KnownParameter } from './types.ts'
import type { WishedInput } from './wished.ts'

/** Which side leads a device; one of no account is led by its profile. */
export function ledByOf(facts: DeviceFacts): LedBy {
  return facts.account?.settings.ledBy ?? 'profile'
}

export interface WishedFacts extends Pick<WishedInput, 'secretsMayGo' | 'informSeconds' | 'macOf'> {
  readonly facts: DeviceFacts
  readonly platform: PlatformFacts
  readonly state: AcsState
  readonly tree: ReadonlyMap<string, KnownParameter>
  /** PEM of the CA that phones have to learn for our doors; undefined: they know it. */
  readonly caPem: string | undefined
}

export function wishedInput(known: WishedFacts): WishedInput {
  const { facts, platform, state, tree, caPem, secretsMayGo, informSeconds, macOf } = known
  const credentials = acsCredentials(facts)
  const ledBy = ledByOf(facts)
  const profile = ledBy === 'profile' ? undefined : resolveDevice(facts, platform)
  const seen = state.software === undefined ? {} : { firmware: state.software }
  return {
    ledBy,
    profile,
    macros: profile === undefined ? undefined : previewLookup(facts, profile, seen),
    lineCount: modelInfo(facts.device.model)?.lines ?? Math.max(1, facts.lines.length),
    linesWished: facts.lines.length,
    tree,
    state,
    secretsMayGo,
    connectionRequest:
      credentials === undefined
        ? undefined
        : { username: credentials.connectionRequestUsername, password: credentials.connectionRequestPassword },
    informSeconds,
    macOf,
    hashOf: textHash,
    configUrl: `${platform.publicUrl}/cisco-init`,
    customCa:
      caPem === undefined || platform.customCaUrl === undefined ? undefined : { url: platform.customCaUrl, pem: caPem },
  }
}
