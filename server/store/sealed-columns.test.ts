import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { createTestDatabase } from '../database/testing.ts'
import { MasterKey } from '../database/mod.ts'
import { resealAll, SEALED_COLUMNS, SEALED_PARAMETERS, UNSEALED_BYTES } from './sealed-columns.ts'
import { SECRET_CONTEXT, createVault } from './vault.ts'

const database = await createTestDatabase()
const db = await database.open()
afterAll(() => database.drop())

const newVault = () => createVault(new MasterKey(randomBytes(32)))

describe('the places of sealed secrets', () => {
  it('are all columns of bytes in the schema but those named as unsealed', async () => {
    const rows = await db.query<{ name: string }>({
      name: 'test-byte-columns',
      text: `select table_name || '.' || column_name as name from information_schema.columns
              where table_schema = 'public' and data_type = 'bytea' order by 1`,
      values: [],
    })
    const known = SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`)
    expect(rows.map(({ name }) => name)).toEqual([...known, ...UNSEALED_BYTES].toSorted())
  })

  it('are all columns whose default is a map of parameters', async () => {
    const rows = await db.query<{ name: string }>({
      name: 'test-parameter-columns',
      text: `select table_name || '.' || column_name as name from information_schema.columns
              where table_schema = 'public' and data_type = 'jsonb' and column_name in ('parameters', 'before', 'after')
              order by 1`,
      values: [],
    })
    expect(rows.map(({ name }) => name)).toEqual(
      SEALED_PARAMETERS.map(({ table, column }) => `${table}.${column}`).toSorted(),
    )
  })
})

describe('sealing anew', () => {
  it('opens under the new key what was sealed under the old one, over several pages, also inside layers', async () => {
    const [old, next] = [newVault(), newVault()]
    const names = Array.from({ length: 1203 }, (_, index) => `secret-${index}`)
    const value = (name: string): string => `made-up value of ${name}`
    await db.transaction(async (tx) => {
      for (const name of names) {
        await tx.run({
          name: 'test-put-secret',
          text: 'insert into platform_secret (name, sealed) values ($1, $2)',
          values: [name, old.seal(SECRET_CONTEXT.platform(name), value(name))],
        })
      }
      const sealed = old
        .seal(SECRET_CONTEXT.layer('provider', '-', 'Admin_Password'), value('layer'))
        .toString('base64')
      const parameters = JSON.stringify({ Admin_Password: { sealed, ua: 'na' }, Time_Zone: { value: 'GMT' } })
      await tx.run({
        name: 'test-put-revision',
        text: `insert into revision (who, scope, target, what, before, after)
               values ('test', 'layer/provider', '-', 'replaced', '{}', $1), ('test', 'account', 'acc_1', 'made', null, '{"a": 1}')`,
        values: [parameters],
      })
    })
    const count = await db.transaction((tx) => resealAll(tx, old, next))
    expect(count).toBe(names.length + 1)
    const rows = await db.query<{ name: string; sealed: Buffer }>({
      name: 'test-sealed',
      text: 'select name, sealed from platform_secret',
      values: [],
    })
    const opened = rows.map((row) => next.open(SECRET_CONTEXT.platform(row.name), row.sealed) === value(row.name))
    expect(opened.length).toBe(names.length)
    expect(opened.every(Boolean)).toBe(true)
    const revision = await db.one<{ after: { Admin_Password: { sealed: string; ua: string } } }>({
      name: 'test-revision',
      text: `select after from revision where scope = 'layer/provider'`,
      values: [],
    })
    const { sealed = '', ua } = revision?.after.Admin_Password ?? {}
    expect([
      ua,
      next.open(SECRET_CONTEXT.layer('provider', '-', 'Admin_Password'), Buffer.from(sealed, 'base64')),
    ]).toEqual(['na', value('layer')])
  })

  it('changes nothing when one secret does not open', async () => {
    const [wrong, next] = [newVault(), newVault()]
    await expect(db.transaction((tx) => resealAll(tx, wrong, next))).rejects.toThrow('Cannot open the secret of')
  })
})
