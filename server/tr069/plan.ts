/**
 * What a session still has to ask of its device, as a queue of steps, and what an answer makes of it: the device's tree
 * is learned, tasks are carried out, then the wished state is brought about. Source: TR-069 §4, §7, §11.
 */
import { type CwmpFault, type CwmpRpc, faultCodeOf } from '../../protocol/cwmp/mod.ts'
import { assertNever, type Millis } from '../../protocol/result.ts'
import { afterLearning, firstStep, learnRequest, type LearnStep } from './learn.ts'
import { afterAnswer, attributeChange, faultText, requestOf } from './tasks.ts'
import type { AcsState, AcsWrite, KnownParameter, OpenTask, RefusedValue, TaskRequest } from './types.ts'
import type { Wished, WishedValue } from './wished.ts'

/** One request to come. */
export type Step =
  | { readonly kind: 'learn'; readonly step: LearnStep }
  | { readonly kind: 'task'; readonly task: OpenTask }
  | { readonly kind: 'set'; readonly values: readonly WishedValue[] }
  | { readonly kind: 'notify'; readonly changes: Wished['attributes'] }
  | { readonly kind: 'object'; readonly request: Wished['objects'][number] }

/** The rest of a session; the tree is the session's own copy and changes with it. */
export interface Plan {
  readonly steps: readonly Step[]
  readonly stage: 'learn' | 'tasks' | 'wished' | 'done'
  readonly tree: Map<string, KnownParameter>
  readonly learnFrom: Millis | undefined
  readonly batchMax: number
  readonly refused: AcsState['refused']
  /** The device restarts after its tasks: what is wished waits. */
  readonly endsWithTasks: boolean
  /** Something wished did not come about, so the device is not in step. */
  readonly short: boolean
}

/** @param again the device's values are to be read again */
export function startPlan(state: Pick<AcsState, 'root' | 'treeAt' | 'batchMax' | 'refused'>, now: Millis): Plan {
  const learn = state.treeAt === undefined
  return {
    steps: learn ? [{ kind: 'learn', step: firstStep(state.root) }] : [],
    stage: 'learn',
    tree: new Map(),
    learnFrom: learn ? now : undefined,
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
    steps: first.map((task) => ({ kind: 'task', task })),
  }
}

/** The wished state as requests: objects first, since values may belong to them. */
export function withWished(plan: Plan, wished: Wished): Plan {
  const steps: Step[] = wished.objects.map((request) => ({ kind: 'object', request }))
  const sets = batches(wished.values, plan.batchMax).map((values): Step => ({ kind: 'set', values }))
  const notify: Step[] = wished.attributes.length === 0 ? [] : [{ kind: 'notify', changes: wished.attributes }]
  return { ...plan, stage: 'wished', steps: [...steps, ...sets, ...notify] }
}

