import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../server/database/testing.ts'
import { plant } from '../../server/testing.ts'
import { Place } from '../life/testing.ts'
import { expectRefusal, type Pretence, pretendPostgres, refusalOf, startsWell } from './testing.ts'

const PASSWORD = plant('made-up-database-password')
const TOKEN = ['token', 'create']
/** A user of PostgreSQL who is nothing special. */
const PLAIN = 'offhook_bad_input_plain'

let place: Place
let database: TestDatabase
beforeAll(async () => {
  place = await Place.make()
  database = await createTestDatabase()
}, 60_000)
afterAll(async () => {
  await place.clear()
  await database.drop()
})

async function sql(to: TestDatabase, text: string): Promise<readonly unknown[]> {
  return (await (await to.open()).pool.query(text)).rows
}

async function tables(of: TestDatabase): Promise<readonly unknown[]> {
  return sql(of, `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`)
}

describe('a database of another release', () => {
  it.each<[string, string, string, RegExp]>([
    [
      'a newer one',
      `insert into schema_migration (version, name, sha256) values (9999, 'future', 'x')`,
      'delete from schema_migration where version = 9999',
      /its schema has version 9999 \("future"\), and this release knows versions up to \d+\. Install the newer release/,
    ],
    [
      'one whose migration was changed',
      `update schema_migration set sha256 = 'x' || sha256 where version = 2`,
      'update schema_migration set sha256 = substr(sha256, 2) where version = 2',
      /Cannot migrate: version 2 \("[^"]+"\) is in the database, and the file of this release differs/,
    ],
  ])('%s is refused by server and commands, and used when it is put right', async (_name, spoil, mend, words) => {
    const env = { DATABASE_URL: database.url }
    const { code } = await place.offhook(TOKEN, env).ended
    expect(code).toBe(0)
    await sql(database, spoil)
    const [{ count: before }] = (await sql(database, 'select count(*) from token')) as [{ count: number }]
    const backup = join(place.folder, 'x.backup')
    const ends = await Promise.all([['serve'], ['backup', backup]].map((args) => place.offhook(args, env).ended))
    for (const ended of ends) expectRefusal(ended, words)
    expect(await sql(database, 'select count(*) from token')).toEqual([{ count: before }])
    expect((await readdir(place.folder)).filter((name) => name.includes('backup'))).toEqual([])
    await sql(database, mend)
    await startsWell(place, env)
    await place.nothingLeft()
  })

  it('keeps its master key: what a newer release sealed elsewhere would be lost', async () => {
    const env = { DATABASE_URL: database.url }
    await sql(database, `insert into schema_migration (version, name, sha256) values (9999, 'future', 'x')`)
    const key = await readFile(join(place.dataDir, 'master.key'), 'utf8')
    const ended = await place.offhook(['key', 'rotate'], env).ended
    await sql(database, 'delete from schema_migration where version = 9999')
    expectRefusal(
      ended,
      /Cannot change the master key: the schema of the database has version 9999, .* Start the server/,
    )
    expect((await readdir(place.dataDir)).filter((name) => name.startsWith('master.key'))).toEqual(['master.key'])
    expect(await readFile(join(place.dataDir, 'master.key'), 'utf8')).toBe(key)
    expect(await place.offhook(['key', 'rotate'], env).ended).toMatchObject({ code: 0, errors: '' })
  })
})

