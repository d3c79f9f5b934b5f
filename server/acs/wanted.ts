/** What is wished of the device of a session, and whether it has it already. */
import { acsCredentials, type DeviceFacts } from '../devices/mod.ts'
import {
  type AcsState,
  isNear,
  type KnownParameter,
  ledByOf,
  secretsMayGo,
  textHash,
  type Wished,
  wishedInput,
  wishedOf,
} from '../tr069/mod.ts'
import type { AcsContext } from './context.ts'
import type { Party } from './session.ts'

/** Raise it when what the server wishes by itself changes. */
const RULES_VERSION = 1

/** Names the wished state: equal when the same is wished. Facts are values, so it is worked out once for each. */
const known = new WeakMap<
  DeviceFacts,
  { readonly version: string | undefined; readonly secure: string; readonly clear: string }
>()

export function fingerprintOf(context: AcsContext, { facts, secure }: Pick<Party, 'facts' | 'secure'>): string {
  if (facts === undefined) return ''
  const version = ledByOf(facts) === 'tr069' ? context.profileVersion(facts) : undefined
  const kept = known.get(facts)
  if (kept?.version === version && kept !== undefined) return secure ? kept.secure : kept.clear
  const password = acsCredentials(facts)?.connectionRequestPassword ?? ''
  const text = [
    RULES_VERSION,
    ledByOf(facts),
    version ?? '',
    facts.lines.length,
    context.macOf(facts.device.mac, '', password),
  ]
  const made = { version, secure: textHash(`secure/${text.join('/')}`), clear: textHash(`clear/${text.join('/')}`) }
  known.set(facts, made)
  return secure ? made.secure : made.clear
}

/** Whether the device was brought to what is wished, and its interval still suits the fleet. */
export function isInStep(context: AcsContext, party: Party, state: AcsState): boolean {
  if (state.inStep !== fingerprintOf(context, party)) return false
  return state.informSeconds !== undefined && isNear(state.informSeconds, context.informSeconds())
}

export function wishedOfParty(
  context: AcsContext,
  { secure, proof, mac }: Party,
  facts: DeviceFacts,
  state: AcsState,
  tree: ReadonlyMap<string, KnownParameter>,
): Wished {
  return wishedOf(
    wishedInput({
      facts,
      platform: context.platform(),
      state,
      tree,
      caPem: context.caPem(),
      secretsMayGo: secretsMayGo(secure, proof),
      informSeconds: context.informSeconds(),
      macOf: (path, value) => context.macOf(mac, path, value),
    }),
  )
}
