/** Elements of a profile as lines of its text. */
import { catalogue, type ProfileElement, writeElement } from '../../protocol/profile/mod.ts'
import type { ResolvedParameter, ResolvedProfile } from './types.ts'

/** One element as it stands in the profile. */
export interface Line {
  readonly element: string
  readonly order: number
  readonly text: string
}

/** All of them, in catalogue order. */
export function linesOf(resolved: ResolvedProfile): readonly Line[] {
  const lines: Line[] = []
  for (const [element, parameter] of resolved) lines.push(lineOf(element, parameter))
  return lines.sort(byOrder)
}

/** The order of a profile: equal input gives equal bytes. */
export function byOrder(a: Omit<Line, 'text'>, b: Omit<Line, 'text'>): number {
  return a.order - b.order || (a.element < b.element ? -1 : 1)
}

/** Elements whose last line is remembered: all of a few models. */
const WRITTEN_MAX = 10_000

interface Written extends Line {
  readonly parameter: ResolvedParameter
}

/**
 * The line written last for each element. Most phones get the same value, so most lines need not be written again; this
 * remembers what a pure function gave, and never a secret.
 */
const written = new Map<string, Written>()

/** The same without looking for what was written before: for a line that will be kept where it goes. */
export function freshLineOf(element: string, parameter: ResolvedParameter): Line {
  return { element, order: catalogue.order(element), text: writeElement(elementOf(element, parameter)) }
}

export function lineOf(element: string, parameter: ResolvedParameter): Line {
  const last = written.get(element)
  if (last !== undefined && (last.parameter === parameter || looksAlike(last.parameter, parameter))) return last
  const text = writeElement(elementOf(element, parameter))
  const line = { element, order: last?.order ?? catalogue.order(element), text, parameter }
  if (!parameter.secret && (last !== undefined || written.size < WRITTEN_MAX)) written.set(element, line)
  return line
}

function looksAlike(a: ResolvedParameter, b: ResolvedParameter): boolean {
  return a.value === b.value && a.ua === b.ua && a.preserve === b.preserve && a.userPref === b.userPref
}

function elementOf(name: string, parameter: ResolvedParameter): ProfileElement {
  return {
    name,
    value: parameter.value,
    form: 'text',
    preserveValue: parameter.preserve,
    ...(parameter.ua === undefined ? {} : { ua: parameter.ua }),
    ...(parameter.userPref === undefined ? {} : { userPref: parameter.userPref }),
  }
}
