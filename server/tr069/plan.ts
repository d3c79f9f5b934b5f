/**
 * What a session still has to ask of its device, as a queue of steps, and what an answer makes of it: the device's tree
 * is learned, tasks are carried out, then the wished state is brought about. Source: TR-069 §4, §7, §11.
 */
import { type CwmpFault, type CwmpRpc, faultCodeOf } from '../../protocol/cwmp/mod.ts'
import { assertNever, type Millis } from '../../protocol/result.ts'
import { withNews } from './known.ts'
import { afterLearning, firstStep, learnRequest, type LearnStep } from './learn.ts'
import { afterLook, instancesOf, likeItsSibling, needsLook } from './objects.ts'
import { withoutValues } from './secrets.ts'
import { afterAnswer, afterTransferLook, attributeChange, failed, faultText, fileRefused, requestOf } from './tasks.ts'
import type { AcsState, AcsWrite, KnownParameter, OpenTask, RefusedValue } from './types.ts'
import { refusalKey, type Wished, type WishedObject, type WishedValue } from './wished.ts'

/** One request to come. */
export type Step =
  | { readonly kind: 'learn'; readonly step: LearnStep }
  /** `needed`: the table is looked at first, since the task may be done already; `over`: it was, and it is not. */
  | { readonly kind: 'task'; readonly task: OpenTask; readonly look?: 'needed' | 'over' | undefined }
  /** What a table has now: an instance that was asked for may be there although nobody heard of it. */
  | { readonly kind: 'look'; readonly path: string }
  | { readonly kind: 'set'; readonly values: readonly WishedValue[] }
  | { readonly kind: 'notify'; readonly changes: Wished['attributes'] }
  | { readonly kind: 'object'; readonly request: WishedObject }

/** The rest of a session; the tree is the session's own copy and changes with it. */
export interface Plan {
  readonly steps: readonly Step[]
  readonly stage: 'learn' | 'tasks' | 'objects' | 'wished' | 'done'
  readonly tree: Map<string, KnownParameter>
  /** Tables with an instance that was added just now: until it is read it is taken to be like its siblings. */
  readonly presumed: readonly string[]
  readonly learnFrom: Millis | undefined
  /** Requests that learned something so far. */
  readonly learned: number
  readonly batchMax: number
  readonly refused: AcsState['refused']
  /** The device restarts after its tasks: what is wished waits. */
  readonly endsWithTasks: boolean
  /** Something wished did not come about, so the device is not in step. */
  readonly short: boolean
}

/** Requests to learn one device: a tree without end is not followed to its end. */
export const LEARNS_MAX = 2000

/** Starts with learning where nothing is known of the device. */
export function startPlan(state: Pick<AcsState, 'root' | 'treeAt' | 'batchMax' | 'refused'>, now: Millis): Plan {
  const learn = state.treeAt === undefined
  return {
    steps: learn ? [{ kind: 'learn', step: firstStep(state.root) }] : [],
    stage: 'learn',
    tree: new Map(),
    presumed: [],
    learnFrom: learn ? now : undefined,
    learned: 0,
    batchMax: state.batchMax,
    refused: state.refused,
    endsWithTasks: false,
    short: false,
  }
}

/** The open tasks that are due, in their order; a session that follows theirs waits for them. */
export function withTasks(plan: Plan, tasks: readonly OpenTask[], now: Millis): Plan {
  const due = tasks.filter(({ state, dueAt }) => state === 'queued' && dueAt <= now)
  // What comes after a restart is asked after it.
  const restart = due.findIndex(({ request }) => request.kind === 'reboot' || request.kind === 'factory-reset')
  const first = restart === -1 ? due : due.slice(0, restart + 1)
  return {
    ...plan,
    stage: 'tasks',
    endsWithTasks: restart !== -1,
    steps: first.map((task) => ({ kind: 'task', task, look: needsLook(task) ? 'needed' : undefined })),
  }
}

