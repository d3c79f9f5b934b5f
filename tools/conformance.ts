/**
 * Builds docs/conformance/mpp.md: each statement about the phones with the tests that show it.
 * Run `npx tsx tools/conformance.ts` to write the page anew.
 *
 * A test belongs to a clause when its title carries it in brackets: `[MPP §4.2]`, or several: `[MPP §4.2, §4.3]`.
 * It shows one statement when the bracket names it, `[MPP §4.2-strings-exact]`, or when tools/conformance-links.ts says so.
 * A table of cases in one template string counts line by line: each row with a bracket is a test of its own.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SHOWN_BY } from './conformance-links.ts'
import { CLAUSES, type Clause, type Statement } from './conformance-statements.ts'
import { ROOT, type RepositoryFile, readRepository } from './repository.ts'
import { lex } from './tidy/lexer.ts'

export const PAGE_PATH = 'docs/conformance/mpp.md'

/** A title of a test, or of a group of tests, that cites a clause. */
export interface Citation {
  readonly path: string
  readonly line: number
  /** Without the brackets. */
  readonly title: string
  /** Clauses and ids of statements, e.g. `4.2` and `4.2-strings-exact`. */
  readonly references: readonly string[]
}

/** Statements are about the phones; the tools' own tests only speak of the page. */
const NOT_SCANNED = /^tools\//

const BRACKET = /\s*\[(MPP §[^\]]*)\]/g
const REFERENCE = /§\s*(\d+(?:\.\d+)?(?:-[a-z0-9-]+)?)/g

/** @returns every string in a test file that cites a clause, in the order of files and lines. */
export function citationsIn(files: readonly RepositoryFile[]): readonly Citation[] {
  return files
    .filter((file) => file.path.endsWith('.test.ts') && !NOT_SCANNED.test(file.path))
    .flatMap((file) =>
      lex(file.text)
        .filter((token) => token.kind === 'string' || token.kind === 'template')
        .flatMap((token) => token.text.split('\n').map((text, index) => ({ text, line: token.line + index })))
        .filter(({ text }) => text.includes('[MPP §'))
        .map(({ text, line }) => ({
          path: file.path,
          line,
          title: text.replace(BRACKET, '').replace(/\s+/g, ' ').trim(),
          references: [...text.matchAll(BRACKET)].flatMap((bracket) =>
            [...(bracket[1] ?? '').matchAll(REFERENCE)].map((reference) => reference[1] ?? ''),
          ),
        })),
    )
}

/** A whole chapter, `§4`, is listed with its first clause. */
export function clauseOf(reference: string): string {
  const number = reference.split('-')[0] ?? ''
  return CLAUSES.some((clause) => clause.number === `${number}.1`) ? `${number}.1` : number
}

/** @returns the tests that show one statement. */
export function testsOf(
  statement: Statement,
  citations: readonly Citation[],
  shownBy: Readonly<Record<string, readonly string[]>> = SHOWN_BY,
): readonly Citation[] {
  const fragments = shownBy[statement.id] ?? []
  return citations.filter(
    (citation) =>
      citation.references.includes(statement.id) || fragments.some((fragment) => citation.title.includes(fragment)),
  )
}

/** @returns references to clauses or statements that do not exist, and links that lead to no test: each as a sentence. */
export function brokenReferences(
  citations: readonly Citation[],
  clauses: readonly Clause[] = CLAUSES,
  shownBy: Readonly<Record<string, readonly string[]>> = SHOWN_BY,
): readonly string[] {
  const known = new Set(clauses.flatMap((clause) => [clause.number, ...clause.statements.map(({ id }) => id)]))
  const unknown = citations.flatMap(({ path, line, references }) =>
    references
      .filter((reference) => !isKnown(reference, known))
      .map((reference) => `${path}:${line} cites §${reference}, which is no row`),
  )
  const links = Object.entries(shownBy).flatMap(([id, fragments]) => [
    ...(known.has(id) ? [] : [`tools/conformance-links.ts names ${id}, which is no row`]),
    ...fragments
      .filter((fragment) => !citations.some((citation) => citation.title.includes(fragment)))
      .map((fragment) => `tools/conformance-links.ts names "${fragment}", which is in no title`),
  ])
  return [...unknown, ...links]
}

