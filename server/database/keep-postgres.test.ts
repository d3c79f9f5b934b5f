import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'

import { expect, it } from 'vitest'

import { type Database, openDatabase } from './connect.ts'
import { keepPostgres } from './keep-postgres.ts'

const BACK_MAX_MS = 30_000

/** Asks until there is an answer: connections come back by themselves. */
async function answerOf(db: Database, deadline: number): Promise<readonly { readonly n: number }[]> {
  for (;;) {
    try {
      return await db.query<{ n: number }>({ name: 'count-kept', text: 'select n from kept', values: [] })
    } catch (error) {
      if (Date.now() > deadline) throw error
      await turn()
    }
  }
}

it('starts PostgreSQL again when it is killed, with all that was committed', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'offhook-kept-'))
  const events: { event: string; pid: unknown }[] = []
  const log = (event: string, fields: object): void => {
    events.push({ event, pid: 'pid' in fields ? fields.pid : undefined })
  }
  const postgres = await keepPostgres({ dataDir, log })
  const db = await openDatabase({ connection: postgres.connection, log })
  try {
    await db.run({ name: 'make-kept', text: 'create table kept as select 7 as n', values: [] })
    const pid = events.find(({ event }) => event === 'database-started')?.pid
    process.kill(Number(pid), 'SIGKILL')
    const deadline = Date.now() + BACK_MAX_MS
    while (events.filter(({ event }) => event === 'database-started').length < 2) {
      expect(Date.now()).toBeLessThan(deadline)
      await turn()
    }
    expect(await answerOf(db, deadline)).toEqual([{ n: 7 }])
    expect(events.some(({ event }) => event === 'database-ended')).toBe(true)
  } finally {
    await db.close()
    await postgres.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
})
