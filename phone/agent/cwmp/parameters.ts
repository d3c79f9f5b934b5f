/** The data model of this phone, read and written over its settings [TR-069 §7, §10]. */
import type { ParameterValue, ValueType } from '../../../protocol/cwmp/mod.ts'
import {
  defaultOf,
  elementsOf,
  type ModelNode,
  type ModelTree,
  modelTree,
  readValue,
  writeValue,
} from '../../../protocol/data-model/mod.ts'
import { appliesTo, catalogue, validateValue } from '../../../protocol/profile/mod.ts'
import { err, type Millis, ok, type Result } from '../../../protocol/result.ts'
import { parameterText } from '../parameters.ts'
import type { Agent } from '../types.ts'
import type { Moment } from '../turn.ts'
import { deviceValue, emptyValue } from './device-values.ts'
import { modelShape, PERIODIC_INFORM_TIME, RETRY_MINIMUM_WAIT, RETRY_MULTIPLIER } from './settings.ts'

/** Text of one value; the longest parameter of the profile has 4096. */
const VALUE_CHARS_MAX = 8192

const PROVISIONING_CODE = 'Device.DeviceInfo.ProvisioningCode'
/** TR-106. */
const PROVISIONING_CODE_CHARS_MAX = 64
/** Values of the phone itself that the ACS may set. */
const KEPT_PATHS = [PROVISIONING_CODE, PERIODIC_INFORM_TIME, RETRY_MINIMUM_WAIT, RETRY_MULTIPLIER]

/** [TR-069 §6]. */
const RANGES: Readonly<Record<string, { readonly min: number; readonly max: number }>> = {
  [RETRY_MINIMUM_WAIT]: { min: 1, max: 65_535 },
  [RETRY_MULTIPLIER]: { min: 1000, max: 65_535 },
}

/** The tree of paths that this phone has. */
export function modelOf(agent: Agent): ModelTree {
  return modelTree(modelShape(agent))
}

/** The value as the ACS reads it: a secret is empty [TR-069 §7, GetParameterValues]. */
export function readParameter(agent: Agent, node: Parameter, now: Millis): ParameterValue {
  const { path, type } = node
  if (node.secret) return { name: path, type, value: '' }
  const known = deviceValue(agent, path, now) ?? agent.flash.tr069.values[path]
  const set = known ?? readValue(path, (element) => elementText(agent, element))
  return { name: path, type, value: set ?? defaultOf(path) ?? emptyValue(type) }
}

/** @returns the parameters under a name: a full name, or a path that ends in a dot; undefined: there is no such name */
export function parametersUnder(agent: Agent, name: string): readonly Parameter[] | undefined {
  const model = modelOf(agent)
  if (name === '') return model.nodes.filter(isLeaf)
  const node = model.find(name)
  if (node === undefined) return undefined
  return isLeaf(node) ? [node] : model.below(name).filter(isLeaf)
}

/** A node that is a parameter and no object. */
export type Parameter = ModelNode & { readonly type: ValueType }

/** Whether it is a parameter and no object. */
export function isLeaf(node: ModelNode): node is Parameter {
  return node.type !== 'object'
}

/** What one write does: settings of the profile, or a value that only TR-069 knows. */
export interface Write {
  readonly elements: readonly { readonly element: string; readonly value: string }[]
  readonly own: { readonly path: string; readonly value: string } | undefined
}

export interface WriteFault {
  readonly code: 9005 | 9006 | 9007 | 9008
  readonly message: string
}

/**
 * Looks at one value of SetParameterValues without changing anything.
 * @param textOf  the settings as they are after the values before this one
 */
export function checkWrite(
  agent: Agent,
  { name, type, value }: ParameterValue,
  textOf: (element: string) => string | undefined,
): Result<Write, WriteFault> {
  const node = modelOf(agent).find(name)
  if (node === undefined || !isLeaf(node)) return err({ code: 9005, message: 'There is no such parameter' })
  if (!node.writable) return err({ code: 9008, message: 'The parameter cannot be written' })
  const expected = node.type
  const mustMatch = agent.policies.cwmp.declaredType === 'must-match'
  if (mustMatch && type !== undefined && type !== expected)
    return err({ code: 9006, message: `The type is ${expected}` })
  if (value.length > VALUE_CHARS_MAX) return err({ code: 9007, message: 'The value is too long' })
  const written = writeValue(name, value, textOf)
  if (!written.ok) return err(written.error)
  if (elementsOf(name).length === 0) return checkOwn(agent, name, value)
  const wrong = written.value.find(({ element, value: wanted }) => !isSettable(agent, element, wanted))
  if (wrong !== undefined) return err({ code: 9007, message: 'The setting cannot take this value' })
  return ok({ elements: written.value, own: undefined })
}

/** @returns what a setting holds; undefined for one that this model does not have */
export function elementText(agent: Agent, element: string): string | undefined {
  if (catalogue.find(element) === undefined || !appliesTo(element, agent.hardware.productName)) return undefined
  return parameterText(agent, element)
}

/** The values of some paths now, for an Inform; unknown paths are left out. */
export function readPaths(agent: Agent, paths: readonly string[], { now }: Moment): readonly ParameterValue[] {
  const model = modelOf(agent)
  return paths.flatMap((path) => {
    const node = model.find(path)
    return node === undefined || !isLeaf(node) ? [] : [readParameter(agent, node, now)]
  })
}

/** Without a counterpart in the profile; what the phone itself knows better cannot be written. */
function checkOwn(agent: Agent, path: string, value: string): Result<Write, WriteFault> {
  const known = deviceValue(agent, path, 0) !== undefined && !KEPT_PATHS.includes(path)
  if (known) return err({ code: 9008, message: 'The phone itself knows this value' })
  if (path === PROVISIONING_CODE && value.length > PROVISIONING_CODE_CHARS_MAX) {
    return err({ code: 9007, message: `At most ${PROVISIONING_CODE_CHARS_MAX} characters` })
  }
  const range = RANGES[path]
  if (range !== undefined && (Number(value) < range.min || Number(value) > range.max)) {
    return err({ code: 9007, message: `From ${range.min} to ${range.max}` })
  }
  return ok({ elements: [], own: { path, value } })
}

function isSettable(agent: Agent, element: string, value: string): boolean {
  const parameter = catalogue.find(element)
  if (parameter === undefined || !appliesTo(element, agent.hardware.productName)) return false
  return parameter.settableBy !== 'nobody' && validateValue(parameter, value) === undefined
}
