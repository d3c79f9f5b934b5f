/** What differs between two configurations of Kea, by the names of things. */

/** One line each: `+` comes, `-` goes, `~` changes; e.g. `+ Dhcp4 reservations 00:0e:08:a1:b2:c3`. */
export type KeaChange = `${'+' | '-' | '~'} ${string}`

type Fields = Readonly<Record<string, unknown>>

/** What Kea adds to what it was given: a field that only it has says nothing. */
const FILLED_IN: readonly unknown[] = ['', '0.0.0.0', '::', 0, false, null]
/** And these, which it makes from others, or has otherwise than "nothing". */
const MADE_BY_KEA: Readonly<Record<string, readonly unknown[] | 'any'>> = {
  'csv-format': [true],
  name: 'any',
  code: 'any',
  space: 'any',
  id: 'any',
}

/**
 * @param before  as `config-get` answers, so with every default written out
 * @param after  what is wished; what it leaves out where Kea has its default does not count as a change
 */
export function keaChanges(before: unknown, after: unknown): readonly KeaChange[] {
  return changesAt([], before, after)
}

function changesAt(path: readonly string[], before: unknown, after: unknown): readonly KeaChange[] {
  if (isFields(before) && isFields(after)) return changesOfFields(path, before, after)
  if (isNamedList(before) && isNamedList(after)) return changesOfLists(path, before, after)
  return isSame(before, after) ? [] : [`~ ${path.join(' ')}`]
}

function changesOfFields(path: readonly string[], before: Fields, after: Fields): readonly KeaChange[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return keys.flatMap((key): readonly KeaChange[] => {
    const at = [...path, key]
    if (!Object.hasOwn(after, key)) return isFilledIn(key, before[key]) ? [] : [`- ${at.join(' ')}`]
    if (Object.hasOwn(before, key)) return changesAt(at, before[key], after[key])
    const fresh = after[key]
    if (isNamedList(fresh)) return changesOfLists(at, [], fresh)
    return isFilledIn(key, fresh) ? [] : [`+ ${at.join(' ')}`]
  })
}

function changesOfLists(
  path: readonly string[],
  before: readonly Fields[],
  after: readonly Fields[],
): readonly KeaChange[] {
  const [old, fresh] = [byName(before), byName(after)]
  const shown = (item: Fields): readonly string[] => [...path, `${spaceOf(item)}${nameOf(item) ?? ''}`]
  const gone = [...old].flatMap(([key, item]): readonly KeaChange[] =>
    fresh.has(key) ? [] : [`- ${shown(item).join(' ')}`],
  )
  const others = [...fresh].flatMap(([key, item]): readonly KeaChange[] => {
    const was = old.get(key)
    const at = shown(item)
    if (was === undefined) return [`+ ${at.join(' ')}`]
    const inside = changesOfFields(at, was, item)
    // A class or a reservation is one thing; a network holds others.
    return inside.length === 0 || holdsLists(item) ? inside : [`~ ${at.join(' ')}`]
  })
  return [...gone, ...others, ...changeOfOrder(path, [...old.keys()], [...fresh.keys()])]
}

/** Of classes the first one that has an option gives it, so their order says something; Kea sorts other lists as it likes. */
function changeOfOrder(
  path: readonly string[],
  old: readonly string[],
  fresh: readonly string[],
): readonly KeaChange[] {
  if (path.at(-1) !== 'client-classes') return []
  const [before, after] = [old.filter((key) => fresh.includes(key)), fresh.filter((key) => old.includes(key))]
  return before.join('\n') === after.join('\n') ? [] : [`~ ${path.join(' ')} order`]
}

function holdsLists(item: Fields): boolean {
  return ['pools', 'subnet4', 'subnet6'].some((key) => Object.hasOwn(item, key))
}

/** What is the same thing in both: Kea writes the code of an option beside its name. Two of one name by their order. */
function byName(items: readonly Fields[]): ReadonlyMap<string, Fields> {
  const map = new Map<string, Fields>()
  for (const item of items) {
    const name = `${spaceOf(item)}${textOf(item['code']) ?? nameOf(item) ?? ''}`
    let key = name
    for (let count = 2; map.has(key); count++) key = `${name} (${count})`
    map.set(key, item)
  }
  return map
}

function spaceOf(item: Fields): string {
  const space = textOf(item['space'])
  return space === undefined || /^dhcp[46]$/.test(space) ? '' : `${space}.`
}

const NAMES = [
  'name',
  'code',
  'hw-address',
  'duid',
  'subnet',
  'pool',
  'library',
  'prefix',
  'client-id',
  'circuit-id',
  'flex-id',
] as const

/** What people call it. */
function nameOf(item: Fields): string | undefined {
  return NAMES.map((key) => textOf(item[key])).find((text) => text !== undefined)
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNamedList(value: unknown): value is readonly Fields[] {
  return Array.isArray(value) && value.every((item) => isFields(item) && nameOf(item) !== undefined)
}

function isFilledIn(key: string, value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (isFields(value)) return Object.keys(value).length === 0
  const made = Object.hasOwn(MADE_BY_KEA, key) ? MADE_BY_KEA[key] : undefined
  return made === 'any' || made?.includes(value) === true || FILLED_IN.includes(value)
}

/** Hex digits in any case, with blanks or without: Kea writes them in its own way. */
function isSame(before: unknown, after: unknown): boolean {
  if (typeof before === 'string' && typeof after === 'string') return plainText(before) === plainText(after)
  return JSON.stringify(before) === JSON.stringify(after)
}

function plainText(text: string): string {
  const bare = text.replaceAll(/[\s:]/g, '').replace(/^0x/i, '')
  return /^(?:[0-9a-f]{2})+$/i.test(bare) ? bare.toLowerCase() : text
}
