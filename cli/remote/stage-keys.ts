/** Keys that a terminal sends in raw mode, and what they do to the view. Pure. Source: ECMA-48 §8.3; xterm control sequences. */
import { assertNever } from '../../protocol/result.ts'

export type Key = 'up' | 'down' | 'page-up' | 'page-down' | 'home' | 'end' | 'quit'

/** Escape sequences whole, so that their letters are no keys. */
const SEQUENCE = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|O[A-Za-z])|[\s\S]/g

const KEYS: Readonly<Record<string, Key>> = {
  '\u001b[A': 'up',
  '\u001bOA': 'up',
  '\u001b[B': 'down',
  '\u001bOB': 'down',
  '\u001b[5~': 'page-up',
  '\u001b[6~': 'page-down',
  ' ': 'page-down',
  '\u001b[H': 'home',
  '\u001bOH': 'home',
  '\u001b[1~': 'home',
  '\u001b[F': 'end',
  '\u001bOF': 'end',
  '\u001b[4~': 'end',
  q: 'quit',
  Q: 'quit',
  // Ctrl-C and Ctrl-D, which raw mode makes keys.
  '\u0003': 'quit',
  '\u0004': 'quit',
}

/** @param bytes what came at once, as text. What is no key of ours is left out. */
export function readKeys(bytes: string): readonly Key[] {
  return [...bytes.matchAll(SEQUENCE)].flatMap(([sequence]) => KEYS[sequence] ?? [])
}

/** @returns the first row that is to be shown; the layout keeps it within the table */
export function scrolled(offset: number, key: Exclude<Key, 'quit'>, page: number): number {
  switch (key) {
    case 'up':
      return Math.max(0, offset - 1)
    case 'down':
      return offset + 1
    case 'page-up':
      return Math.max(0, offset - page)
    case 'page-down':
      return offset + page
    case 'home':
      return 0
    case 'end':
      return Number.MAX_SAFE_INTEGER
    default:
      return assertNever(key)
  }
}
