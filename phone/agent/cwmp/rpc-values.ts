/** GetParameterValues and SetParameterValues [TR-069 §4.3, §7]. */
import type { CwmpBodyOf, ParameterFault } from '../../../protocol/cwmp/mod.ts'
import { applyAssignments, needsReboot } from '../apply.ts'
import { configuredElsewhere } from '../commands.ts'
import { parametersChanged } from '../effects.ts'
import { andThen, type Moment } from '../turn.ts'
import type { Agent } from '../types.ts'
import { type Answer, answerOf, KEY_CHARS_MAX, refusal } from './answer.ts'
import { withMemory } from './events.ts'
import { observeSilently } from './notifications.ts'
import { checkWrite, elementText, parametersUnder, readParameter } from './parameters.ts'

/** The values under each name; one unknown name refuses all. */
export function getParameterValues(agent: Agent, { names }: CwmpBodyOf<'GetParameterValues'>, { now }: Moment): Answer {
  if (names.length === 0) return refusal(agent, 9003)
  const found = names.map((name) => parametersUnder(agent, name))
  if (found.includes(undefined)) return refusal(agent, 9005)
  // A name inside another name's subtree is told once.
  const nodes = new Map(found.flatMap((nodes) => (nodes ?? []).map((node) => [node.path, node] as const)))
  const parameters = [...nodes.values()].map((node) => readParameter(agent, node, now))
  return answerOf(agent, { kind: 'GetParameterValuesResponse', parameters })
}

/** Sets all or nothing; the settings are those of the profile, and take effect like a profile's [TR-069 §10 rule 5]. */
export function setParameterValues(
  agent: Agent,
  { parameters, parameterKey }: CwmpBodyOf<'SetParameterValues'>,
  moment: Moment,
): Answer {
  const names = new Set(parameters.map(({ name }) => name))
  if (parameterKey.length > KEY_CHARS_MAX || names.size !== parameters.length) return refusal(agent, 9003)
  const checked = check(agent, parameters)
  if (checked.faults.length > 0) return refusal(agent, 9003, checked.faults)
  const assignments = [...checked.elements].map(([element, value]) => ({ element, value }))
  const { agent: assigned, changed } = applyAssignments(agent, assignments)
  const values = { ...agent.flash.tr069.values, ...checked.own }
  const known = observeSilently(withMemory(assigned, { parameterKey, values }), moment.now)
  const status = needsReboot(known, changed) ? 1 : 0
  const { agent: after, actions } = andThen(configuredElsewhere(known, changed, moment), (agent) =>
    parametersChanged(agent, changed, 'Provisioning', moment),
  )
  return { agent: after, actions, body: { kind: 'SetParameterValuesResponse', status } }
}

interface Checked {
  readonly elements: ReadonlyMap<string, string>
  readonly own: Readonly<Record<string, string>>
  readonly faults: readonly ParameterFault[]
}

function check(agent: Agent, parameters: CwmpBodyOf<'SetParameterValues'>['parameters']): Checked {
  const elements = new Map<string, string>()
  const own: Record<string, string> = {}
  const faults: ParameterFault[] = []
  for (const parameter of parameters) {
    // Two parameters may share one setting, for example host and port of a proxy.
    const textOf = (element: string): string | undefined => elements.get(element) ?? elementText(agent, element)
    const write = checkWrite(agent, parameter, textOf)
    if (!write.ok) {
      faults.push({ name: parameter.name, code: write.error.code, text: write.error.message })
      continue
    }
    for (const { element, value } of write.value.elements) elements.set(element, value)
    if (write.value.own !== undefined) own[write.value.own.path] = write.value.own.value
  }
  return { elements, own, faults }
}
