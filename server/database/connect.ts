import pg from 'pg'

import type { Log } from './events.ts'
import type { Connection } from './home.ts'
import { DatabaseBusy, type HotClient, openHotClient } from './hot.ts'
import { Listener, type ListenHandlers } from './listen.ts'
import { MAJOR_MIN } from './programs.ts'
import { onlyRow, type Runner, runStatement, type Statement, VALUE_TYPES } from './statement.ts'
import { notifyStatement, runTransaction, type Transaction, type TransactionOptions } from './transaction.ts'

/** Connections for transactions and for statements that take their time. PostgreSQL allows 100 in all. */
const POOL_MAX = 10
/** Calls that may wait for one of them. */
const POOL_WAITING_MAX = 2_000
const CONNECT_MAX_MS = 10_000
/** A hot statement is one row by key: what takes longer holds up everybody behind it. */
const HOT_STATEMENT_MAX_MS = 5_000
const POOL_STATEMENT_MAX_MS = 60_000
/** The server's limit comes first; ours is for a server that has stopped answering at all. */
const ANSWER_MARGIN_MS = 5_000
const IDLE_IN_TRANSACTION_MAX_MS = 60_000

/**
 * The database of this process. Values come back as pg gives them (timestamptz as Date, numeric as text, jsonb parsed),
 * but a bigint is a number.
 */
export interface Database {
  /** For what the methods below do not do. Mind that `pool.query` waits for each answer. */
  readonly pool: pg.Pool
  readonly hot: HotClient
  /** The row of a hot statement, or undefined; more than one row is an error. On the hot connection. */
  one<T>(statement: Statement): Promise<T | undefined>
  /** All rows of a statement that may take its time. On the pool. */
  query<T>(statement: Statement): Promise<readonly T[]>
  /** Runs a statement for what it changes, committed when this resolves. The number of rows. On the pool. */
  run(statement: Statement): Promise<number>
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** Tells all listeners of a channel, in this process and in others. In a transaction, use the transaction's. */
  notify(channel: string, payload: string): Promise<void>
  listen(channel: string, handlers: ListenHandlers): Promise<{ close(): Promise<void> }>
  /** Waits for what is under way and closes all connections. May be called twice. */
  close(): Promise<void>
}

export interface DatabaseSettings {
  /** A managed PostgreSQL. One of the two must be given. */
  readonly connection?: Connection
  /** DATABASE_URL. It may hold a password: it is never part of a message. */
  readonly url?: string
  readonly log: Log
  readonly poolMax?: number
}

/** Connects. Throws when there is no database there, or one that is too old. */
export async function openDatabase(settings: DatabaseSettings): Promise<Database> {
  const config = clientConfig(settings)
  const pool = openPool(config, settings)
  try {
    await checkServer(pool)
    const hot = await openHotClient(
      { ...config, ...limits(HOT_STATEMENT_MAX_MS), application_name: 'offhook hot' },
      boundedPool(pool),
      settings.log,
    )
    const listener = new Listener({ ...config, application_name: 'offhook listen' }, settings.log)
    return assemble(pool, hot, listener)
  } catch (error) {
    await pool.end()
    throw error
  }
}

function clientConfig({ connection, url }: DatabaseSettings): pg.ClientConfig {
  if ((connection === undefined) === (url === undefined))
    throw new Error('Either a connection or a database URL is needed')
  return {
    ...(url === undefined ? connection : { connectionString: url }),
    types: VALUE_TYPES,
    connectionTimeoutMillis: CONNECT_MAX_MS,
    keepAlive: true,
    application_name: 'offhook',
  }
}

function limits(statementMaxMs: number): pg.ClientConfig {
  return { statement_timeout: statementMaxMs, query_timeout: statementMaxMs + ANSWER_MARGIN_MS }
}

function openPool(config: pg.ClientConfig, settings: DatabaseSettings): pg.Pool {
  const pool = new pg.Pool({
    ...config,
    ...limits(POOL_STATEMENT_MAX_MS),
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MAX_MS,
    max: settings.poolMax ?? POOL_MAX,
  })
  // The pool listens for errors only while a client is idle; one that is lent and has nothing under way would end the
  // process.
  pool.on('connect', (client) => {
    client.on('error', (error) =>
      settings.log('database-connection-lost', { connection: 'pool', reason: error.message }),
    )
  })
  // The same errors once more. The pool has thrown the client away and makes a new one when asked.
  pool.on('error', (error) => error.message)
  return pool
}

async function checkServer(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ server_version_num: string }>('show server_version_num')
  const major = Math.floor(Number(rows[0]?.server_version_num) / 10_000)
  if (!(major >= MAJOR_MIN)) throw new Error(`Cannot use PostgreSQL ${major}: expected ${MAJOR_MIN} or newer`)
}

/** The pool with a limit to how many may wait for a connection. */
function boundedPool(pool: pg.Pool): Runner & { connect(): Promise<pg.PoolClient> } {
  function admit(): void {
    if (pool.waitingCount >= POOL_WAITING_MAX)
      throw new DatabaseBusy(`${POOL_WAITING_MAX} calls wait for a connection already`)
  }
  return {
    async query(config) {
      admit()
      return pool.query(config)
    },
    async connect() {
      admit()
      return pool.connect()
    },
  }
}

function assemble(pool: pg.Pool, hot: HotClient & { close(): Promise<void> }, listener: Listener): Database {
  const bounded = boundedPool(pool)
  let closing: Promise<void> | undefined
  async function closeAll(): Promise<void> {
    await Promise.all([listener.close(), hot.close(), pool.end()])
  }
  return {
    pool,
    hot,
    one: async <T>(statement: Statement) => onlyRow(await runStatement<T>(hot, statement), statement),
    query: async <T>(statement: Statement) => (await runStatement<T>(bounded, statement)).rows,
    run: async (statement) => (await runStatement(bounded, statement)).rowCount,
    transaction: (work, options) => runTransaction(bounded, work, options),
    async notify(channel, payload) {
      await runStatement(bounded, notifyStatement(channel, payload))
    },
    listen: (channel, handlers) => listener.listen(channel, handlers),
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}
