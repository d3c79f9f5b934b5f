import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { type Database, openDatabase } from './connect.ts'
import type { Statement } from './statement.ts'
import { createTestDatabase, type TestDatabase } from './testing.ts'
import { CommitUnknown, TRANSACTION_ATTEMPTS_MAX, TransactionRolledBack } from './transaction.ts'

let test: TestDatabase
let database: Database

/** A statement for one test; its name is its text, so that equal names are equal statements. */
function sql(text: string, ...values: readonly unknown[]): Statement {
  return { name: text.slice(0, 60), text, values }
}

beforeAll(async () => {
  test = await createTestDatabase({ migrations: 'none' })
  database = await test.open()
  await database.run(sql('create table item (id int primary key, name text not null)'))
})

afterAll(() => test.drop())

/** Ends the connections of that name, as a restart of the database would. Resolves once they are gone. */
async function cut(name: string): Promise<void> {
  const text = `select count(pg_terminate_backend(pid, 5000))::int n from pg_stat_activity
                where application_name = $1 and datname = current_database()`
  expect((await database.query<{ n: number }>({ name: 'cut', text, values: [name] }))[0]?.n).toBe(1)
}

describe('openDatabase', () => {
  it('reads one row, many rows and counts of rows', async () => {
    expect(await database.run(sql(`insert into item values (1, 'a'), (2, 'b')`))).toBe(2)
    expect(await database.one(sql('select name from item where id = $1', 2))).toEqual({ name: 'b' })
    expect(await database.one(sql('select name from item where id = $1', 99))).toBeUndefined()
    expect(await database.query(sql('select id from item where id < 3 order by id'))).toEqual([{ id: 1 }, { id: 2 }])
    await expect(database.one(sql('select id from item'))).rejects.toThrow('gave 2 rows, expected at most one')
    await database.run(sql('delete from item'))
  })

  it('reads bigint as a number, and refuses one that no number can hold', async () => {
    expect(await database.one(sql('select count(*) n, 9007199254740991::bigint m'))).toEqual({
      n: 1,
      m: 9007199254740991,
    })
    await expect(database.one(sql('select 9007199254740993::bigint n'))).rejects.toThrow('expected at most 2^53 - 1')
  })

  it('takes a URL as well', async () => {
    const other = await openDatabase({ url: test.url, log: () => undefined })
    expect(await other.one(sql('select current_database() d'))).toEqual({ d: test.connection.database })
    await other.close()
    await other.close()
  })

  it('says when there is no database, and keeps the password of the URL to itself', async () => {
    const url = 'postgres://somebody:hush-hush@127.0.0.1:1/none'
    const failed = await openDatabase({ url, log: () => undefined }).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(Error)
    expect(String(failed)).not.toContain('hush')
  })

  it('puts hot statements behind one another without waiting, and a failing one harms no other', async () => {
    const calls = Array.from({ length: 200 }, (_, index) =>
      database.one<{ q: number }>(sql('select 100 / ($1::int) q', index % 100)),
    )
    const settled = await Promise.allSettled(calls)
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(2)
    expect(settled[3]).toMatchObject({ value: { q: 33 } })
    expect(settled[199]).toMatchObject({ value: { q: 1 } })
  })
})

describe('the hot connection', () => {
  it('goes through the pool while it is lost, and comes back', async () => {
    const events: string[] = []
    let back: () => void = () => undefined
    const isBack = new Promise<void>((done) => {
      back = done
    })
    const own = await openDatabase({
      connection: test.connection,
      log(event, fields) {
        events.push(event)
        if (event === 'database-connection-back') back()
        expect(fields).toMatchObject({ connection: 'hot' })
      },
    })
    const pid = await own.one<{ pid: number }>(sql('select pg_backend_pid() pid'))
    await own.query(sql('select pg_terminate_backend($1, 5000)', pid?.pid))
    // Whether our side has noticed by now or not, a statement is answered or fails; it never hangs.
    await Promise.allSettled([own.one(sql('select 1 n'))])
    while (own.hot.connected && events.length === 0) await Promise.allSettled([own.one(sql('select 1 n'))])
    expect(await own.one(sql('select 1 n'))).toEqual({ n: 1 })
    await isBack
    expect(own.hot.connected).toBe(true)
    const after = await own.one<{ pid: number }>(sql('select pg_backend_pid() pid'))
    expect(after?.pid).not.toBe(pid?.pid)
    expect(events).toEqual(['database-connection-lost', 'database-connection-back'])
    await own.close()
  })

  it('fails what is under way when it is lost, all of it and at once', async () => {
    const own = await openDatabase({ connection: test.connection, log: () => undefined })
    const pid = await own.one<{ pid: number }>(sql('select pg_backend_pid() pid'))
    const calls = Array.from({ length: 20 }, () => own.one(sql('select pg_sleep(4)')))
    const settled = Promise.allSettled(calls)
    await own.query(sql('select pg_terminate_backend($1, 5000)', pid?.pid))
    expect((await settled).map(({ status }) => status)).toEqual(calls.map(() => 'rejected'))
    await own.close()
  })
})

