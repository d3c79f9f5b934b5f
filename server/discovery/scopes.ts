/**
 * Which blocks of a configuration reach a phone together. Readers name a block by the way to it, e.g. `/subnet4[0]/pools[1]`,
 * a reader of tags by these with commas; what holds for all is the empty text.
 */
import type { FoundOption } from './found.ts'

/** Most blocks of one kind that are held against those of the other: many times what a network of phones has. */
const COMPARED_MAX = 300

/** Two options of different codes that one phone is given. */
export interface Pair {
  readonly first: FoundOption
  readonly second: FoundOption
}

/**
 * @returns the pairs of two codes that reach a phone together: within one block and those around it, of which the inner one
 * replaces the outer one; and one of a class with one of a network, unless either has both
 */
export function pairsOf(options: readonly FoundOption[], first: number, second: number): readonly Pair[] {
  const byScope = new Map<string, FoundOption>()
  const key = (code: number, scope: string): string => `${code} ${scope}`
  for (const option of options) {
    const own = key(option.code, option.scope)
    if (!byScope.has(own)) byScope.set(own, option)
  }
  const nearest = (code: number, scope: string): FoundOption | undefined => {
    for (const each of around(scope)) {
      const found = byScope.get(key(code, each))
      if (found !== undefined) return found
    }
    return undefined
  }
  const scopes = [...new Set(options.map(({ scope }) => scope))]
  const within = scopes.map((scope) => ({ first: nearest(first, scope), second: nearest(second, scope) }))
  const only = (code: number, other: number, conditional: boolean): readonly FoundOption[] =>
    options
      .filter(({ code: own, scope }) => own === code && scope !== '' && isConditional(scope) === conditional)
      .filter(({ scope }) => !around(scope).some((each) => each !== '' && byScope.has(key(other, each))))
      .slice(0, COMPARED_MAX)
  const across = [true, false].flatMap((conditional) =>
    only(first, second, conditional).flatMap((one) =>
      only(second, first, !conditional).map((other) => ({ first: one, second: other })),
    ),
  )
  const known = new Set<string>()
  return [...within, ...across].flatMap(({ first: one, second: other }) => {
    if (one === undefined || other === undefined) return []
    const pair = `${one.scope} ${one.line} ${other.scope} ${other.line}`
    if (known.has(pair)) return []
    known.add(pair)
    return [{ first: one, second: other }]
  })
}

/** The block itself, then those around it, the innermost first; what holds for all is last. */
function around(scope: string): readonly string[] {
  if (scope === '') return ['']
  if (!scope.startsWith('/')) return [...new Set([scope, ...scope.split(','), ''])]
  const found: string[] = []
  for (let end = scope.length; end > 0; end = scope.lastIndexOf('/', end - 1)) found.push(scope.slice(0, end))
  return [...found, '']
}

/** Of some devices, in whichever network they are. */
function isConditional(scope: string): boolean {
  return /^\/(?:client-classes|class|reservations|hooks-libraries)\[/.test(scope)
}
