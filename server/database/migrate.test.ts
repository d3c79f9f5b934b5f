import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { Database } from './connect.ts'
import { migrate, MigrationRefused, readMigrations } from './migrate.ts'
import { createTestDatabase, type TestDatabase } from './testing.ts'

const HEAD = '-- Breaks older releases: no\n'

let test: TestDatabase
let database: Database
let folder: string

beforeEach(async () => {
  test = await createTestDatabase({ migrations: 'none' })
  database = await test.open()
  folder = await mkdtemp(join(tmpdir(), 'offhook-migrate-'))
  await file('0001-first', 'create table first (id int); insert into first values (1);')
  await file('0002-second', 'alter table first add column name text;')
})

afterEach(async () => {
  await test.drop()
  await rm(folder, { recursive: true, force: true })
})

function file(name: string, text: string, head = HEAD): Promise<void> {
  return writeFile(join(folder, `${name}.sql`), `${head}${text}`)
}

function run(): Promise<{ from: number; to: number }> {
  return migrate(database, pathToFileURL(folder))
}

async function rowsOfFirst(): Promise<readonly unknown[]> {
  return database.query({ name: 'first', text: 'select * from first', values: [] })
}

describe('migrate', () => {
  it('applies what is missing, in order, and nothing twice', async () => {
    expect(await run()).toEqual({ from: 0, to: 2 })
    expect(await run()).toEqual({ from: 2, to: 2 })
    await file('0003-third', 'insert into first values (3);')
    expect(await run()).toEqual({ from: 2, to: 3 })
    expect(await rowsOfFirst()).toHaveLength(2)
  })

  it('lets one of several processes work', async () => {
    const others = await Promise.all([test.open(), test.open(), test.open()])
    const results = await Promise.all(others.map((other) => migrate(other, pathToFileURL(folder))))
    expect(results.map(({ from }) => from).toSorted((a, b) => a - b)).toEqual([0, 2, 2])
    expect(await rowsOfFirst()).toHaveLength(1)
  })

  it('takes back a file that fails, keeps those before it, and says which it was', async () => {
    await file('0003-third', 'insert into first values (3); select 1 / 0;')
    await expect(run()).rejects.toThrow('Cannot apply migration 3 ("third"): division by zero')
    expect(await rowsOfFirst()).toEqual([{ id: 1, name: null }])
    await file('0003-third', 'insert into first values (3);')
    expect(await run()).toEqual({ from: 2, to: 3 })
  })

  it('refuses a file that commits by itself', async () => {
    await file('0003-third', 'commit; begin;')
    await expect(run()).rejects.toThrow('it contains a commit or rollback of its own')
  })

  it('refuses a database that a newer release has migrated, and says so', async () => {
    await run()
    await rm(join(folder, '0002-second.sql'))
    const refused = run()
    await expect(refused).rejects.toThrow(MigrationRefused)
    await expect(refused).rejects.toMatchObject({ code: 'newer-database' })
    await expect(refused).rejects.toThrow('schema has version 2 ("second"), and this release knows versions up to 1')
  })

  it('refuses a file that was changed after it ran', async () => {
    await run()
    await file('0001-first', 'create table first (id bigint);')
    await expect(run()).rejects.toMatchObject({ code: 'changed-file' })
  })

  it.each([
    ['0004-gap', HEAD, 'expected version 3'],
    ['0003_Third', HEAD, 'expected a name like'],
    ['0003-third', '', 'expected the first line'],
    ['0003-third', '-- Breaks older releases: perhaps\n', 'expected the first line'],
    ['0003-third', '-- Breaks older releases: yes\n', 'expected the first line'],
  ])('refuses %s with the head "%s"', async (name, head, message) => {
    await file(name, 'select 1;', head)
    await expect(run()).rejects.toThrow(message)
  })

  it('reads whether a file breaks older releases', async () => {
    await file('0003-third', 'drop table first;', '-- Breaks older releases: yes, 0.1 reads the table first\n')
    const migrations = await readMigrations(pathToFileURL(folder))
    expect(migrations.map(({ breaksOlderReleases }) => breaksOlderReleases)).toEqual([false, false, true])
  })
})

describe('createTestDatabase', () => {
  it('copies a template that has run the migrations, and the copies know nothing of each other', async () => {
    const migrations = pathToFileURL(folder)
    const [one, two] = await Promise.all([createTestDatabase({ migrations }), createTestDatabase({ migrations })])
    const [first, second] = await Promise.all([one.open(), two.open()])
    await first.run({ name: 'more', text: `insert into first values (2, 'b')`, values: [] })
    expect(await first.query({ name: 'all', text: 'select id from first order by id', values: [] })).toHaveLength(2)
    expect(await second.query({ name: 'all', text: 'select id from first order by id', values: [] })).toHaveLength(1)
    await Promise.all([one.drop(), two.drop()])
  })
})