function batches<T>(items: readonly T[], most: number): readonly (readonly T[])[] {
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
    case 'task':
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
export function afterStep(
  plan: Plan,
  step: Step,
  answer: CwmpRpc | CwmpFault,
  context: AnswerContext,
): { readonly plan: Plan; readonly writes: readonly AcsWrite[] } {
  const outcome = outcomeOf(plan, step, answer, context)
  for (const write of outcome.writes) learnFrom(plan.tree, write)
  return outcome
}

function outcomeOf(
  plan: Plan,
  step: Step,
  answer: CwmpRpc | CwmpFault,
  context: AnswerContext,
): { readonly plan: Plan; readonly writes: readonly AcsWrite[] } {
  switch (step.kind) {
    case 'learn': {
      const { writes, next } = afterLearning(step.step, answer, plan.tree)
      const first = next.map((each): Step => ({ kind: 'learn', step: each }))
      return { plan: { ...plan, steps: [...first, ...plan.steps] }, writes }
    }
    case 'task':
      return { plan, writes: afterAnswer(step.task, answer, context.now) }
    case 'set':
      return afterSet(plan, step.values, answer, context)
    case 'notify':
      return answer.kind === 'Fault'
        ? { plan, writes: [] }
        : { plan, writes: [{ kind: 'parameters', rows: step.changes }] }
    case 'object':
      return afterObject(plan, step.request, answer)
    default:
      return assertNever(step)
  }
}

/** The session's copy of the tree keeps up with what is stored. */
function learnFrom(tree: Map<string, KnownParameter>, write: AcsWrite): void {
  if (write.kind === 'parameters') {
    for (const row of write.rows) tree.set(row.path, { ...tree.get(row.path), ...row })
  }
  if (write.kind !== 'instances-gone') return
  for (const path of tree.keys()) if (path.startsWith(write.path)) tree.delete(path)
}

function afterSet(
  plan: Plan,
  values: readonly WishedValue[],
  answer: CwmpRpc | CwmpFault,
  context: AnswerContext,
): { readonly plan: Plan; readonly writes: readonly AcsWrite[] } {
  if (answer.kind === 'SetParameterValuesResponse')
    return { plan, writes: [{ kind: 'parameters', rows: values.map((each) => rowOf(each, context)) }] }
  if (answer.kind !== 'Fault') return { plan: { ...plan, short: true }, writes: [] }
  const code = faultCodeOf(answer, 'CPE')
  if (code === 9004 && values.length > 1) return smaller(plan, values)
  if (answer.parameterFaults.length > 0) return withoutFaulty(plan, values, answer, context)
  // A device that does not say which: the half that is well is found by asking.
  if (code >= 9003 && code <= 9008 && code !== 9004) return bisected(plan, values, answer, context)
  return { plan: { ...plan, short: true, steps: plan.steps.filter(({ kind }) => kind !== 'set') }, writes: [] }
}

function rowOf({ path, value, secret }: WishedValue, { macOf }: AnswerContext): KnownParameter {
  return secret ? { path, sentMac: macOf(path, value) } : { path, value }
}

/** Fewer at a time, for this and all later sessions. */
function smaller(plan: Plan, values: readonly WishedValue[]): ReturnType<typeof afterSet> {
  const batchMax = Math.max(1, Math.floor(Math.min(values.length, plan.batchMax) / 2))
  const waiting = plan.steps.flatMap((each) => (each.kind === 'set' ? each.values : []))
  const others = plan.steps.filter(({ kind }) => kind !== 'set')
  const sets = batches([...values, ...waiting], batchMax).map((each): Step => ({ kind: 'set', values: each }))
  return { plan: { ...plan, batchMax, steps: [...sets, ...others] }, writes: [{ kind: 'batch-max', value: batchMax }] }
}

function withoutFaulty(
  plan: Plan,
  values: readonly WishedValue[],
  answer: CwmpFault,
  context: AnswerContext,
): ReturnType<typeof afterSet> {
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

function bisected(
  plan: Plan,
  values: readonly WishedValue[],
  answer: CwmpFault,
  context: AnswerContext,
): ReturnType<typeof afterSet> {
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
  { path, value }: WishedValue,
  code: number,
  text: string,
  { macOf, now }: AnswerContext,
): RefusedValue {
  return { mac: macOf(path, value), code, text: text.slice(0, 256), at: new Date(now).toISOString() }
}

function afterObject(
  plan: Plan,
  request: Extract<TaskRequest, { kind: 'add-object' | 'delete-object' }>,
  answer: CwmpRpc | CwmpFault,
): ReturnType<typeof afterSet> {
  if (answer.kind === 'AddObjectResponse' && answer.instanceNumber > 0) {
    const path = `${request.path}${answer.instanceNumber}.`
    const learn: Step = { kind: 'learn', step: firstStep(path) }
    const writes: AcsWrite[] = [{ kind: 'parameters', rows: [{ path, writable: true }] }]
    // Its values are wished once its names are known: by the next session.
    return { plan: { ...plan, short: true, steps: [learn, ...plan.steps] }, writes }
  }
  if (answer.kind === 'DeleteObjectResponse') return { plan, writes: [{ kind: 'instances-gone', path: request.path }] }
  return { plan: { ...plan, short: true }, writes: [] }
}
