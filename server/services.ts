/** What doors and background work need of the platform; `server/platform.ts` has it all. */
import type { Logger } from 'pino'
import type { Millis } from '../protocol/result.ts'
import type { Settings } from './config.ts'
import type { Signals } from './metrics/mod.ts'
import type { ServerCertificateInForce } from './pki/mod.ts'
import type { PlatformFacts } from './profiles/mod.ts'
import type { Database, Directory, EventRecord, Sql, Vault } from './store/mod.ts'

export interface Services {
  readonly settings: Settings
  readonly log: Logger
  readonly db: Database
  readonly vault: Vault
  readonly directory: Directory
  readonly facts: () => PlatformFacts
  /** What the HTTPS door shows; undefined where there is none, as in a command. */
  readonly serverCertificate: () => ServerCertificateInForce | undefined
  /** What the doors notice for the watch. */
  readonly signals: Signals
  readonly now: () => Millis
  /** One transaction; what it changed is in force in this process when this resolves. */
  change<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  /** May be lost in a crash. */
  note(events: readonly EventRecord[]): void
  flush(): Promise<void>
}

/** Work that goes on until it is closed. */
export interface Job {
  close(): Promise<void>
}
