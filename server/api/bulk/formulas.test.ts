import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { guardCell, restoreCell } from './formulas.ts'
import { readCsv } from './read.ts'
import { Problems } from './row.ts'
import { DEVICE_COLUMNS } from './columns.ts'

const text = fc.string({ unit: fc.constantFrom("'", '=', '+', '-', '@', ' ', '\t', 'a', '"', ',', '\n') })

describe('cells that a spreadsheet would run', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+4930', "'+4930"],
    [' -1', "' -1"],
    ["'=1", "''=1"],
    ["'quoted'", "'quoted'"],
    ['a=b', 'a=b'],
    ['', ''],
  ])('%j is written as %j', (plain, written) => {
    expect(guardCell(plain)).toBe(written)
    expect(restoreCell(written)).toBe(plain)
  })

  it('never begin a cell, and every text comes back', () => {
    fc.assert(
      fc.property(text, (plain) => {
        const written = guardCell(plain)
        expect(written).not.toMatch(/^\s*[=+\-@]/)
        expect(restoreCell(written)).toBe(plain)
      }),
    )
  })
})

describe('reading CSV', () => {
  it('never throws and never hangs, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(text, fc.string({ unit: 'binary' })), async (body) => {
        const problems = new Problems()
        const rows = await readCsv(`mac,notes\n${body}`, DEVICE_COLUMNS, problems)
        expect(rows.every(({ line }) => line >= 1)).toBe(true)
      }),
    )
  })

  it('tells the line where a row begins, behind rows of several lines and empty ones', async () => {
    const rows = await readCsv('mac,notes\n1,"a\nb\nc"\n\n2,d\r\n3,"e\r\nf"\n4,g\n', DEVICE_COLUMNS, new Problems())
    expect(rows.map(({ line, cells }) => [line, cells.get('mac')])).toEqual([
      [2, '1'],
      [6, '2'],
      [7, '3'],
      [9, '4'],
    ])
  })
})
