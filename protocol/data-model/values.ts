/** Values of the tree read from the profile, and written into it [TR-069 §10.2]. */
import { readBoolean, readDateTime, readLong, type ValueType } from '../cwmp/mod.ts'
import { canonicalValue, catalogue, validateValue } from '../profile/mod.ts'
import { assertNever, err, ok } from '../result.ts'
import { type Place, placeOf } from './place.ts'
import { RULES, type Stored, wrongType, wrongValue } from './rules.ts'
import type { ProfileChange, ValueOf, WriteProblem, Written } from './types.ts'

/** The type that the tree says for a path, in any shape; undefined: no such path. */
export function typeOf(path: string): ValueType | 'object' | undefined {
  return placeOf(path)?.row.type
}

/** The elements that a full path reads, e.g. `Proxy_1_`; empty: the device itself knows the value, or no such path. */
export function elementsOf(path: string): readonly string[] {
  return placeOf(path)?.elements ?? []
}

/** What the tables say of a parameter that no element has; undefined: an element has it, or nothing is known. */
export function defaultOf(path: string): string | undefined {
  return placeOf(path)?.row.defaultValue
}

/**
 * The value of a path by the profile; undefined: not mapped, or the profile does not say.
 * A secret is given as it is: what an ACS is shown of a node with `secret` is empty [TR-069 §10.2].
 */
export function readValue(path: string, valueOf: ValueOf): string | undefined {
  const place = placeOf(path)
  if (place === undefined || place.elements.length === 0) return undefined
  if (valueOf(place.elements[0] ?? '') === undefined) return undefined
  return RULES[place.row.conversion].read(storedOf(place, valueOf))
}

/**
 * What to change in the profile so that a path has a value; none for a parameter that the profile does not know.
 * Faults: 9005 no such parameter, 9006 not of its type at all, 9007 a value that it cannot have, 9008 not writable
 * [TR-069 §4.1]. Never throws, and says no value.
 * @param valueOf  the profile as it is, for values that share an element
 */
export function writeValue(path: string, text: string, valueOf: ValueOf): Written {
  const place = placeOf(path)
  if (place === undefined || place.row.type === 'object') {
    return err({ code: 9005, message: 'Cannot write: expected the full name of a parameter' })
  }
  if (!place.row.writable) return refused(path, { code: 9008, message: 'the parameter is read-only' })
  if (place.elements.length === 0) {
    const problem = checkType(text, place.row.type)
    return problem === undefined ? ok([]) : refused(path, problem)
  }
  const result = RULES[place.row.conversion].write(text, storedOf(place, valueOf))
  return result.ok ? changesOf(path, place, result.value) : refused(path, result.error)
}

function storedOf({ elements, index }: Place, valueOf: ValueOf): Stored {
  return { values: elements.map((element) => valueOf(element) ?? ''), index }
}

/** Only what the catalogue allows comes out. */
function changesOf(path: string, { elements }: Place, values: readonly string[]): Written {
  const changes: ProfileChange[] = []
  for (const [at, value] of values.entries()) {
    const element = elements[at] ?? ''
    const parameter = catalogue.find(element)
    if (parameter === undefined || validateValue(parameter, value) !== undefined) {
      return refused(path, wrongValue(`a value that "${element}" can have`).error)
    }
    changes.push({ element, value: canonicalValue(parameter, value) })
  }
  return ok(changes)
}

function refused(path: string, { code, message }: WriteProblem): Written {
  return err({ code, message: `Cannot write "${path}": ${message}` })
}

function checkType(text: string, type: ValueType): WriteProblem | undefined {
  switch (type) {
    case 'string':
      return undefined
    case 'boolean':
      return readBoolean(text) === undefined ? wrongType('a boolean').error : undefined
    case 'int':
    case 'unsignedInt':
    case 'long':
    case 'unsignedLong':
      if (readLong(text, type) !== undefined) return undefined
      return /^\s*[+-]?\d+\s*$/.test(text) ? wrongValue('a number in its range').error : wrongType('a number').error
    case 'dateTime':
      return readDateTime(text) === undefined ? wrongType('a time such as 2026-01-02T03:04:05Z').error : undefined
    case 'base64':
      return /^[A-Za-z\d+/\s]*=?\s*=?\s*$/.test(text) ? undefined : wrongType('base64').error
    case 'hexBinary':
      return /^\s*(?:[\dA-Fa-f]{2})*\s*$/.test(text) ? undefined : wrongType('hexadecimal bytes').error
    default:
      return assertNever(type)
  }
}
