import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DEFAULT_POLICIES } from './mod.ts'

const page = readFileSync(new URL('../../docs/divergences.md', import.meta.url), 'utf8')
const rows = page.split('\n').filter((line) => /^\| (?!sources|---)/.test(line))
/** How fast a virtual phone is; no reading of any text. */
const NO_READINGS = ['bootMs', 'flashMs']

describe('the page of divergences', () => {
  it('has a row for every policy of the phone', () => {
    const { apply, rule, cwmp, ...own } = DEFAULT_POLICIES
    const names = [
      ...Object.keys(own).filter((name) => !NO_READINGS.includes(name)),
      ...Object.keys(apply).map((name) => `apply.${name}`),
      ...Object.keys(rule).map((name) => `rule.${name}`),
      ...Object.keys(cwmp).map((name) => `cwmp.${name}`),
    ]
    expect(names.length).toBeGreaterThan(15)
    expect(names.filter((name) => !rows.some((row) => row.includes(`\`${name}\``)))).toEqual([])
  })

  it('names for every row the source, the choice and a test that exists', () => {
    expect(rows.length).toBeGreaterThan(60)
    const broken = rows.filter((row) => {
      const cells = row.split(/(?<!\\) \| /)
      const [, path = '', title = ''] = /\[[\w-]+\]\(\.\.\/([^)]+\.test\.ts)\): (.+) \|$/.exec(row) ?? []
      if (cells.length !== 4 || !/MPP §|TR-069 §|guide|silent/.test(cells[0] ?? '') || path === '') return true
      const text = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
      return !text.includes(title)
    })
    expect(broken).toEqual([])
  })
})