/**
 * The wished state as requests. Objects come first and alone, since values may belong to them. What an instance that was
 * added really has is read after it was written. When the steps are done `isWishedAgain` says whether to come back, with
 * what is wished of the tree as it is then.
 */
export function withWished(plan: Plan, wished: Wished): Plan {
  const isFirst = plan.stage === 'learn' || plan.stage === 'tasks'
  if (isFirst && wished.objects.length > 0) {
    const tables = new Set(wished.objects.filter(({ kind }) => kind === 'add-object').map(({ path }) => path))
    const looks = [...tables].map((path): Step => ({ kind: 'look', path }))
    const objects = wished.objects.map((request): Step => ({ kind: 'object', request }))
    return { ...plan, stage: 'objects', steps: [...looks, ...objects] }
  }
  const sets = batches(wished.values, plan.batchMax).map((values): Step => ({ kind: 'set', values }))
  const notify: Step[] = wished.attributes.length === 0 ? [] : [{ kind: 'notify', changes: wished.attributes }]
  // The second time what was presumed has been read.
  const presumed = plan.stage === 'wished' ? [] : plan.presumed
  const learns = presumed.map((path): Step => ({ kind: 'learn', step: firstStep(path) }))
  return { ...plan, stage: 'wished', presumed, steps: [...sets, ...notify, ...learns] }
}

/** Whether what is wished is to be worked out once more: the tables have their instances now, or those have been read. */
export function isWishedAgain({ stage, presumed }: Plan): boolean {
  return stage === 'objects' || (stage === 'wished' && presumed.length > 0)
}

function batches<T>(items: readonly T[], batchMax: number): readonly (readonly T[])[] {
  const most = Math.max(1, batchMax)
  return Array.from({ length: Math.ceil(items.length / most) }, (_, index) =>
    items.slice(index * most, (index + 1) * most),
  )
}

export interface StepContext {
  readonly oui: string
  readonly parameterKey: string
}

/** The request of a step. */
export function stepRequest(plan: Plan, step: Step, { oui, parameterKey }: StepContext): CwmpRpc {
  switch (step.kind) {
    case 'learn':
      return learnRequest(step.step)
    case 'look':
      return { kind: 'GetParameterNames', path: step.path, nextLevel: true }
    case 'task':
      if (step.look === 'needed' && step.task.request.kind === 'add-object') {
        return { kind: 'GetParameterNames', path: step.task.request.path, nextLevel: true }
      }
      if (step.look === 'needed' && step.task.request.kind === 'download') return { kind: 'GetQueuedTransfers' }
      return requestOf(step.task, { oui, parameterKey, typeOf: (path) => plan.tree.get(path)?.type })
    case 'set':
      return {
        kind: 'SetParameterValues',
        parameters: step.values.map(({ path, value, type }) => ({ name: path, type, value })),
        parameterKey,
      }
    case 'notify':
      return { kind: 'SetParameterAttributes', parameters: step.changes.map(attributeChange) }
    case 'object':
      return step.request.kind === 'add-object'
        ? { kind: 'AddObject', objectName: step.request.path, parameterKey }
        : { kind: 'DeleteObject', objectName: step.request.path, parameterKey }
    default:
      return assertNever(step)
  }
}

export interface AnswerContext {
  readonly now: Millis
  readonly macOf: (path: string, value: string) => string
}

/** What an answer, or a fault, changes: the rest of the session and what is stored. */
export function afterStep(plan: Plan, step: Step, answer: CwmpRpc | CwmpFault, context: AnswerContext): Outcome {
  const outcome = outcomeOf(plan, step, answer, context)
  for (const write of outcome.writes) learnFrom(plan.tree, write)
  return outcome
}

function outcomeOf(plan: Plan, step: Step, answer: CwmpRpc | CwmpFault, context: AnswerContext): Outcome {
  switch (step.kind) {
    case 'learn':
      return afterLearn(plan, step.step, answer)
    case 'look':
      return afterTableLook(plan, step.path, answer)
    case 'task':
      return step.look === 'needed'
        ? afterTaskLook(plan, step.task, answer, context)
        : afterTask(plan, step.task, answer, context)
    case 'set':
      return afterSet(plan, step.values, answer, context)
    case 'notify':
      return afterNotify(plan, step.changes, answer, context)
    case 'object':
      return afterObject(plan, step.request, answer, context)
    default:
      return assertNever(step)
  }
}

