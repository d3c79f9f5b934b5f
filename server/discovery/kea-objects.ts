import { OUR_CONTEXT } from './kea-classes.ts'
import type { Json } from './kea-classes.ts'
import { OURS } from './parts.ts'

/** @returns the value if it is an object of JSON. */
export function asObject(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined
}

/** @returns the objects of a list; none if it is no list. */
export function asObjects(value: unknown): readonly Json[] {
  if (!Array.isArray(value)) return []
  return (value as readonly unknown[]).flatMap((item): readonly Json[] => {
    const found = asObject(item)
    return found === undefined ? [] : [found]
  })
}

/** Whether an earlier merge of ours put it there. */
export function isOurs(item: Json): boolean {
  const { name } = item
  if (typeof name === 'string' && name.startsWith(OURS)) return true
  const context = asObject(item['user-context'])
  return context !== undefined && Object.keys(OUR_CONTEXT).some((key) => context[key] === OUR_CONTEXT[key])
}
