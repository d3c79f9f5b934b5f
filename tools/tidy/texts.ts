/** Rules about single files: tests that do not run, empty promises, long files, words that must not leave the workshop. */
import type { RepositoryFile } from '../repository.ts'
import { lex } from './lexer.ts'
import { isCode, isTest } from './places.ts'
import type { Violation } from './violation.ts'

/** Longer, and the file holds more than one idea. */
export const FILE_LINES_MAX = 600

/** Flat tables, which nobody reads from top to bottom. Compared as a regular expression with the whole path. */
export const LONG_TABLES: readonly RegExp[] = [
  /^tools\/conformance-statements\.ts$/,
  /^protocol\/profile\/(?:.*-table|.*-data|catalogue.*)\.ts$/,
]

/** Paths of the machine where this was written, and what lies beside the repository there. Cut in two so as not to find itself. */
const FOREIGN_PATHS: readonly string[] = [
  `..${'/shared'}`,
  `${'/work'}/main`,
  `${'/work'}/shared`,
  `${'/tmp'}/offhook/`,
]

/** @returns tests that were switched off or left alone in their file. */
export function checkTestsRun(files: readonly RepositoryFile[]): readonly Violation[] {
  return files
    .filter((file) => isTest(file.path))
    .flatMap((file) => {
      const tokens = lex(file.text).filter((token) => token.kind !== 'comment')
      return tokens.flatMap((token, index) => {
        const chained = /^(?:it|test|describe|suite|each|concurrent|sequential)$/.test(tokens[index - 2]?.text ?? '')
        const switchedOff =
          chained && tokens[index - 1]?.text === '.' && /^(?:only|skip|todo|skipIf|runIf|fails)$/.test(token.text)
        const otherName = /^(?:x|f)(?:it|test|describe)$/.test(token.text) && tokens[index + 1]?.text === '('
        if (token.kind !== 'word' || !(switchedOff || otherName)) return []
        return [{ path: file.path, line: token.line, message: `"${token.text}": every test runs, always` }]
      })
    })
}

/** @returns TODOs that do not say what would make them doable, and words of the same sort. */
export function checkTodos(files: readonly RepositoryFile[]): readonly Violation[] {
  return eachComment(files, (text) => {
    if (/\b(?:FIXME|XXX|HACK)\b/.test(text)) return 'say it as a TODO that names what would make it doable'
    return /\bTODO\b(?!:? \S+ \S+ \S+)/.test(text) ? 'a TODO names what would make it doable' : undefined
  })
}

/** @returns switched-off checks without a reason; a function over the limit must be called a flat table. */
export function checkSuppressions(files: readonly RepositoryFile[]): readonly Violation[] {
  return eachComment(files, (text) => {
    if (!/\b(?:oxlint|eslint)-disable|biome-ignore|@ts-(?:ignore|expect-error|nocheck)/.test(text)) return undefined
    if (/@ts-(?:ignore|nocheck)/.test(text)) return 'use @ts-expect-error, which ends when its reason does'
    if (text.includes('max-lines-per-function') && !text.includes('flat table')) {
      return 'only a flat table may be longer than 60 lines: split the function'
    }
    return /(?:--|expect-error|ignore [\w/]+:) *\S+ \S+/.test(text) ? undefined : 'say why, after " -- "'
  })
}

function eachComment(
  files: readonly RepositoryFile[],
  check: (text: string) => string | undefined,
): readonly Violation[] {
  return files
    .filter((file) => isCode(file.path))
    .flatMap((file) =>
      lex(file.text)
        .filter((token) => token.kind === 'comment')
        .flatMap((token) => {
          const message = check(token.text)
          return message === undefined ? [] : [{ path: file.path, line: token.line, message }]
        }),
    )
}

/** @returns code files that are too long. */
export function checkFileLengths(files: readonly RepositoryFile[]): readonly Violation[] {
  return files
    .filter((file) => isCode(file.path) && !LONG_TABLES.some((table) => table.test(file.path)))
    .map((file) => ({ path: file.path, count: file.text.trimEnd().split('\n').length }))
    .filter(({ count }) => count > FILE_LINES_MAX)
    .map(({ path, count }) => ({
      path,
      line: FILE_LINES_MAX,
      message: `has ${count} lines, at most ${FILE_LINES_MAX} are read gladly`,
    }))
}

/** @returns paths that mean something only on the machine where they were written. */
export function checkForeignPaths(files: readonly RepositoryFile[]): readonly Violation[] {
  return files.flatMap((file) =>
    file.text.split('\n').flatMap((line, index) => {
      const found = FOREIGN_PATHS.find((path) => hasWholePath(line, path))
      return found === undefined ? [] : [{ path: file.path, line: index + 1, message: `names "${found}"` }]
    }),
  )
}

function hasWholePath(line: string, path: string): boolean {
  const at = line.indexOf(path)
  return at >= 0 && !/\w/.test(line.charAt(at - 1)) && !/\w/.test(line.charAt(at + path.length))
}
