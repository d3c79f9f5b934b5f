import { setTimeout as sleep } from 'node:timers/promises'

import type pg from 'pg'

import { backOffMs } from './back-off.ts'
import { onlyRow, type Rows, runStatement, sqlState, type Statement } from './statement.ts'

/** How often a transaction is tried when another one got in its way. */
export const TRANSACTION_ATTEMPTS_MAX = 5

/** A NOTIFY carries less than 8000 bytes: PostgreSQL's own limit. Send a key, not the thing. */
const PAYLOAD_BYTES_MAX = 7_999

/** One transaction on one connection of its own. Statements run one after the other, in the order of the calls. */
export interface Transaction {
  one<T>(statement: Statement): Promise<T | undefined>
  query<T>(statement: Statement): Promise<readonly T[]>
  /** Runs a statement for what it changes. The number of rows. */
  run(statement: Statement): Promise<number>
  /** Tells all listeners of a channel, if and when the transaction commits. */
  notify(channel: string, payload: string): Promise<void>
}

export interface TransactionOptions {
  /** `read committed` unless told otherwise. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
  readonly readOnly?: boolean
}

/** The connection broke while COMMIT was under way: done or not done, nobody here knows. */
export class CommitUnknown extends Error {
  override readonly name = 'CommitUnknown'
}

/** COMMIT was answered with ROLLBACK: a statement had failed and its error was swallowed. Nothing of it is stored. */
export class TransactionRolledBack extends Error {
  override readonly name = 'TransactionRolledBack'
}

/**
 * Does the work in a transaction and commits it. Serialization failures (40001) and deadlocks (40P01) are tried again
 * from the start, so the work must have no effect outside the database. Any other error rolls back and is thrown on.
 */
export async function runTransaction<T>(
  pool: { connect(): Promise<pg.PoolClient> },
  work: (tx: Transaction) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(pool, work, options)
    } catch (error) {
      if (!isConflict(error) || attempt >= TRANSACTION_ATTEMPTS_MAX) throw error
      await sleep(backOffMs(attempt - 1, Math.random) / 10)
    }
  }
}

function isConflict(error: unknown): boolean {
  const state = sqlState(error instanceof TransactionRolledBack ? error.cause : error)
  return state === '40001' || state === '40P01'
}

async function runOnce<T>(
  pool: { connect(): Promise<pg.PoolClient> },
  work: (tx: Transaction) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query(beginText(options))
    const session = openSession(client)
    let value: T
    try {
      value = await work(session.tx)
    } finally {
      await session.close()
    }
    await commit(client, session.firstError())
    return value
  } catch (error) {
    broken = await rollBack(client, error)
    throw error
  } finally {
    client.release(broken)
  }
}

function beginText({ isolation, readOnly }: TransactionOptions): string {
  return ['begin', isolation && `isolation level ${isolation}`, readOnly === true && 'read only']
    .filter(Boolean)
    .join(' ')
}

/** COMMIT of a transaction in which a statement failed succeeds and says ROLLBACK. */
async function commit(client: pg.PoolClient, firstError: unknown): Promise<void> {
  const result = await client.query('commit').catch((error: unknown) => {
    // With a code it is PostgreSQL's answer: not committed. Without one, there was no answer.
    if (sqlState(error) !== undefined && !sqlState(error)?.startsWith('57P')) throw error
    throw new CommitUnknown('The connection was lost while a transaction was being committed', { cause: error })
  })
  if (result.command === 'COMMIT') return
  throw new TransactionRolledBack('Cannot commit: a statement of the transaction had failed', { cause: firstError })
}

/** Leaves the connection clean for the next one. An error when it cannot be used any more. */
async function rollBack(client: pg.PoolClient, why: unknown): Promise<Error | undefined> {
  if (why instanceof CommitUnknown) return why
  try {
    await client.query('rollback')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

interface Session {
  readonly tx: Transaction
  /** Waits for statements under way and refuses further ones. */
  close(): Promise<void>
  firstError(): unknown
}

function openSession(client: pg.PoolClient): Session {
  let last: Promise<unknown> = Promise.resolve()
  let firstError: unknown
  let closed = false
  function run<T>(statement: Statement): Promise<Rows<T>> {
    if (closed) return Promise.reject(new Error(`Cannot run "${statement.name}": its transaction is over`))
    // Two at once on one connection would be written behind each other anyway; so the order is ours.
    const result = last.then(() => runStatement<T>(client, statement))
    last = result.catch((error: unknown) => {
      firstError ??= error
    })
    return result
  }
  return {
    tx: {
      one: async <T>(statement: Statement) => onlyRow(await run<T>(statement), statement),
      query: async <T>(statement: Statement) => (await run<T>(statement)).rows,
      run: async (statement) => (await run(statement)).rowCount,
      notify: async (channel, payload) => {
        await run(notifyStatement(channel, payload))
      },
    },
    async close() {
      closed = true
      await last
    },
    firstError: () => firstError,
  }
}

/** NOTIFY as a statement, so that channel and payload are values. */
export function notifyStatement(channel: string, payload: string): Statement {
  const size = Buffer.byteLength(payload)
  if (size > PAYLOAD_BYTES_MAX)
    throw new Error(`Cannot notify "${channel}": ${size} bytes, at most ${PAYLOAD_BYTES_MAX}`)
  return { name: 'notify', text: 'select pg_notify($1, $2)', values: [channel, payload] }
}
