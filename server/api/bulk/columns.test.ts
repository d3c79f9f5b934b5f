import { describe, expect, it } from 'vitest'
import { DEFAULT_ACCOUNT_SETTINGS } from '../../accounts/mod.ts'
import { AccountInput, AccountSettingsInput, DeviceInput, LineInput } from '../contract.ts'
import { ACCOUNT_COLUMNS, DEVICE_COLUMNS, LINE_COLUMNS } from './columns.ts'
import { type Column, Problems, readCells } from './row.ts'

/** Fields that a column has under another name; those that another file has are left out. */
const RENAMED: Readonly<Record<string, string | undefined>> = {
  parentId: 'parent',
  accountId: 'account',
  batchId: 'batch',
  // Each setting has a column of its own.
  settings: undefined,
  // The file of lines tells for each line its phone and extension.
  lineIds: undefined,
}

describe('the columns of imports and exports', () => {
  it.each<[string, object, readonly Column[]]>([
    [
      'accounts',
      { ...AccountInput.shape, ...AccountSettingsInput.shape, ...DEFAULT_ACCOUNT_SETTINGS },
      ACCOUNT_COLUMNS,
    ],
    ['lines', LineInput.shape, LINE_COLUMNS],
    ['devices', DeviceInput.shape, DEVICE_COLUMNS],
  ])('of %s have all that the API can set', (_noun, fields, columns) => {
    const wanted = Object.keys(fields).flatMap((name) => (name in RENAMED ? (RENAMED[name] ?? []) : name))
    const taken = columns.filter(({ shownOnly }) => shownOnly !== true).map(({ name }) => name)
    expect(taken).toEqual(expect.arrayContaining(wanted))
  })

  it.each([
    [{ ledBy: 'tr069', wakeByReboot: 'TRUE', claimedProblemReports: 'no' }, []],
    [{ ledBy: 'both', wakeByReboot: '0', claimedProblemReports: '1' }, []],
    [{ ledBy: 'nobody' }, ['ledBy']],
    [
      { ledBy: 'TR069', wakeByReboot: 'maybe', claimedProblemReports: '2' },
      ['claimedProblemReports', 'ledBy', 'wakeByReboot'],
    ],
  ])('of account settings take %j but for %j', (cells, wrong) => {
    const problems = new Problems()
    const row = { line: 2, cells: new Map(Object.entries({ customerId: 'shop-1', ...cells })) }
    const values = readCells(row, ACCOUNT_COLUMNS, problems)
    expect(problems.listed.map(({ column, code }) => [column, code])).toEqual(wrong.map((name) => [name, 'bad-value']))
    expect(Object.keys(values)).toHaveLength(row.cells.size - wrong.length)
  })
})
