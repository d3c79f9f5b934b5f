/** What the API needs of the platform; `server/platform.ts` has it all. */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Settings } from '../config.ts'
import type { FirmwareFacts } from '../fetch/mod.ts'
import type { ServerCertificateInForce } from '../pki/mod.ts'
import type { PlatformFacts } from '../profiles/mod.ts'
import type { Database, Sql, Vault } from '../store/mod.ts'

export interface ApiPlatform {
  readonly settings: Pick<Settings, 'lab' | 'outboundAllow' | 'dataDir' | 'problemReportDays' | 'tftpPort' | 'host'>
  readonly db: Database
  readonly vault: Vault
  readonly facts: () => PlatformFacts
  readonly serverCertificate: () => ServerCertificateInForce | undefined
  readonly firmwarePath: (file: Pick<FirmwareFacts, 'sha256'>) => string
  /** One transaction; what it changed is in force here when this resolves. */
  change<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  /** Writes what was noted, so that a reader sees it. */
  flush(): Promise<void>
}

/** The instance as the routes see it: schemas are zod's. */
export type Api = ReturnType<typeof typedApi>

export function typedApi(app: FastifyInstance) {
  return app.withTypeProvider<ZodTypeProvider>()
}

/** What routes get: the platform, or a 503 when it does not stand yet. */
export type ReadyPlatform = () => ApiPlatform

/** The request whose handler is running: what happens far below can then be counted to it. */
export const currentRequest = new AsyncLocalStorage<FastifyRequest>()
