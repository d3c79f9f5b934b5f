/** Checks that pure code asks nobody for the time, for chance or for settings, and that settings are read in few places. */
import type { RepositoryFile } from '../repository.ts'
import { importsOf, lex, type Token } from './lexer.ts'
import { isCode, isPure, isTest } from './places.ts'
import type { Violation } from './violation.ts'

/** Who may read `process.env`. A path that ends in `/` stands for the folder. Tests may, to start other programs. */
export const ENVIRONMENT_READERS: readonly string[] = [
  'server/config.ts',
  'server/main.ts',
  // PATH says where the programs of PostgreSQL may lie.
  'server/database/programs.ts',
  'cli/',
  'world/',
  'tools/',
  'bench/',
  'bin/',
]

/** What a row finds: `object.member`, or the bare word, as tokens. */
interface Impurity {
  readonly words: readonly string[]
  readonly reason: string
}

const CLOCK = 'now is an argument of pure code'
const ZONE = "it reads the machine's time zone"

const IMPURITIES: readonly Impurity[] = [
  { words: ['Date', '.', 'now'], reason: CLOCK },
  { words: ['new', 'Date', '(', ')'], reason: CLOCK },
  { words: ['new', 'Date', ';'], reason: CLOCK },
  { words: ['performance', '.'], reason: CLOCK },
  { words: ['Math', '.', 'random'], reason: 'chance is an argument of pure code' },
  { words: ['crypto', '.', 'getRandomValues'], reason: 'chance is an argument of pure code' },
  { words: ['crypto', '.', 'randomUUID'], reason: 'chance is an argument of pure code' },
  { words: ['process', '.'], reason: 'settings are arguments of pure code' },
  { words: ['console', '.'], reason: 'pure code prints nothing' },
  { words: ['globalThis'], reason: 'pure code names what it uses' },
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch'].map((name) => ({
    words: [name, '('],
    reason: 'what is to be done is an output of pure code',
  })),
  ...['getFullYear', 'getMonth', 'getDate', 'getDay', 'getHours', 'getMinutes', 'getTimezoneOffset'].map((name) => ({
    words: ['.', name, '('],
    reason: ZONE,
  })),
  ...['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString'].map((name) => ({
    words: ['.', name, '('],
    reason: ZONE,
  })),
]

/** @returns each place where pure code reaches for the world, and each `process.env` outside the list above. */
export function checkPurity(files: readonly RepositoryFile[]): readonly Violation[] {
  return files.filter((file) => isCode(file.path)).flatMap((file) => checkFile(file))
}

function checkFile(file: RepositoryFile): readonly Violation[] {
  const pure = isPure(file.path)
  const readsEnvironment = isTest(file.path) || isListed(file.path)
  if (!pure && readsEnvironment) return []
  const tokens = lex(file.text).filter((token) => token.kind !== 'comment')
  const own = ownNames(file.text, tokens)
  return tokens.flatMap((token, index) => {
    const at = (message: string): Violation => ({ path: file.path, line: token.line, message })
    if (!readsEnvironment && matches(tokens, index, ['process', '.', 'env'])) {
      return [at('reads process.env: only the files in tools/tidy/purity.ts may')]
    }
    const found = pure && !own.has(token.text) ? IMPURITIES.find((row) => matches(tokens, index, row.words)) : undefined
    return found === undefined ? [] : [at(`uses "${found.words.join('').replace('new', 'new ')}": ${found.reason}`)]
  })
}

/** What the file declares or imports under a name of the world's: `function fetch`, `const crypto`, `import { fetch }`. */
function ownNames(text: string, tokens: readonly Token[]): ReadonlySet<string> {
  const declared = tokens.filter((_token, index) => /^(?:function|const|let)$/.test(tokens[index - 1]?.text ?? ''))
  return new Set([...declared.map((token) => token.text), ...importsOf(text).flatMap((found) => found.names ?? [])])
}

function isListed(path: string): boolean {
  // Settings of the tools themselves lie at the root.
  if (!path.includes('/')) return true
  return ENVIRONMENT_READERS.some((reader) => (reader.endsWith('/') ? path.startsWith(reader) : path === reader))
}

/** A word after a dot, and a method that is being declared, only share the name. */
function matches(tokens: readonly Token[], index: number, words: readonly string[]): boolean {
  const fits = words.every((word, offset) => {
    const token = tokens[index + offset]
    return token?.text === word && (token.kind === 'word' || token.kind === 'punctuation')
  })
  if (!fits || words[0] === '.') return fits
  const before = tokens[index - 1]?.text
  return before !== '.' && before !== '?.' && before !== 'function'
}
