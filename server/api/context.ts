/** What the API needs of the platform; `server/platform.ts` has it all. */
import type { Settings } from '../config.ts'
import type { FirmwareFacts } from '../fetch/mod.ts'
import type { PlatformFacts } from '../profiles/mod.ts'
import type { Database, Vault } from '../store/mod.ts'

export interface ApiPlatform {
  readonly settings: Pick<Settings, 'lab'>
  readonly db: Database
  readonly vault: Vault
  readonly facts: () => PlatformFacts
  readonly firmwarePath: (file: Pick<FirmwareFacts, 'sha256'>) => string
  /** Writes what was noted, so that a reader sees it. */
  flush(): Promise<void>
}
