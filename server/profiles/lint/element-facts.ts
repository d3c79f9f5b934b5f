/** What the catalogue and the macro table say about an element and its text; shared by the checks. */
import { catalogue, type Parameter } from '../../../protocol/profile/mod.ts'
import { expandMacros, UNKNOWN_HERE } from '../../../protocol/rule/mod.ts'
import type { LintElement } from './types.ts'

/** The row of a concrete element or of a pattern. */
export function rowOf(name: string): Parameter | undefined {
  return catalogue.find(name) ?? catalogue.findPattern(name)
}

/** Whether the element gives its parameter a value, empty ones that leave it alone apart (MPP §1.3, §1.5). */
export function saysValue({ form, preserveValue }: LintElement): boolean {
  return preserveValue !== true && form !== 'self-closing' && form !== 'open-close'
}

/** Names of the macros in a text, by their main name, as a phone would read them: the longest known one (MPP §3.1). */
export function macrosIn(text: string): readonly string[] {
  if (!text.includes('$')) return []
  const names = new Set<string>()
  expandMacros(text, (name) => {
    names.add(name)
    return UNKNOWN_HERE
  })
  return [...names]
}

/** `{{name}}` in a text. */
export function bracesIn(text: string): readonly string[] {
  return [...text.matchAll(/\{\{\s*([A-Za-z0-9.]+)\s*\}\}/g)].map((match) => match[1] ?? '')
}
