/**
 * Adding an instance twice cannot be undone unseen: after a lost answer the table is looked at before it is asked again,
 * and what came since the first time is what was asked for. Source: TR-069 §7 AddObject, §11.
 */
import { type CwmpFault, type CwmpRpc, faultCodeOf } from '../../protocol/cwmp/mod.ts'
import type { AcsWrite, KnownParameter, OpenTask } from './types.ts'

/** Whether a path is an instance of a table, with nothing below it. */
export function isInstanceOf(path: string, table: string): boolean {
  return path.startsWith(table) && /^\d+\.$/.test(path.slice(table.length))
}

/** The instances of a table that a tree has. */
export function instancesOf(tree: ReadonlyMap<string, KnownParameter>, table: string): readonly string[] {
  return [...tree.keys()].filter((path) => isInstanceOf(path, table))
}

/**
 * What a new instance of a table holds, as far as one can tell before asking: the names, types and rights of the instance
 * with the lowest number, and nothing that the device keeps in it.
 * @param instance its path
 * @returns nothing where the table has no other instance
 */
export function likeItsSibling(
  tree: ReadonlyMap<string, KnownParameter>,
  table: string,
  instance: string,
): readonly KnownParameter[] {
  const numbers = instancesOf(tree, table)
    .filter((path) => path !== instance)
    .map((path) => Number(path.slice(table.length, -1)))
  const sibling = `${table}${Math.min(...numbers)}.`
  return [...tree.values()]
    .filter(({ path }) => path.startsWith(sibling) && path !== sibling)
    .map(({ path, type, writable }) => ({ path: `${instance}${path.slice(sibling.length)}`, type, writable }))
}

/** Which of the names are instances of a table that it did not have before. */
export function newInstances(
  names: readonly { readonly name: string }[],
  table: string,
  before: readonly string[],
): readonly string[] {
  const found = names.map(({ name }) => name).filter((name) => isInstanceOf(name, table))
  return [...new Set(found)].filter((name) => !before.includes(name))
}

/** Whether a task may have been done already although nobody heard of it, in a way that must not be done twice. */
export function needsLook({ request, tries, sentAt }: OpenTask): boolean {
  if (tries === 0) return false
  return request.kind === 'add-object' || (request.kind === 'download' && sentAt !== undefined)
}

/** What is to be stored before a task's request leaves. */
export function beforeSending(task: OpenTask, tree: ReadonlyMap<string, KnownParameter>): readonly AcsWrite[] {
  const { id, request } = task
  const sent: AcsWrite = { kind: 'task-sent', id }
  if (request.kind !== 'add-object' || request.before !== undefined) return [sent]
  return [sent, { kind: 'task-noted', id, request: { ...request, before: instancesOf(tree, request.path) } }]
}

/** What a look at a table tells: the rows that it showed, and the instance that came, if one did. */
export type Look =
  | { readonly kind: 'seen'; readonly rows: readonly KnownParameter[]; readonly fresh: readonly string[] }
  | { readonly kind: 'refused'; readonly code: number }

/** @param before the instances that the table had */
export function afterLook(table: string, answer: CwmpRpc | CwmpFault, before: readonly string[]): Look {
  if (answer.kind !== 'GetParameterNamesResponse') {
    return { kind: 'refused', code: answer.kind === 'Fault' ? faultCodeOf(answer, 'CPE') : 9002 }
  }
  const rows = answer.parameters
    .filter(({ name }) => name.startsWith(table))
    .map(({ name, writable }) => ({ path: name, writable }))
  return { kind: 'seen', rows, fresh: newInstances(answer.parameters, table, before) }
}
