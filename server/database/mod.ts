export { createBatch, type Batch, type BatchOptions, type BatchTimers } from './batch.ts'
export { openDatabase, type Database, type DatabaseSettings } from './connect.ts'
export { DATABASE_EVENTS, type DatabaseEvent, type Log } from './events.ts'
export { DATABASE_NAME, DATABASE_USER, postgresSocketOf, syncFolder, type Connection } from './home.ts'
export { DatabaseBusy, type HotClient } from './hot.ts'
export type { ListenHandlers } from './listen.ts'
export { keepPostgres, type KeptPostgres } from './keep-postgres.ts'
export { lockDataDirectory, type Lock, type LockProblem } from './lock.ts'
export {
  keyCheck,
  loadMasterKey,
  MasterKey,
  openSecret,
  sealSecret,
  verifyKeyCheck,
  type KeyRing,
  type MasterKeyProblem,
  type MasterKeySource,
  type SealProblem,
} from './master-key.ts'
export { migrate, MigrationRefused, readMigrations, type Migration } from './migrate.ts'
export { startPostgres, type ManagedPostgres, type PostgresExit, type PostgresOptions } from './postgres.ts'
export { isUniqueViolation, sqlState, type Rows, type Statement } from './statement.ts'
export {
  CommitUnknown,
  TransactionRolledBack,
  type Transaction,
  type TransactionOptions,
} from './transaction.ts'
