import { err, ok, type Result } from '../result.ts'
import type { ProfileProblem } from './profile.ts'

/** One line of an alias map: an element found under `path` is read as the parameter `element`. */
export interface Alias {
  /** Names from the outside in; the innermost is the element itself. */
  readonly path: readonly string[]
  readonly element: string
}

/** A parsed alias map, by the innermost name of the path. */
export interface AliasMap {
  readonly kind: 'alias-map'
  readonly byName: ReadonlyMap<string, readonly Alias[]>
}

/** MPP §1.7: at most 30 remapped parameters. */
export const ALIASES_MAX = 30
/** A map lives in one GPP parameter. */
const ALIAS_TEXT_MAX = 4096
const PATH_DEPTH_MAX = 16
const RIGHT_PREFIX = '/flat-profile/'

/**
 * Reads the text of a `GPP_A` … `GPP_P` that `--alias` names, such as
 * `/CPE/SIP-Credentials/name = /flat-profile/Display_Name_1_ ;` (MPP §1.7). The last `;` may be missing.
 */
export function parseAliasMap(text: string): Result<AliasMap, ProfileProblem> {
  if (text.length > ALIAS_TEXT_MAX) return refuse('alias-too-long', `expected at most ${ALIAS_TEXT_MAX} characters`)
  const byName = new Map<string, Alias[]>()
  const entries = text.split(';').filter((entry) => entry.trim() !== '')
  if (entries.length > ALIASES_MAX) return refuse('too-many-aliases', `expected at most ${ALIASES_MAX} entries`)
  for (const entry of entries) {
    const alias = parseAlias(entry)
    const name = alias?.path.at(-1)
    if (alias === undefined || name === undefined) {
      return refuse('bad-alias', `"${entry.trim().slice(0, 60)}": expected path = ${RIGHT_PREFIX}Parameter`)
    }
    const same = byName.get(name)
    if (same === undefined) byName.set(name, [alias])
    else same.push(alias)
  }
  return ok({ kind: 'alias-map', byName })
}

function refuse(code: string, detail: string): Result<AliasMap, ProfileProblem> {
  return err({ code, message: `Cannot read the alias map: ${detail}` })
}

function parseAlias(entry: string): Alias | undefined {
  const sides = entry.split('=').map((side) => side.trim())
  const [left, right] = sides
  if (sides.length !== 2 || left === undefined || !right?.startsWith(RIGHT_PREFIX)) return undefined
  const path = left.replace(/^\//, '').split('/')
  const element = right.slice(RIGHT_PREFIX.length)
  const isNamed = [...path, element].every((name) => /^[^\s/<>&"']{1,128}$/.test(name))
  return isNamed && path.length <= PATH_DEPTH_MAX ? { path, element } : undefined
}

/**
 * The parameter that an element is read as, or undefined if no alias matches.
 * Only as much nesting as the left side gives must match (MPP §1.7); of several that match, the longest path wins.
 * @param path names from the root to the element itself
 */
export function aliasFor(aliases: AliasMap, path: readonly string[]): string | undefined {
  const name = path.at(-1)
  let best: Alias | undefined
  for (const alias of name === undefined ? [] : (aliases.byName.get(name) ?? [])) {
    if (alias.path.length > (best?.path.length ?? 0) && endsWith(path, alias.path)) best = alias
  }
  return best?.element
}

function endsWith(path: readonly string[], end: readonly string[]): boolean {
  const offset = path.length - end.length
  return offset >= 0 && end.every((name, index) => path[offset + index] === name)
}
