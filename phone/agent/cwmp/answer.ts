/** An answer of the phone to the ACS: a response, or a fault that says why not [TR-069 §4]. */
import { type CwmpBody, type CwmpFault, faultFor, type ParameterFault } from '../../../protocol/cwmp/mod.ts'
import type { Agent, AgentAction } from '../types.ts'

/** Characters of command keys and the parameter key [TR-069 §7]. */
export const KEY_CHARS_MAX = 32

/** The phone after a request, what it does meanwhile, and the answer. */
export interface Answer {
  readonly agent: Agent
  readonly actions: readonly AgentAction[]
  readonly body: CwmpBody
}

/** An answer without further actions. */
export function answerOf(agent: Agent, body: CwmpBody): Answer {
  return { agent, actions: [], body }
}

/** A refusal; nothing of the phone has changed. */
export function refusal(agent: Agent, code: number, parameterFaults: readonly ParameterFault[] = []): Answer {
  const body: CwmpFault = { kind: 'Fault', code, text: faultFor(code)?.text ?? 'Fault', parameterFaults }
  return answerOf(agent, body)
}
