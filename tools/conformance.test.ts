import { describe, expect, it } from 'vitest'
import {
  brokenReferences,
  citationsIn,
  clausesWithoutTest,
  conformancePage,
  PAGE_PATH,
  pageOfRepository,
  testsOf,
} from './conformance.ts'
import { CLAUSES, ENFORCED_CLAUSES } from './conformance-statements.ts'
import { readRepository } from './repository.ts'

const repository = readRepository()
const citations = citationsIn(repository)

describe('the statements', () => {
  it('have ids of their own', () => {
    const ids = CLAUSES.flatMap((clause) => clause.statements.map((statement) => statement.id))
    expect(ids.length).toBeGreaterThan(150)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^\d+(?:\.\d+)?-[a-z0-9-]+$/)
    expect(new Set(CLAUSES.map((clause) => clause.number)).size).toBe(CLAUSES.length)
  })

  it('are cited by names that exist, and linked to tests that exist', () => {
    expect(brokenReferences(citations)).toEqual([])
  })

  it('have a test in each clause that is enforced', () => {
    expect(ENFORCED_CLAUSES.filter((number) => !CLAUSES.some((clause) => clause.number === number))).toEqual([])
    expect(clausesWithoutTest(ENFORCED_CLAUSES, citations)).toEqual([])
  })

  it('stand on a page that is up to date; if not: npx tsx tools/conformance.ts', () => {
    const page = repository.find((file) => file.path === PAGE_PATH)?.text
    expect(page === pageOfRepository(repository)).toBe(true)
  })
})

describe('the conformance page', () => {
  const clauses = [
    {
      number: '4.2',
      title: 'Comparison',
      statements: [
        { id: '4.2-strings-exact', text: 'Strings | are exact.' },
        { id: '4.2-integers', text: 'Integers have an order.' },
      ],
    },
  ]
  const sample = (title: string): ReturnType<typeof citationsIn> =>
    citationsIn([{ path: 'protocol/rule/compare.test.ts', text: `// [MPP §9.1]\nit('${title}', () => {})` }])

  it('finds the titles that cite a clause, and no comments', () => {
    expect(sample('compares by letter [MPP §4.2, §4.3-order]')).toEqual([
      {
        path: 'protocol/rule/compare.test.ts',
        line: 2,
        title: 'compares by letter',
        references: ['4.2', '4.3-order'],
      },
    ])
    expect(sample('cites nothing')).toEqual([])
    expect(citationsIn([{ path: 'protocol/rule/compare.ts', text: `x('[MPP §4.2]')` }])).toEqual([])
  })

  it('puts a test beside its statement, by the title or by a link', () => {
    const statement = { id: '4.2-strings-exact', text: '' }
    const byTitle = sample('compares by letter [MPP §4.2-strings-exact]')
    expect(testsOf(statement, byTitle, {})).toEqual(byTitle)
    const byClause = sample('compares by letter [MPP §4.2]')
    expect(testsOf(statement, byClause, {})).toEqual([])
    expect(testsOf(statement, byClause, { '4.2-strings-exact': ['by letter'] })).toEqual(byClause)
  })

  it('says for each statement which test shows it, or that none does', () => {
    const page = conformancePage(sample('compares <by> letter [MPP §4.2-strings-exact]'), clauses)
    expect(page).toContain(
      '| `4.2-strings-exact` | Strings \\| are exact. | [protocol/rule](../../protocol/rule/compare.test.ts): compares \\<by> letter |',
    )
    expect(page).toContain('| `4.2-integers` | Integers have an order. | **none yet** |')
    expect(page).toContain(
      '2 statements in 1 clauses; 1 statements name their tests, and 1 clauses are cited by tests.',
    )
    const below = conformancePage(sample('compares numbers [MPP §4.2]'), clauses)
    expect(below).toContain('| `4.2-integers` | Integers have an order. | see below |')
    expect(below).toContain('- [protocol/rule](../../protocol/rule/compare.test.ts): compares numbers')
  })

  it('notices names that do not exist, links to no test, and enforced clauses without one', () => {
    expect(brokenReferences(sample('x [MPP §4.2-nothing]'), clauses, {})).toHaveLength(1)
    expect(brokenReferences(sample('x [MPP §4.9]'), clauses, {})).toHaveLength(1)
    expect(brokenReferences(sample('x [MPP §4.2]'), clauses, { '4.2-integers': ['no such title'] })).toHaveLength(1)
    expect(brokenReferences(sample('x [MPP §4.2]'), clauses, { '4.2-gone': ['x'] })).toHaveLength(1)
    expect(brokenReferences(sample('x [MPP §4.2, §14, §0]'), clauses, { '4.2-integers': ['x'] })).toEqual([])
    expect(clausesWithoutTest(['4.2', '4.3'], sample('x [MPP §4.2-integers]'))).toEqual(['4.3'])
  })
})