function afterLearn(plan: Plan, step: LearnStep, answer: CwmpRpc | CwmpFault): Outcome {
  const { writes, next } = afterLearning(step, answer, plan.tree)
  const learned = plan.learned + 1
  const first = learned < LEARNS_MAX ? next.map((each): Step => ({ kind: 'learn', step: each })) : []
  return { plan: { ...plan, learned, steps: [...first, ...plan.steps] }, writes }
}

function afterTask(plan: Plan, task: OpenTask, answer: CwmpRpc | CwmpFault, context: AnswerContext): Outcome {
  const writes = afterAnswer(task, answer, context.now, context.macOf)
  const ended = writes.find((write) => write.kind === 'task-ended')
  const { code = 0, text = '' } = ended?.fault ?? {}
  const where = { refused: plan.refused, now: context.now }
  const more = fileRefused(task, code, text, where)
  const refused = more.find((write) => write.kind === 'refused')?.values ?? plan.refused
  return { plan: { ...plan, refused }, writes: [...writes, ...more] }
}

/** An instance that came since it was first asked for is the one, and a transfer that is known there; else it is asked for now. */
function afterTaskLook(plan: Plan, task: OpenTask, answer: CwmpRpc | CwmpFault, context: AnswerContext): Outcome {
  const { request } = task
  const askedNow: Outcome['plan'] = { ...plan, steps: [{ kind: 'task', task, look: 'over' }, ...plan.steps] }
  if (request.kind === 'download') {
    const waits = afterTransferLook(task, answer, context.now)
    return waits === undefined ? { plan: askedNow, writes: [] } : { plan, writes: [waits] }
  }
  if (request.kind !== 'add-object' || answer.kind === 'Fault') return afterTask(plan, task, answer, context)
  const look = afterLook(request.path, answer, request.before ?? instancesOf(plan.tree, request.path))
  if (look.kind === 'refused') return { plan, writes: [failed(task.id, 0, `The device answered with ${answer.kind}`)] }
  const rows: AcsWrite = { kind: 'parameters', rows: look.rows }
  const [found] = look.fresh
  if (found === undefined) {
    return { plan: askedNow, writes: [rows] }
  }
  const instanceNumber = Number(found.slice(request.path.length, -1))
  return { plan, writes: [rows, { kind: 'task-ended', id: task.id, state: 'done', result: { instanceNumber } }] }
}

/** So many fewer are to be added as came without our knowing. */
function afterTableLook(plan: Plan, path: string, answer: CwmpRpc | CwmpFault): Outcome {
  const look = afterLook(path, answer, instancesOf(plan.tree, path))
  const adds = plan.steps.filter((each) => isAdd(each, path))
  const others = plan.steps.filter((each) => !isAdd(each, path))
  // Without a look nothing is added: it could be one too many.
  if (look.kind === 'refused') return { plan: { ...plan, short: true, steps: others }, writes: [] }
  const left = adds.slice(look.fresh.length)
  const steps = look.fresh.length === 0 ? plan.steps : learnedAfterAdds([...left, ...others], path)
  return { plan: { ...plan, steps }, writes: [{ kind: 'parameters', rows: look.rows }] }
}

function isAdd(step: Step, path: string): boolean {
  return step.kind === 'object' && step.request.kind === 'add-object' && step.request.path === path
}

/** Faults that the same request would meet again. */
const LASTING: readonly number[] = [9000, 9003, 9005, 9008, 9009]

