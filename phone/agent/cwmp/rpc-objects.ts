/**
 * AddObject and DeleteObject [TR-069 §4.3, §7]. The lines, keys and codecs of a phone are built in, so its tables are
 * full from the start and never lose a row.
 */
import type { CwmpBodyOf } from '../../../protocol/cwmp/mod.ts'
import type { Agent } from '../types.ts'
import { type Answer, KEY_CHARS_MAX, refusal } from './answer.ts'
import { modelOf } from './parameters.ts'

/** 9005 where there is no such table, 9004 where the table is full. */
export function addObject(agent: Agent, { objectName, parameterKey }: CwmpBodyOf<'AddObject'>): Answer {
  if (parameterKey.length > KEY_CHARS_MAX) return refusal(agent, 9003)
  return refusal(agent, isTable(agent, objectName) ? 9004 : 9005)
}

/** 9005 where there is no such row, 9001 for one that is built in. */
export function deleteObject(agent: Agent, { objectName, parameterKey }: CwmpBodyOf<'DeleteObject'>): Answer {
  if (parameterKey.length > KEY_CHARS_MAX) return refusal(agent, 9003)
  const isRow = /\.\d+\.$/.test(objectName) && modelOf(agent).find(objectName) !== undefined
  return refusal(agent, isRow ? 9001 : 9005)
}

function isTable(agent: Agent, objectName: string): boolean {
  const model = modelOf(agent)
  if (model.find(objectName)?.type !== 'object') return false
  return model.children(objectName).some(({ path }) => /^\d+\.$/.test(path.slice(objectName.length)))
}