describe('transaction', () => {
  it('stores all or nothing', async () => {
    const value = await database.transaction(async (tx) => {
      await tx.run(sql(`insert into item values (10, 'a')`))
      return tx.one(sql('select name from item where id = 10'))
    })
    expect(value).toEqual({ name: 'a' })
    const failed = database.transaction(async (tx) => {
      await tx.run(sql(`insert into item values (11, 'b')`))
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect(await database.query(sql('select id from item where id in (10, 11)'))).toEqual([{ id: 10 }])
  })

  it('does not say done when COMMIT rolled back, as it does after a swallowed error', async () => {
    const done = database.transaction(async (tx) => {
      await tx.run(sql(`insert into item values (20, 'lost')`))
      await tx.run(sql('select 1 / 0')).catch(() => 'swallowed')
    })
    await expect(done).rejects.toThrow(TransactionRolledBack)
    await expect(done).rejects.toMatchObject({ cause: { code: '22012' } })
    expect(await database.one(sql('select id from item where id = 20'))).toBeUndefined()
  })

  it('runs statements in the order of the calls, also when nobody waits for each', async () => {
    await database.transaction(async (tx) => {
      await Promise.all([
        tx.run(sql(`insert into item values (30, 'first')`)),
        tx.run(sql(`update item set name = 'second' where id = 30`)),
        tx.run(sql(`update item set name = name || '!' where id = 30`)),
      ])
    })
    expect(await database.one(sql('select name from item where id = 30'))).toEqual({ name: 'second!' })
  })

  it('tries again when two get in each other’s way, and both are stored', async () => {
    await database.run(sql(`insert into item values (40, '0')`))
    let attempts = 0
    let haveRead = 0
    let bothHaveRead: () => void = () => undefined
    const barrier = new Promise<void>((done) => {
      bothHaveRead = done
    })
    async function increment(): Promise<void> {
      await database.transaction(
        async (tx) => {
          attempts++
          const row = await tx.one<{ name: string }>(sql('select name from item where id = 40'))
          if (++haveRead === 2) bothHaveRead()
          await barrier
          await tx.run(sql('update item set name = $1 where id = 40', String(Number(row?.name) + 1)))
        },
        { isolation: 'repeatable read' },
      )
    }
    await Promise.all([increment(), increment()])
    expect(attempts).toBe(3)
    expect(await database.one(sql('select name from item where id = 40'))).toEqual({ name: '2' })
  })

  it('gives up after a bounded number of attempts', async () => {
    let attempts = 0
    const conflict = database.transaction(async (tx) => {
      attempts++
      await tx.run(sql(`do $$ begin raise exception 'again' using errcode = '40001'; end $$`))
    })
    await expect(conflict).rejects.toMatchObject({ code: '40001' })
    expect(attempts).toBe(TRANSACTION_ATTEMPTS_MAX)
  })

  it('fails without ending the process when its connection breaks, and the next one works', async () => {
    const broken = database.transaction(async (tx) => {
      const row = await tx.one<{ pid: number }>(sql('select pg_backend_pid() pid'))
      await database.query(sql('select pg_terminate_backend($1, 5000)', row?.pid))
      await tx.run(sql(`insert into item values (50, 'never')`))
    })
    await expect(broken).rejects.toThrow(/terminat|connection/i)
    expect(await database.transaction((tx) => tx.one(sql('select 1 n')))).toEqual({ n: 1 })
  })

  it('says that it does not know when the connection breaks at COMMIT', async () => {
    const broken = database.transaction(async (tx) => {
      await tx.run(
        sql(`create function cut_me() returns trigger language plpgsql as
        $$ begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$`),
      )
      await tx.run(
        sql(
          'create constraint trigger cut after insert on item initially deferred for each row execute function cut_me()',
        ),
      )
      await tx.run(sql(`insert into item values (60, 'who knows')`))
    })
    await expect(broken).rejects.toThrow(CommitUnknown)
    expect(await database.one(sql('select 1 n'))).toEqual({ n: 1 })
  })

  it('refuses statements when it is over', async () => {
    const tx = await database.transaction((session) => Promise.resolve(session))
    await expect(tx.run(sql('select 1'))).rejects.toThrow('its transaction is over')
  })
})

describe('listen', () => {
  it('hears what is sent, and what a transaction sends only once it commits', async () => {
    const heard: string[] = []
    let last: () => void = () => undefined
    const done = new Promise<void>((resolve) => {
      last = resolve
    })
    const listening = await database.listen('first', {
      onMessage(payload) {
        heard.push(payload)
        if (payload === 'last') last()
      },
      onLost: () => heard.push('lost'),
      onBack: () => heard.push('back'),
    })
    await database.notify('first', 'one')
    await database.notify('second', 'not for us')
    const never = database.transaction(async (tx) => {
      await tx.notify('first', 'rolled back')
      throw new Error('no')
    })
    await expect(never).rejects.toThrow('no')
    await database.transaction((tx) => tx.notify('first', 'last'))
    await done
    expect(heard).toEqual(['one', 'last'])
    await listening.close()
  })

  it('tells when the connection is lost and when it is back, and hears again', async () => {
    const told: string[] = []
    const waiting = new Map<string, () => void>()
    const when = (word: string) => new Promise<void>((done) => waiting.set(word, done))
    const tell = (word: string) => {
      told.push(word)
      waiting.get(word)?.()
    }
    const handlers = { onMessage: tell, onLost: () => tell('lost'), onBack: () => tell('back') }
    const [back, again] = [when('back'), when('again')]
    const listening = await database.listen('channel', handlers)
    const other = await database.listen('other channel', handlers)
    await cut('offhook listen')
    await back
    await database.notify('channel', 'again')
    await again
    expect(told).toEqual(['lost', 'lost', 'back', 'back', 'again'])
    await Promise.all([listening.close(), other.close()])
  })

  it('refuses payloads and channel names beyond the limits of PostgreSQL', async () => {
    await expect(database.notify('channel', 'x'.repeat(8_000))).rejects.toThrow('at most 7999')
    const handlers = { onMessage: () => undefined, onLost: () => undefined, onBack: () => undefined }
    await expect(database.listen('x'.repeat(64), handlers)).rejects.toThrow('too long')
  })
})
