/**
 * Learning a device's tree: all names at once, or branch by branch for a device that cannot, then the values.
 * No layout is assumed [TR-069 §7, §10 rule 1].
 */
import type { CwmpFault, CwmpRpc } from '../../protocol/cwmp/mod.ts'
import type { AcsWrite, KnownParameter } from './types.ts'
import { valuesOf } from './tasks.ts'

/** A request that learns something. */
export type LearnStep =
  | { readonly kind: 'names'; readonly path: string; readonly nextLevel: boolean }
  | { readonly kind: 'values'; readonly paths: readonly string[] }

/** Names asked for in one request of values, where partial paths would bring too much. */
const NAMES_TOGETHER = 64
/** Values that one answer may bring. */
export const VALUES_TOGETHER = 2000
/** Longer names are none [TR-069 §3.6]. */
const PATH_CHARS_MAX = 256
/** Splitting ends here: what a device cannot tell by then stays unknown. */
const SPLITS_MAX = 4096

/** The first request of a device that nothing is known of. */
export function firstStep(root: string): LearnStep {
  return { kind: 'names', path: root, nextLevel: false }
}

export function learnRequest(step: LearnStep): CwmpRpc {
  return step.kind === 'names'
    ? { kind: 'GetParameterNames', path: step.path, nextLevel: step.nextLevel }
    : { kind: 'GetParameterValues', names: [...step.paths] }
}

export interface Learned {
  readonly writes: readonly AcsWrite[]
  readonly next: readonly LearnStep[]
}

/** @param tree what is known so far: a fault is answered by asking for less */
export function afterLearning(
  step: LearnStep,
  answer: CwmpRpc | CwmpFault,
  tree: ReadonlyMap<string, KnownParameter>,
): Learned {
  if (answer.kind === 'GetParameterNamesResponse') return afterNames(step, answer.parameters)
  if (answer.kind === 'GetParameterValuesResponse') {
    return { writes: [{ kind: 'parameters', rows: valuesOf(answer.parameters) }], next: [] }
  }
  return { writes: [], next: smaller(step, tree) }
}

function afterNames(step: LearnStep, found: readonly { readonly name: string; readonly writable: boolean }[]): Learned {
  const asked = step.kind === 'names' ? step.path : ''
  const rows = found
    .filter(({ name }) => name !== '' && name.length <= PATH_CHARS_MAX && name.startsWith(asked))
    .map(({ name, writable }) => ({ path: name, writable }))
  const writes: AcsWrite[] = [{ kind: 'parameters', rows }]
  const leaves = rows.filter(({ path }) => !path.endsWith('.')).map(({ path }) => path)
  const branches = rows.map(({ path }) => path).filter((path) => path.endsWith('.') && path !== asked)
  const isWhole = step.kind === 'names' && !step.nextLevel
  // Some devices tell everything even where one level was asked for.
  if (isWhole || rows.some(({ path }) => depthOf(path, asked) > 1)) return { writes, next: valueSteps(leaves, asked) }
  const deeper = branches.map((path): LearnStep => ({ kind: 'names', path, nextLevel: false }))
  return { writes, next: [...deeper, ...chunks(leaves)].slice(0, SPLITS_MAX) }
}

/** Levels between an object and what is below it. */
function depthOf(path: string, object: string): number {
  return path.slice(object.length).replace(/\.$/, '').split('.').length
}

/** A name to ask for, and the values that it brings. */
interface Part {
  readonly path: string
  readonly count: number
}

/** The fewest requests: one for all, unless there are too many for one answer: then branches, several at once. */
function valueSteps(leaves: readonly string[], root: string): readonly LearnStep[] {
  const steps: LearnStep[] = []
  let paths: string[] = []
  let count = 0
  for (const part of leaves.length === 0 ? [] : partsOf(leaves, root)) {
    if (paths.length === NAMES_TOGETHER || (count > 0 && count + part.count > VALUES_TOGETHER)) {
      steps.push({ kind: 'values', paths })
      paths = []
      count = 0
    }
    paths.push(part.path)
    count += part.count
  }
  if (paths.length > 0) steps.push({ kind: 'values', paths })
  return steps.slice(0, SPLITS_MAX)
}

/** The largest branches that one answer can bring. As deep as a path is long, at most. */
function partsOf(leaves: readonly string[], branch: string): readonly Part[] {
  if (leaves.length <= VALUES_TOGETHER) return [{ path: branch, count: leaves.length }]
  const groups = new Map<string, string[]>()
  for (const path of leaves) {
    const dot = path.indexOf('.', branch.length)
    const below = dot === -1 ? path : path.slice(0, dot + 1)
    const group = groups.get(below)
    if (group === undefined) groups.set(below, [path])
    else group.push(path)
  }
  return [...groups].flatMap(([below, inside]) =>
    below.endsWith('.') ? partsOf(inside, below) : [{ path: below, count: 1 }],
  )
}

function chunks(leaves: readonly string[]): readonly LearnStep[] {
  const steps: LearnStep[] = []
  for (let from = 0; from < leaves.length; from += NAMES_TOGETHER) {
    steps.push({ kind: 'values', paths: leaves.slice(from, from + NAMES_TOGETHER) })
  }
  return steps.slice(0, SPLITS_MAX)
}

/** After a fault: the next level only, then leaves by name, then half as many, then nothing. */
function smaller(step: LearnStep, tree: ReadonlyMap<string, KnownParameter>): readonly LearnStep[] {
  if (step.kind === 'names') return step.nextLevel ? [] : [{ ...step, nextLevel: true }]
  const only = step.paths[0]
  if (step.paths.length === 1 && only !== undefined) {
    if (!only.endsWith('.') && only !== '') return []
    return chunks([...tree.keys()].filter((path) => path.startsWith(only) && !path.endsWith('.')))
  }
  const middle = Math.ceil(step.paths.length / 2)
  return [
    { kind: 'values', paths: step.paths.slice(0, middle) },
    { kind: 'values', paths: step.paths.slice(middle) },
  ]
}
