/** A small device that exists only as a tree, with the weaknesses of real ones; and a session with it without a wire. */
import type { CwmpFault, CwmpRpc, ParameterFault } from '../../protocol/cwmp/mod.ts'
import { assert } from '../../protocol/result.ts'
import { valueMac } from './identity.ts'
import { beforeSending } from './objects.ts'
import { afterStep, isWishedAgain, type Plan, type Step, stepRequest, withWished } from './plan.ts'
import type { AcsWrite } from './types.ts'
import type { Wished } from './wished.ts'

/** How a device is weak. */
export interface Weakness {
  /** Values that it refuses, and with which fault. */
  readonly refuses?: (path: string, value: string) => number | undefined
  /** Refuses without saying which value it means, with that value's code instead of 9003. */
  readonly bare?: boolean
  /** Values that it takes at once. */
  readonly setsMax?: number
  /** Values that it tells at once. */
  readonly valuesMax?: number
  /** Paths below which it cannot tell all names at once. */
  readonly noNamesOf?: readonly string[]
  /** Instances that a table can have. */
  readonly instancesMax?: number
  readonly status?: 0 | 1
  /** What instances that are added have beyond what the first one has, and what they lack of it. */
  readonly only?: readonly string[]
  readonly lacks?: readonly string[]
}

export const NOW = 1_800_000_000_000
const KEY = new Uint8Array(32)

export const CONTEXT = {
  now: NOW,
  macOf: (path: string, value: string) => valueMac(KEY, '2c01b5000001', path, value),
}

export function fault(code: number, parameterFaults: readonly ParameterFault[] = [], text = 'no'): CwmpFault {
  return { kind: 'Fault', code, text, parameterFaults }
}

export class TreeDevice {
  readonly values: Map<string, string>
  readonly objects: Set<string>
  readonly asked: CwmpRpc[] = []
  readonly #weakness: Weakness

  constructor(values: Readonly<Record<string, string>>, weakness: Weakness = {}) {
    this.values = new Map(Object.entries(values))
    this.#weakness = weakness
    this.objects = new Set()
    for (const path of this.values.keys()) this.#grow(path)
  }

