/** GetParameterAttributes and SetParameterAttributes [TR-069 §4.3, §7]. */
import type { CwmpBodyOf } from '../../../protocol/cwmp/mod.ts'
import type { Moment } from '../turn.ts'
import type { Agent } from '../types.ts'
import { type Answer, answerOf, refusal } from './answer.ts'
import { RESTLESS_PATHS } from './device-values.ts'
import { withMemory } from './events.ts'
import { PATHS_MAX } from './memory.ts'
import { ALWAYS_ACTIVE, attributesOf, observeSilently } from './notifications.ts'
import { parametersUnder } from './parameters.ts'
import type { Attributes } from './types.ts'

/** Off, passive, active; the lightweight ones of CWMP 1.4 are unknown to these phones. */
const NOTIFICATIONS_MAX = 2
/** Entries of an access list; there is one standard name. */
const ACCESS_LIST_MAX = 16
const ACCESS_CHARS_MAX = 64

/** The attributes of all parameters under each name. */
export function getParameterAttributes(agent: Agent, { names }: CwmpBodyOf<'GetParameterAttributes'>): Answer {
  if (names.length === 0) return refusal(agent, 9003)
  const found = names.map((name) => parametersUnder(agent, name))
  if (found.includes(undefined)) return refusal(agent, 9005)
  const paths = new Set(found.flatMap((nodes) => (nodes ?? []).map(({ path }) => path)))
  const parameters = [...paths].map((name) => ({ name, ...attributesOf(agent, name) }))
  return answerOf(agent, { kind: 'GetParameterAttributesResponse', parameters })
}

type Entry = CwmpBodyOf<'SetParameterAttributes'>['parameters'][number]

/** All or nothing; later entries win over earlier ones. */
export function setParameterAttributes(
  agent: Agent,
  { parameters }: CwmpBodyOf<'SetParameterAttributes'>,
  { now }: Moment,
): Answer {
  let attributes = agent.flash.tr069.attributes
  for (const entry of parameters) {
    const next = withEntry(agent, attributes, entry)
    if (typeof next === 'number') return refusal(agent, next)
    attributes = next
  }
  if (Object.keys(attributes).length > PATHS_MAX) return refusal(agent, 9004)
  // The ACS knows the values of now, or asks for them: only what changes from here on is news.
  const watching = observeSilently(withMemory(agent, { attributes }), now)
  return answerOf(watching, { kind: 'SetParameterAttributesResponse' })
}

type Table = Readonly<Record<string, Attributes>>

/** @returns the table with one entry applied, or the fault */
function withEntry(agent: Agent, table: Table, entry: Entry): Table | number {
  const { name, notificationChange, notification, accessListChange, accessList } = entry
  const nodes = parametersUnder(agent, name)
  if (nodes === undefined) return 9005
  if (notificationChange && (notification < 0 || notification > NOTIFICATIONS_MAX)) return 9003
  const longest = Math.max(0, ...accessList.map((text) => text.length))
  if (accessListChange && (accessList.length > ACCESS_LIST_MAX || longest > ACCESS_CHARS_MAX)) return 9003
  const paths = nodes.map(({ path }) => path)
  if (notificationChange && isRefused(paths, name, notification)) return 9009
  const changed = paths.map((path): readonly [string, Attributes] => {
    const before = table[path] ?? attributesOf(agent, path)
    const after = {
      notification: notificationChange ? notification : before.notification,
      accessList: accessListChange ? accessList : before.accessList,
    }
    return [path, ALWAYS_ACTIVE.includes(path) ? { ...after, notification: 2 } : after]
  })
  return { ...table, ...Object.fromEntries(changed) }
}

/** Values that move by themselves cannot be active; what is always active cannot be turned off by name [TR-069 §5]. */
function isRefused(paths: readonly string[], name: string, notification: number): boolean {
  if (notification === 2) return paths.some((path) => RESTLESS_PATHS.includes(path))
  return ALWAYS_ACTIVE.includes(name)
}
