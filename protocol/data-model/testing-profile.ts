import { catalogue, defaultValueOf } from '../profile/mod.ts'
import type { ProfileChange, ValueOf } from './types.ts'

/** The values from the factory. */
export function factoryValue(element: string): string | undefined {
  const parameter = catalogue.find(element)
  return parameter === undefined ? undefined : defaultValueOf(element, parameter)
}

/** Some values of the profile, the rest from the factory. */
export function profileWith(values: Readonly<Record<string, string>>): ValueOf {
  return (element) => (Object.hasOwn(values, element) ? values[element] : factoryValue(element))
}

/** A profile after changes. */
export function changed(valueOf: ValueOf, changes: readonly ProfileChange[]): ValueOf {
  const values = new Map(changes.map(({ element, value }) => [element, value]))
  return (element) => values.get(element) ?? valueOf(element)
}
