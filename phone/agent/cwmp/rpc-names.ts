/** GetParameterNames [TR-069 §7]. */
import type { CwmpBodyOf } from '../../../protocol/cwmp/mod.ts'
import type { Agent } from '../types.ts'
import { type Answer, answerOf, refusal } from './answer.ts'
import { modelOf } from './parameters.ts'

/** The path and all below it, or only its direct children without itself. */
export function getParameterNames(agent: Agent, { path, nextLevel }: CwmpBodyOf<'GetParameterNames'>): Answer {
  const model = modelOf(agent)
  const partial = path === '' || path.endsWith('.')
  if (nextLevel && !partial) return refusal(agent, 9003)
  if (path !== '' && model.find(path) === undefined) return refusal(agent, 9005)
  const nodes = nextLevel ? model.children(path) : path === '' ? model.nodes : model.below(path)
  const parameters = nodes.map((node) => ({ name: node.path, writable: node.writable }))
  return answerOf(agent, { kind: 'GetParameterNamesResponse', parameters })
}