function afterNotify(
  plan: Plan,
  changes: Wished['attributes'],
  answer: CwmpRpc | CwmpFault,
  context: AnswerContext,
): Outcome {
  if (answer.kind !== 'Fault') return { plan, writes: [{ kind: 'parameters', rows: changes }] }
  const code = faultCodeOf(answer, 'CPE')
  if (!LASTING.includes(code)) return { plan: { ...plan, short: true }, writes: [] }
  const refused = { ...plan.refused }
  for (const { path, notification } of changes) {
    const key = refusalKey('notification', path)
    refused[key] = refusal({ path: key, value: String(notification), secret: false }, code, faultText(answer), context)
  }
  return { plan: { ...plan, refused }, writes: [{ kind: 'refused', values: refused }] }
}

interface Outcome {
  readonly plan: Plan
  readonly writes: readonly AcsWrite[]
}

/** The session's copy of the tree keeps up with what is stored. */
function learnFrom(tree: Map<string, KnownParameter>, write: AcsWrite): void {
  if (write.kind === 'parameters') {
    for (const row of write.rows) tree.set(row.path, withNews(tree.get(row.path), row))
  }
  if (write.kind !== 'instances-gone') return
  for (const path of tree.keys()) if (path.startsWith(write.path)) tree.delete(path)
}

function afterSet(
  plan: Plan,
  values: readonly WishedValue[],
  answer: CwmpRpc | CwmpFault,
  context: AnswerContext,
): Outcome {
  if (answer.kind === 'SetParameterValuesResponse') return taken(plan, values, context)
  if (answer.kind !== 'Fault') return { plan: { ...plan, short: true }, writes: [] }
  const code = faultCodeOf(answer, 'CPE')
  if (code === 9004 && values.length > 1) return smaller(plan, values)
  if (answer.parameterFaults.length > 0) return withoutFaulty(plan, values, answer, context)
  // Too much even by itself, for now: it keeps back none of the others.
  if (code === 9004) return { plan: { ...plan, short: true }, writes: [] }
  // A device that does not say which: the half that is well is found by asking.
  if (code >= 9003 && code <= 9008) return bisected(plan, values, answer, context)
  const steps = plan.steps.filter(({ kind }) => kind !== 'set')
  return { plan: { ...plan, short: true, presumed: [], steps }, writes: [] }
}

/** What is taken now is refused no more. */
function taken(plan: Plan, values: readonly WishedValue[], context: AnswerContext): Outcome {
  const rows: AcsWrite = { kind: 'parameters', rows: values.map((each) => rowOf(each, context)) }
  const paths = new Set(values.map(({ path }) => path))
  if (!Object.keys(plan.refused).some((path) => paths.has(path))) return { plan, writes: [rows] }
  const refused = Object.fromEntries(Object.entries(plan.refused).filter(([path]) => !paths.has(path)))
  return { plan: { ...plan, refused }, writes: [rows, { kind: 'refused', values: refused }] }
}

function rowOf({ path, value, secret }: WishedValue, { macOf }: AnswerContext): KnownParameter {
  return secret ? { path, sentMac: macOf(path, value) } : { path, value }
}

/** Fewer at a time, for this and all later sessions. */
function smaller(plan: Plan, values: readonly WishedValue[]): Outcome {
  const batchMax = Math.max(1, Math.floor(Math.min(values.length, plan.batchMax) / 2))
  const waiting = plan.steps.flatMap((each) => (each.kind === 'set' ? each.values : []))
  const others = plan.steps.filter(({ kind }) => kind !== 'set')
  const sets = batches([...values, ...waiting], batchMax).map((each): Step => ({ kind: 'set', values: each }))
  return { plan: { ...plan, batchMax, steps: [...sets, ...others] }, writes: [{ kind: 'batch-max', value: batchMax }] }
}

function withoutFaulty(plan: Plan, values: readonly WishedValue[], answer: CwmpFault, context: AnswerContext): Outcome {
  const faults = new Map(answer.parameterFaults.map((each) => [each.name, each]))
  const faulty = values.filter(({ path }) => faults.has(path))
  const well = values.filter(({ path }) => !faults.has(path))
  // Faults for what was never asked: nobody knows which were meant.
  if (faulty.length === 0) return bisected(plan, values, answer, context)
  const refused = { ...plan.refused }
  for (const each of faulty) {
    const { code, text } = faults.get(each.path) ?? { code: undefined, text: '' }
    refused[each.path] = refusal(each, code ?? 9002, text, context)
  }
  const steps: readonly Step[] = well.length === 0 ? plan.steps : [{ kind: 'set', values: well }, ...plan.steps]
  return { plan: { ...plan, refused, steps }, writes: [{ kind: 'refused', values: refused }] }
}

