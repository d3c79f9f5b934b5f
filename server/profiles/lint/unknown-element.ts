/** Elements that the phone does not have: it ignores them, so what they say never happens. Source: MPP §1.6, §13. */
import { appliesTo, catalogue, MODELS, modelInfo, PARAMETERS } from '../../../protocol/profile/mod.ts'
import type { ProductName } from '../../../protocol/identity.ts'
import { rowOf } from './element-facts.ts'
import { whyNotInRelease } from './firmware.ts'
import { problemAt, shown } from './problem.ts'
import { assignmentsIn } from './rules-in.ts'
import type { Check, LintElement, LintProblem, LintSubject } from './types.ts'

export const unknownElements: Check = (subject) => {
  const assigned = assignmentsIn(subject).map(({ held, target }) => ({ name: target, at: held.element }))
  const all = [...subject.elements.map((element) => ({ name: element.name, at: element })), ...assigned]
  const problems: LintProblem[] = []
  for (const { name, at } of all) {
    const found = judge(name, at, subject)
    if (found !== undefined) problems.push(found)
  }
  return problems
}

function judge(name: string, at: LintElement, subject: LintSubject): LintProblem | undefined {
  const row = catalogue.find(name) ?? (subject.isLayer ? catalogue.findPattern(name) : undefined)
  const place = name === at.name ? '' : ` (assigned by ${at.name})`
  if (row === undefined) {
    return problemAt(
      at,
      'unknown-element',
      `${shown(name)} is not a parameter of these phones${place}`,
      adviceFor(name),
    )
  }
  const models = modelsOf(subject)
  // A pattern means the lines that the model has, however many these are.
  const concrete = catalogue.find(name) !== undefined
  const fits =
    models.length === 0 || models.some((model) => (concrete ? appliesTo(name, model) : hasPattern(name, model)))
  if (!fits) {
    const who = subject.model ?? `A phone with ${subject.firmware?.text ?? 'this firmware'}`
    return problemAt(at, 'unknown-element', `${who} has no "${name}"${place}`, 'Leave it out for this model.')
  }
  const reason = subject.firmware === undefined ? undefined : whyNotInRelease(name, subject.firmware)
  if (reason === undefined) return undefined
  const message = `Firmware ${subject.firmware?.text} has no "${name}"${place}: ${reason}`
  return problemAt(at, 'unknown-element', message, 'Leave it out for this firmware, or upgrade first.')
}

function hasPattern(name: string, model: ProductName): boolean {
  const family = modelInfo(model)?.family
  return (
    family === undefined || rowOf(name)?.models.some((range) => range.family === family || family === '8831') === true
  )
}

/** The model, or those that run the firmware; empty when neither narrows anything. */
function modelsOf({ model, firmware }: LintSubject): readonly ProductName[] {
  if (model !== undefined) return [model]
  const family = firmware?.family
  return family === undefined
    ? []
    : MODELS.filter((each) => each.firmwareFamily === family).map((each) => each.productName)
}

/** Names differ from what is meant by case, by a web page's spelling, or by a slip. */
function adviceFor(name: string): string {
  const plain = bare(name)
  // Names that differ by case alone exist: the one that begins like this is the likelier.
  const ordered = PARAMETERS.toSorted((a, b) => Number(b.name[0] === name[0]) - Number(a.name[0] === name[0]))
  const same = ordered.find((row) => bare(row.name) === plain)
  const similar = same ?? ordered.find((row) => isNear(bare(row.name), plain))
  if (similar === undefined) return 'Check the spelling against the parameter list; names are case-sensitive.'
  const index = /_([0-9]{1,2})_/.exec(name)?.[1]
  const written = index === undefined ? similar.name : similar.name.replace(/_n(?=_|$)/, `_${index}`)
  return written === name
    ? 'Check its index: no phone has so many.'
    : `Did you mean "${written}"? Names are case-sensitive.`
}

function bare(name: string): string {
  return name
    .slice(0, 64)
    .replace(/_(?:n|[0-9]{1,2})(?=_|$)/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
}

/** At most two letters more, less or other. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 2 || a.length < 5) return false
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return (row.at(-1) ?? 9) <= 2
}