describe('a database that is not ours', () => {
  it.each<[string, string, RegExp]>([
    [
      'of another program',
      'grant all on schema public to public; create table orders (id int)',
      /it holds tables of another program \("orders"\)\. Make an empty/,
    ],
    [
      'with a table of the same name',
      'grant all on schema public to public; create table account (x int)',
      /tables of another program \("account"\)/,
    ],
    [
      'with migrations of its own',
      'grant all on schema public to public; create table schema_migration (id text)',
      /another program \("schema_migration"\)/,
    ],
    [
      'in which its user may make nothing',
      'revoke create on schema public from public',
      /its user may make no tables\. Make this user the owner/,
    ],
  ])('%s stays as it is', async (_name, spoil, words) => {
    const theirs = await createTestDatabase({ migrations: 'none' })
    const other = await Place.make()
    try {
      // The tests' own user may do anything anywhere.
      await sql(theirs, `create role ${PLAIN} login; grant select on all tables in schema public to ${PLAIN}; ${spoil}`)
      const url = theirs.url.replace(/\/\/[^@]+@/, `//${PLAIN}@`)
      const before = await tables(theirs)
      expect(await refusalOf(other, { DATABASE_URL: url })).toMatch(words)
      expect(await tables(theirs)).toEqual(before)
    } finally {
      await other.clear()
      await sql(theirs, `drop owned by ${PLAIN}; drop role ${PLAIN}`)
      await theirs.drop()
    }
  })

  it('is none of another program when it only has extensions', async () => {
    const theirs = await createTestDatabase({ migrations: 'none' })
    const other = await Place.make()
    try {
      await sql(theirs, 'create extension if not exists pg_stat_statements')
      expect(await tables(theirs)).toEqual([])
      await expect(refusalOf(other, { DATABASE_URL: theirs.url })).rejects.toThrow('The server started')
    } finally {
      await other.clear()
      await theirs.drop()
    }
  })
})

describe('a database that does not answer as it should', () => {
  it.each<[string, Pretence, RegExp]>([
    ['a wrong password', { kind: 'wrong-password' }, /DATABASE_URL: password authentication failed for user "u"\./],
    ['PostgreSQL 14', { kind: 'version', number: 140_010 }, /Cannot use PostgreSQL 14: expected 15 or newer/],
    ['another program', { kind: 'other-protocol' }, /Cannot use the database of DATABASE_URL: .* Is PostgreSQL 15/],
  ])('%s is told without the password', async (_name, pretence, words) => {
    const pretended = await pretendPostgres(pretence)
    try {
      const env = { DATABASE_URL: `postgres://u:${PASSWORD}@127.0.0.1:${pretended.port}/db` }
      const said = await refusalOf(place, env)
      expect(said).toMatch(words)
      expect(said.includes(PASSWORD)).toBe(false)
    } finally {
      await pretended.close()
    }
  })

  it.each<[string, string, RegExp]>([
    ['nobody listens', `postgres://u:${PASSWORD}@127.0.0.1:1/db`, /ECONNREFUSED 127\.0\.0\.1:1\. Is PostgreSQL/],
    ['another kind of database', `mysql://u:${PASSWORD}@localhost/db`, /DATABASE_URL: expected a URL like postgres:/],
    ['no URL', `host=localhost password=${PASSWORD}`, /DATABASE_URL: expected a URL like postgres:/],
    ['no socket', `postgres://u:${PASSWORD}@/db?host=/nowhere`, /ENOENT \/nowhere\/\.s\.PGSQL\.5432\. Is PostgreSQL/],
  ])('%s: said without the password', async (_name, url, words) => {
    const said = await refusalOf(place, { DATABASE_URL: url })
    expect(said).toMatch(words)
    expect(said.includes(PASSWORD)).toBe(false)
  })
})

describe('the master key', () => {
  it('is not made for a database that has another one, and the right one works then', async () => {
    const elsewhere = await Place.make()
    try {
      const env = { DATABASE_URL: database.url }
      expect(await refusalOf(elsewhere, env)).toMatch(
        /The master key is not the one that this database was sealed with\. Give the right one by OFFHOOK_/,
      )
      expect((await readdir(elsewhere.dataDir)).filter((name) => /key|sock/.test(name))).toEqual([])
      await mkdir(elsewhere.dataDir, { recursive: true })
      await copyFile(join(place.dataDir, 'master.key'), join(elsewhere.dataDir, 'master.key'))
      await expect(refusalOf(elsewhere, env)).rejects.toThrow('The server started')
    } finally {
      await elsewhere.clear()
    }
  })
})