  #grow(path: string): void {
    for (let dot = path.indexOf('.'); dot !== -1; dot = path.indexOf('.', dot + 1))
      this.objects.add(path.slice(0, dot + 1))
  }

  answer(request: CwmpRpc): CwmpRpc | CwmpFault {
    this.asked.push(request)
    switch (request.kind) {
      case 'GetParameterNames':
        return this.#names(request.path, request.nextLevel)
      case 'GetParameterValues':
        return this.#read(request.names)
      case 'SetParameterValues':
        return this.#write(request.parameters)
      case 'SetParameterAttributes':
        return { kind: 'SetParameterAttributesResponse' }
      case 'AddObject':
        return this.#add(request.objectName)
      case 'DeleteObject':
        return this.#remove(request.objectName)
      default:
        return fault(9000)
    }
  }

  #names(path: string, nextLevel: boolean): CwmpRpc | CwmpFault {
    if (!nextLevel && this.#weakness.noNamesOf?.includes(path)) return fault(9002)
    if (path !== '' && !this.objects.has(path) && !this.values.has(path)) return fault(9005)
    const all = [...this.objects, ...this.values.keys()].filter((name) => name.startsWith(path))
    const shown = nextLevel ? all.filter((name) => /^[^.]+\.?$/.test(name.slice(path.length))) : all
    return {
      kind: 'GetParameterNamesResponse',
      parameters: shown.map((name) => ({ name, writable: !name.endsWith('.') || /Line\.(?:\d+\.)?$/.test(name) })),
    }
  }

  #read(names: readonly string[]): CwmpRpc | CwmpFault {
    const found = names.map((name) =>
      [...this.values].filter(
        ([path]) => path === name || ((name === '' || name.endsWith('.')) && path.startsWith(name)),
      ),
    )
    if (found.some((one) => one.length === 0)) return fault(9005)
    const all = found.flat()
    if (all.length > (this.#weakness.valuesMax ?? Infinity)) return fault(9004)
    return {
      kind: 'GetParameterValuesResponse',
      parameters: all.map(([name, value]) => ({ name, type: 'string', value })),
    }
  }

  #write(parameters: readonly { readonly name: string; readonly value: string }[]): CwmpRpc | CwmpFault {
    const { refuses, bare, setsMax = Infinity, status = 0 } = this.#weakness
    if (parameters.length > setsMax) return fault(9004)
    const faults = parameters.flatMap(({ name, value }): readonly ParameterFault[] => {
      const code = this.values.has(name) ? refuses?.(name, value) : 9005
      return code === undefined ? [] : [{ name, code, text: `cannot be "${value}"` }]
    })
    const [first] = faults
    if (first !== undefined) return bare === true ? fault(first.code ?? 9002) : fault(9003, faults)
    for (const { name, value } of parameters) this.values.set(name, value)
    return { kind: 'SetParameterValuesResponse', status }
  }

  #add(table: string): CwmpRpc | CwmpFault {
    if (!this.objects.has(table)) return fault(9005)
    const used = [...this.objects].filter((path) => path.startsWith(table) && /^\d+\.$/.test(path.slice(table.length)))
    if (used.length >= (this.#weakness.instancesMax ?? 8)) return fault(9004)
    const instanceNumber = Math.max(0, ...used.map((path) => Number(path.slice(table.length, -1)))) + 1
    const made = `${table}${instanceNumber}.`
    for (const name of ['Status', ...this.#leavesBelow(used[0] ?? made), ...(this.#weakness.only ?? [])]) {
      if (this.#weakness.lacks?.includes(name) === true) continue
      this.values.set(`${made}${name}`, name === 'Status' ? 'Disabled' : '')
    }
    for (const path of this.#pathsBelow(made)) this.#grow(path)
    return { kind: 'AddObjectResponse', instanceNumber, status: 0 }
  }

  #pathsBelow(object: string): readonly string[] {
    return [...this.values.keys()].filter((path) => path.startsWith(object))
  }

  #leavesBelow(object: string): readonly string[] {
    return this.#pathsBelow(object).map((path) => path.slice(object.length))
  }

  #remove(path: string): CwmpRpc | CwmpFault {
    if (!this.objects.has(path)) return fault(9005)
    for (const name of this.values.keys()) if (name.startsWith(path)) this.values.delete(name)
    for (const name of this.objects) if (name.startsWith(path)) this.objects.delete(name)
    return { kind: 'DeleteObjectResponse', status: 0 }
  }
}

/** Asks everything that a plan has to ask now. @param answer undefined: the answer is lost, and the session with it */
export function drive(
  start: Plan,
  answer: (request: CwmpRpc) => CwmpRpc | CwmpFault | undefined,
  most = 10_000,
): { readonly plan: Plan; readonly writes: readonly AcsWrite[]; readonly kinds: readonly string[] } {
  const writes: AcsWrite[] = []
  const kinds: string[] = []
  let plan = start
  for (let step: Step | undefined = plan.steps[0]; step !== undefined; step = plan.steps[0]) {
    assert(kinds.length < most, 'the plan ends')
    plan = { ...plan, steps: plan.steps.slice(1) }
    if (step.kind === 'task' && step.look !== 'over') writes.push(...beforeSending(step.task, plan.tree))
    const request = stepRequest(plan, step, { oui: '2C01B5', parameterKey: 'key' })
    kinds.push(request.kind)
    const said = answer(request)
    if (said === undefined) break
    const after = afterStep(plan, step, said, CONTEXT)
    plan = after.plan
    writes.push(...after.writes)
  }
  return { plan, writes, kinds }
}

/** All that a session asks to bring about what is wished, worked out as often as the plan wants it. */
export function bring(
  start: Plan,
  wishedFor: (plan: Plan) => Wished,
  answer: (request: CwmpRpc) => CwmpRpc | CwmpFault | undefined,
): ReturnType<typeof drive> {
  let run = drive(withWished(start, wishedFor(start)), answer)
  while (isWishedAgain(run.plan) && run.plan.steps.length === 0) {
    const next = drive(withWished(run.plan, wishedFor(run.plan)), answer)
    run = { plan: next.plan, writes: [...run.writes, ...next.writes], kinds: [...run.kinds, ...next.kinds] }
  }
  return run
}

/** What is stored of some kind. */
export function written<K extends AcsWrite['kind']>(writes: readonly AcsWrite[], kind: K) {
  return writes.filter((write): write is Extract<AcsWrite, { kind: K }> => write.kind === kind)
}