function bisected(plan: Plan, values: readonly WishedValue[], answer: CwmpFault, context: AnswerContext): Outcome {
  const [only] = values
  if (values.length === 1 && only !== undefined) {
    const code = faultCodeOf(answer, 'CPE')
    const refused = { ...plan.refused, [only.path]: refusal(only, code, faultText(answer), context) }
    return { plan: { ...plan, refused }, writes: [{ kind: 'refused', values: refused }] }
  }
  const middle = Math.ceil(values.length / 2)
  const halves: readonly Step[] = [
    { kind: 'set', values: values.slice(0, middle) },
    { kind: 'set', values: values.slice(middle) },
  ]
  return { plan: { ...plan, steps: [...halves, ...plan.steps] }, writes: [] }
}

function refusal(
  { path, value, secret }: Pick<WishedValue, 'path' | 'value' | 'secret'>,
  code: number,
  text: string,
  { macOf, now }: AnswerContext,
): RefusedValue {
  const said = withoutValues(text, secret ? [value] : []).slice(0, 256)
  return { mac: macOf(path, value), code, text: said, at: new Date(now).toISOString() }
}

function afterObject(plan: Plan, request: WishedObject, answer: CwmpRpc | CwmpFault, context: AnswerContext): Outcome {
  if (answer.kind === 'AddObjectResponse' && answer.instanceNumber > 0) {
    return added(plan, request.path, { path: `${request.path}${answer.instanceNumber}.`, writable: true })
  }
  const code = answer.kind === 'Fault' ? faultCodeOf(answer, 'CPE') : 9002
  if (request.kind === 'delete-object' && (answer.kind === 'DeleteObjectResponse' || code === 9005)) {
    return { plan, writes: [{ kind: 'instances-gone', path: request.path }] }
  }
  const steps = plan.steps.filter((each) => !isAdd(each, request.path))
  if (answer.kind !== 'Fault' || code === 9002) return { plan: { ...plan, short: true, steps }, writes: [] }
  // A fixed number of lines, or no more room: the same until another number is wished [TR-069 §7 AddObject].
  const key = refusalKey(request.kind, request.path)
  const value = { path: key, value: String(request.wanted), secret: false }
  const refused = { ...plan.refused, [key]: refusal(value, code, faultText(answer), context) }
  return { plan: { ...plan, refused, steps }, writes: [{ kind: 'refused', values: refused }] }
}

/** Its values can be wished at once where a sibling tells what it holds; else they are learned first. */
function added(plan: Plan, table: string, instance: KnownParameter): Outcome {
  const like = likeItsSibling(plan.tree, table, instance.path)
  if (like.length === 0) {
    const steps = learnedAfterAdds(plan.steps, table)
    return { plan: { ...plan, steps }, writes: [{ kind: 'parameters', rows: [instance] }] }
  }
  // Stored when it is read: if the session ends before, a look at the table finds it as one that is not known.
  for (const row of [instance, ...like]) if (!plan.tree.has(row.path)) plan.tree.set(row.path, row)
  return { plan: { ...plan, presumed: [...new Set([...plan.presumed, table])] }, writes: [] }
}

/** What was added is learned after the last of them, together. */
function learnedAfterAdds(steps: readonly Step[], path: string): readonly Step[] {
  const isLearned = (each: Step) => each.kind === 'learn' && each.step.kind === 'names' && each.step.path === path
  const adds = steps.filter((each) => isAdd(each, path))
  const others = steps.filter((each) => !isAdd(each, path) && !isLearned(each))
  return [...adds, { kind: 'learn', step: firstStep(path) }, ...others]
}
