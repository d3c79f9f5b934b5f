/**
 * Checks before a layer is saved. Each problem has a code, names its element and says what to do.
 * Source: MPP §4 (rules), §13 (elements per model), §14 (types), §3.1 (secrets stay out of macros).
 */
import { parseProductName, type ProductName } from '../../protocol/identity.ts'
import { appliesTo, catalogue, type Parameter, validateValue } from '../../protocol/profile/mod.ts'
import { parseRule, type RuleKind } from '../../protocol/rule/mod.ts'
import { unknownFacts } from './facts-in-values.ts'
import { RESERVED_ELEMENTS } from './platform-layer.ts'
import type { LayerParameter, LayerScope } from './types.ts'

export interface LayerProblem {
  readonly code:
    | 'unknown-element'
    | 'reserved-element'
    | 'bad-value'
    | 'bad-rule'
    | 'unknown-fact'
    | 'secret-in-clear'
    | 'too-many'
  readonly element: string
  readonly message: string
  readonly advice: string
}

/** Parameters of one layer. */
export const LAYER_PARAMETERS_MAX = 4000

const RULE_KINDS: Readonly<Record<string, RuleKind>> = {
  Profile_Rule: 'profile',
  Profile_Rule_B: 'profile',
  Profile_Rule_C: 'profile',
  Profile_Rule_D: 'profile',
  Upgrade_Rule: 'upgrade',
  Cisco_Headset_Upgrade_Rule: 'upgrade',
  Report_Rule: 'report',
  Resync_Trigger_1: 'trigger',
  Resync_Trigger_2: 'trigger',
}

/** Elements whose text leaves the phone in clear: no secret macro may stand there. */
const CLEAR_ELEMENT = /^Log_|^GPP_[A-P]$|^HTTP_User_Agent_Name$|^SIP_User_Agent_Name$/

/**
 * @param id product name for scope `model`; others do not narrow the elements
 * @returns all problems, empty when the layer may be saved
 */
export function checkLayer(
  scope: LayerScope,
  id: string,
  parameters: ReadonlyMap<string, LayerParameter>,
): readonly LayerProblem[] {
  if (parameters.size > LAYER_PARAMETERS_MAX) return [tooMany(parameters.size)]
  const model = scope === 'model' ? parseProductName(id) : undefined
  return [...parameters].flatMap(([element, parameter]) => checkParameter(element, parameter, model))
}

function checkParameter(
  element: string,
  parameter: LayerParameter,
  model: ProductName | undefined,
): readonly LayerProblem[] {
  const row = catalogue.find(element) ?? catalogue.findPattern(element)
  if (row === undefined) {
    return [
      problem(
        'unknown-element',
        element,
        `"${element}" is not a parameter of these phones`,
        'Check the spelling against the parameter list; names are case-sensitive.',
      ),
    ]
  }
  if (RESERVED_ELEMENTS.includes(element)) {
    return [problem('reserved-element', element, `"${element}" belongs to the platform`, 'Use another GPP register.')]
  }
  if (model !== undefined && catalogue.find(element) !== undefined && !appliesTo(element, model)) {
    return [
      problem('unknown-element', element, `${model} has no "${element}"`, 'Remove it from the layer of this model.'),
    ]
  }
  return [
    ...checkValue(element, row, parameter.value),
    ...checkRule(element, parameter.value),
    ...checkFacts(element, parameter.value),
  ]
}

function checkValue(element: string, row: Parameter, value: string): readonly LayerProblem[] {
  if (value.includes('{{')) return []
  const found = validateValue(row, value)
  if (found === undefined) return []
  return [
    problem(
      'bad-value',
      element,
      `${row.secret ? 'The value' : `"${value.slice(0, 80)}"`} does not fit ${element}: ${found.message}`,
      'Give a value of the type that the parameter list names.',
    ),
  ]
}

function checkRule(element: string, value: string): readonly LayerProblem[] {
  const secretInClear = CLEAR_ELEMENT.test(element) && /\$\(?S[A-D]\b/.test(value)
  const clear = secretInClear
    ? [
        problem(
          'secret-in-clear',
          element,
          `${element} would carry a secret register in clear`,
          'Use $SA to $SD only as an argument of --key, --uid or --pwd.',
        ),
      ]
    : []
  const kind = RULE_KINDS[element]
  if (kind === undefined || value === '') return clear
  const errors = parseRule(value, kind).problems.filter(({ severity }) => severity === 'error')
  const rules = errors.map((each) =>
    problem(
      'bad-rule',
      element,
      `${element}, character ${each.start + 1}: ${each.message}`,
      each.advice ?? 'Correct the rule.',
    ),
  )
  return [...clear, ...rules]
}

function checkFacts(element: string, value: string): readonly LayerProblem[] {
  return unknownFacts(value, element).map((name) =>
    problem(
      'unknown-fact',
      element,
      `"{{${name}}}" is not a fact that Offhook knows`,
      'Use line.userId, line.displayName, line.domain, line.authId, device.mac, device.serial, device.model, account.customerId or account.name.',
    ),
  )
}

function problem(code: LayerProblem['code'], element: string, message: string, advice: string): LayerProblem {
  return { code, element, message, advice }
}

function tooMany(count: number): LayerProblem {
  return problem('too-many', '', `The layer has ${count} parameters, at most ${LAYER_PARAMETERS_MAX} fit`, 'Split it.')
}