/** Clauses before 1 and beyond 12 (summary, catalogue, types, conflicts) are cited too but have no rows: data tables show them. */
function isKnown(reference: string, known: ReadonlySet<string>): boolean {
  const chapter = Number(reference.split(/[.-]/)[0])
  return (
    known.has(reference) || (!reference.includes('-') && (chapter < 1 || chapter > 12)) || known.has(`${reference}.1`)
  )
}

/** @returns the clauses among `enforced` that no test cites. */
export function clausesWithoutTest(enforced: readonly string[], citations: readonly Citation[]): readonly string[] {
  const cited = new Set(citations.flatMap((citation) => citation.references.map((reference) => clauseOf(reference))))
  return enforced.filter((number) => !cited.has(number))
}

/** @returns the whole page. Lines of tests are left out of it, or every edit would make it stale. */
export function conformancePage(citations: readonly Citation[], clauses: readonly Clause[] = CLAUSES): string {
  const statements = clauses.flatMap((clause) => clause.statements)
  const shown = statements.filter((statement) => testsOf(statement, citations).length > 0).length
  const outside = statements.filter(({ outOfScope }) => outOfScope !== undefined).length
  const left = outside === 0 ? '' : ` ${outside} are out of scope for now.`
  const cited = clauses.filter((clause) => clausesWithoutTest([clause.number], citations).length === 0).length
  const head = [
    '# What the phones do, and the tests that show it',
    '',
    'Made by `npx tsx tools/conformance.ts`; do not edit. `MPP §n` is how code and tests cite these clauses.',
    'Where the guide contradicts itself, the reading chosen here is named in `docs/divergences.md`.',
    '',
    `${statements.length} statements in ${clauses.length} clauses; ${shown} statements name their tests, and ${cited} clauses are cited by tests.${left}`,
    '',
  ]
  return [...head, ...clauses.flatMap((clause) => clauseLines(clause, citations))].join('\n')
}

function clauseLines(clause: Clause, citations: readonly Citation[]): readonly string[] {
  const ofClause = citations.filter((citation) =>
    citation.references.some((reference) => clauseOf(reference) === clause.number),
  )
  const named = new Set(clause.statements.flatMap((statement) => testsOf(statement, citations)))
  const others = ofClause.filter((citation) => !named.has(citation))
  const rows = clause.statements.map((statement) => {
    const tests = testsOf(statement, citations).map((citation) => printCitation(citation))
    const shown = tests.length > 0 ? tests.join('<br>') : fallbackOf(statement, others.length > 0)
    return `| \`${statement.id}\` | ${cell(statement.text)} | ${shown} |`
  })
  const below = others.map((citation) => `- ${printCitation(citation)}`)
  return [
    `## §${clause.number} ${clause.title}`,
    '',
    '| id | statement | tests |',
    '|---|---|---|',
    ...rows,
    '',
    ...(below.length > 0 ? ['Tests of the clause:', '', ...below, ''] : []),
  ]
}

function fallbackOf({ outOfScope }: Statement, clauseHasTests: boolean): string {
  if (outOfScope !== undefined) return `out of scope: ${cell(outOfScope)}`
  return clauseHasTests ? 'see below' : '**none yet**'
}

function printCitation({ path, title }: Citation): string {
  return `[${path.split('/').slice(0, -1).join('/')}](../../${path}): ${cell(title)}`
}

/** Text that stands in one cell, and means only itself. */
function cell(text: string): string {
  return text
    .replace(/\|/g, '\\|')
    .replace(/([<*_[\]])/g, (mark, _group, at: number) => (isInCode(text, at) ? mark : `\\${mark}`))
}

function isInCode(text: string, at: number): boolean {
  return text.slice(0, at).split('`').length % 2 === 0
}

/** What the page should be for the repository as it is. */
export function pageOfRepository(files: readonly RepositoryFile[] = readRepository()): string {
  return conformancePage(citationsIn(files))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(ROOT, PAGE_PATH), pageOfRepository())
}
