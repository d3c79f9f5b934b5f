/** The rules that a profile holds, read once for all checks. */
import {
  type Alternative,
  type OptionPart,
  type ParsedRule,
  parseRule,
  type RuleKind,
} from '../../../protocol/rule/mod.ts'
import { saysValue } from './element-facts.ts'
import type { LintElement, LintSubject } from './types.ts'

/** Elements that hold a rule. Source: MPP §4, §6, §11.2, §12.2. */
const RULE_KINDS: ReadonlyMap<string, RuleKind> = new Map<string, RuleKind>([
  ['Profile_Rule', 'profile'],
  ['Profile_Rule_B', 'profile'],
  ['Profile_Rule_C', 'profile'],
  ['Profile_Rule_D', 'profile'],
  ['Custom_CA_Rule', 'profile'],
  ['Upgrade_Rule', 'upgrade'],
  ['Cisco_Headset_Upgrade_Rule', 'upgrade'],
  ['Report_Rule', 'report'],
  ['Resync_Trigger_1', 'trigger'],
  ['Resync_Trigger_2', 'trigger'],
])

export interface HeldRule {
  readonly element: LintElement
  readonly kind: RuleKind
  readonly parsed: ParsedRule
}

export function ruleKindOf(name: string): RuleKind | undefined {
  return RULE_KINDS.get(name)
}

/** Of an element that stands twice each one; empty ones are left out. */
export function rulesIn({ elements }: LintSubject): readonly HeldRule[] {
  return elements.flatMap((element) => {
    const kind = RULE_KINDS.get(element.name)
    if (kind === undefined || element.value.trim() === '' || !saysValue(element)) return []
    return [{ element, kind, parsed: parseRule(element.value, kind) }]
  })
}

export function alternativesOf({ parsed }: HeldRule): readonly Alternative[] {
  return parsed.rule.kind === 'profile' || parsed.rule.kind === 'upgrade' ? parsed.rule.alternatives : []
}

/** Bracket options with the URL that they belong to. */
export function targetsOf(
  held: HeldRule,
): readonly { readonly options: readonly OptionPart[]; readonly url: string }[] {
  const { rule } = held.parsed
  const parts =
    rule.kind === 'report' ? rule.items.flatMap((item) => (item.kind === 'unread' ? [] : [item])) : alternativesOf(held)
  return parts.map(({ options = [], url }) => ({ options, url: url?.text ?? '' }))
}

export interface HeldAssignment {
  readonly held: HeldRule
  readonly alternative: number
  /** Full name: GPP_A for a. */
  readonly target: string
  readonly value: string
}

/** What the rules set before they fetch (MPP §4.1). */
export function assignmentsIn(subject: LintSubject): readonly HeldAssignment[] {
  return rulesIn(subject).flatMap((held) =>
    alternativesOf(held).flatMap(({ assignments = [] }, alternative) =>
      assignments.flatMap((part) => {
        if (part.kind === 'unread') return []
        const target = /^[a-p]$/.test(part.name) ? `GPP_${part.name.toUpperCase()}` : part.name
        return [{ held, alternative, target, value: part.value }]
      }),
    ),
  )
}
