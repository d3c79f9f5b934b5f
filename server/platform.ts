/**
 * The platform without its sockets: database, secrets, trust, index, and the context that serves a fetch. The doors of
 * `main.ts` stand on it, and so does the simulated world.
 */
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { assert, type Millis } from '../protocol/result.ts'
import { type Settings, StartProblem } from './config.ts'
import {
  createBatch,
  type Database,
  keyCheck,
  loadMasterKey,
  type KeptPostgres,
  type MasterKey,
  migrate,
  openDatabase,
  keepPostgres,
  verifyKeyCheck,
} from './database/mod.ts'
import type { Observation, Sighting } from './devices/mod.ts'
import type { Fetch, FetchAnswer, FirmwareFacts, Route } from './fetch/mod.ts'
import {
  answerFetch,
  createRenderings,
  createSourceLimits,
  createWrongTokens,
  type FetchStore,
  type ServeContext,
} from './nps/mod.ts'
import { createSignals, metrics } from './metrics/mod.ts'
import { packageRoot } from './package-root.ts'
import type { ServerCertificateInForce } from './pki/mod.ts'
import type { PlatformFacts } from './profiles/mod.ts'
import { answerRc } from './rc/mod.ts'
import type { Services } from './services.ts'
import {
  type Change,
  CHANGE_CHANNEL,
  checkMasterKey,
  createVault,
  decideAndCommit,
  type Directory,
  ensureLabCa,
  ensurePlatformSecrets,
  type EventRecord,
  openDirectory,
  type PlatformSecrets,
  recordEvents,
  readChange,
  recordObservations,
  recordServedProfiles,
  recordSightings,
  type ServedProfile,
  type Sql,
  type Vault,
} from './store/mod.ts'

/** At most this many rows or milliseconds are gathered before observations are written. */
const BATCH = { maxRows: 500, maxWaitMs: 100, queueMax: 50_000 } as const

/** Whole profiles wait here, so fewer of them; one that is dropped is missing in a comparison and nowhere else. */
const SERVED_BATCH = { maxRows: 100, maxWaitMs: 100, queueMax: 2000 } as const

/** Where phones reach the doors. */
export interface PublicUrls {
  readonly https: string
  readonly http: string
  /** The ACS over TLS; absent while no such door is open. */
  readonly acs?: string
}

export interface Platform extends Services {
  readonly secrets: PlatformSecrets
  readonly context: ServeContext
  readonly firmwarePath: (file: Pick<FirmwareFacts, 'sha256'>) => string
  /** Known once the HTTPS and HTTP doors listen. */
  setPublicUrls(urls: PublicUrls): void
  /** What the HTTPS door shows from now on; profiles name our CA only while it signs. */
  setServerCertificate(certificate: ServerCertificateInForce): void
  close(): Promise<void>
}

export interface PlatformOptions {
  readonly settings: Settings
  readonly log: Logger
  readonly now?: () => Millis
  /** Off only where nothing must survive: tests. */
  readonly fsync?: boolean
  /** Aborted when the start is no longer wanted: what is open by then is closed again, and opening rejects. */
  readonly wanted?: AbortSignal
}

/** Opens database and index. Throws StartProblem for what a person can put right. */
export async function openPlatform(options: PlatformOptions): Promise<Platform> {
  const { settings, log } = options
  const now = options.now ?? Date.now
  const { masterKey, madeFile } = await masterKeyOf(settings, log)
  const postgres = await openPostgres(options)
  const ending: Ending = { begun: false }
  let db: Database | undefined
  try {
    options.wanted?.throwIfAborted()
    db = await connect(settings, postgres, log, ending)
    await migrateDatabase(db)
    options.wanted?.throwIfAborted()
    const vault = createVault(masterKey)
    await refuseWrongKey(db, masterKey, madeFile)
    const secrets = await ensurePlatformSecrets(db, vault, now())
    await ensureLabCa(db, vault, now())
    const directory = await openDirectory(db, vault, now)
    return assemble({ options, now, postgres, db, vault, secrets, directory, ending })
  } catch (error) {
    ending.begun = true
    await db?.close()
    await postgres?.stop()
    throw error
  }
}

interface FoundKey {
  readonly masterKey: MasterKey
  /** Where it was made just now; undefined: it was there. */
  readonly madeFile: string | undefined
}

async function masterKeyOf(settings: Settings, log: Logger): Promise<FoundKey> {
  refuseLostKey(settings)
  const own = join(settings.dataDir, 'master.key')
  const makes = settings.masterKey === undefined && settings.masterKeyFile === undefined && !existsSync(own)
  const key = await loadMasterKey({
    dataDir: settings.dataDir,
    ...(settings.masterKey === undefined ? {} : { value: settings.masterKey }),
    ...(settings.masterKeyFile === undefined ? {} : { file: settings.masterKeyFile }),
  })
  if (!key.ok) throw new StartProblem(key.error.message)
  warnOfOpenKey(settings, log)
  return { masterKey: key.value, madeFile: makes ? own : undefined }
}

/** Our own file is closed at each start; one that was given is left as it is. */
function warnOfOpenKey({ masterKey, masterKeyFile }: Settings, log: Logger): void {
  if (masterKey !== undefined || masterKeyFile === undefined) return
  const mode = statSync(masterKeyFile).mode & 0o777
  if ((mode & 0o077) === 0) return
  log.warn(
    { event: 'master-key-open', mode: mode.toString(8).padStart(4, '0') },
    `Others may read the master key "${masterKeyFile}": it should be its owner's alone (chmod 600)`,
  )
}

/** What a person should know although it mends itself. */
const LOUD: readonly string[] = ['database-ended', 'database-not-back']

/** A new key over an old database would open nothing: better none than a wrong one. */
function refuseLostKey({ dataDir, masterKey, masterKeyFile }: Settings): void {
  if (masterKey !== undefined || masterKeyFile !== undefined) return
  const file = join(dataDir, 'master.key')
  if (existsSync(file) || !existsSync(join(dataDir, 'postgres.json'))) return
  throw new StartProblem(
    `The master key "${file}" is missing, but there is a database that was sealed with it. Put the file back from where you keep it.`,
  )
}

async function openPostgres(options: PlatformOptions): Promise<KeptPostgres | undefined> {
  if (options.settings.databaseUrl !== undefined) return undefined
  try {
    return await keepPostgres({
      dataDir: options.settings.dataDir,
      log: (event, fields) => options.log[LOUD.includes(event) ? 'warn' : 'debug'](fields, event),
      ...(options.fsync === undefined ? {} : { fsync: options.fsync }),
    })
  } catch (error) {
    // No programs, no room, a folder of somebody else: the message is for people.
    throw new StartProblem(reasonOf(error), { cause: error })
  }
}

/** Connections that end because we stop are nothing to warn of. */
interface Ending {
  begun: boolean
}

async function connect(
  settings: Settings,
  postgres: KeptPostgres | undefined,
  log: Logger,
  ending: Ending,
): Promise<Database> {
  const { databaseUrl } = settings
  const connection = postgres?.connection
  try {
    return await openDatabase({
      ...(databaseUrl === undefined ? {} : { url: databaseUrl }),
      ...(databaseUrl !== undefined || connection === undefined ? {} : { connection }),
      log: (event, fields) => (ending.begun ? log.debug(fields, event) : log.warn(fields, event)),
    })
  } catch (error) {
    if (databaseUrl === undefined) throw error
    // The URL may hold a password, so it is not repeated.
    throw new StartProblem(
      `Cannot use the database of DATABASE_URL: ${reasonOf(error)}. Is PostgreSQL 15 or newer there?`,
    )
  }
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return error instanceof Error && error.message !== '' ? error.message : (code ?? 'no answer')
}

async function migrateDatabase(db: Database): Promise<void> {
  try {
    await migrate(db, new URL('server/store/migrations/', packageRoot()))
  } catch (error) {
    // A newer or changed schema, tables of somebody else, no room: the message is for people.
    throw new StartProblem(reasonOf(error), { cause: error })
  }
}

async function refuseWrongKey(db: Database, key: MasterKey, madeFile: string | undefined): Promise<void> {
  const right = await checkMasterKey(db, { make: keyCheck(key), verify: (stored) => verifyKeyCheck(key, stored) })
  if (!right) {
    // A key that opens nothing would only stand in the way of the right one.
    if (madeFile !== undefined) rmSync(madeFile, { force: true })
    throw new StartProblem(
      'The master key is not the one that this database was sealed with. Give the right one by OFFHOOK_MASTER_KEY or OFFHOOK_MASTER_KEY_FILE. If a change of the key was cut short, run "offhook key rotate" again.',
    )
  }
}

interface Parts {
  readonly options: PlatformOptions
  readonly now: () => Millis
  readonly postgres: KeptPostgres | undefined
  readonly db: Database
  readonly vault: Vault
  readonly secrets: PlatformSecrets
  readonly directory: Directory
  readonly ending: Ending
}

function assemble(parts: Parts): Platform {
  const { options, db, vault, secrets, directory, postgres } = parts
  const { settings, log } = options
  const platformFacts = publicFacts(settings, secrets)
  const notes = openNotes(db, vault, log)
  const firmwareDir = join(settings.dataDir, 'firmware')
  mkdirSync(firmwareDir, { recursive: true, mode: 0o700 })
  const signals = createSignals()
  const context: ServeContext = {
    store: fetchStore(parts, notes),
    decide,
    platform: platformFacts.get,
    caPem: () => platformFacts.certificate()?.caPem ?? secrets.serverCa.certPem,
    renderings: createRenderings(),
    wrongTokens: createWrongTokens(),
    limits: createSourceLimits(),
    signals,
    nonceKey: secrets.nonceKey,
    now: parts.now,
    ...(log.isLevelEnabled('debug') ? { access: (line) => log.debug(line, 'fetch') } : {}),
  }
  return {
    settings,
    log,
    db,
    vault,
    directory,
    secrets,
    context,
    firmwarePath: ({ sha256 }) => join(firmwareDir, sha256),
    facts: platformFacts.get,
    signals,
    now: parts.now,
    setPublicUrls: platformFacts.set,
    setServerCertificate: platformFacts.setCertificate,
    serverCertificate: platformFacts.certificate,
    change: (work) => changeAndApply(db, directory, work),
    note: (events) => notes.add(events, []),
    flush: () => notes.flush(),
    async close() {
      parts.ending.begun = true
      try {
        await notes.close()
        await directory.close()
        await db.close()
      } finally {
        await postgres?.stop()
      }
    },
  }
}

async function changeAndApply<T>(db: Database, directory: Directory, work: (sql: Sql) => Promise<T>): Promise<T> {
  const changes: Change[] = []
  const result = await db.transaction((tx) => {
    changes.length = 0
    return work({
      one: (statement) => tx.one(statement),
      query: (statement) => tx.query(statement),
      run: (statement) => tx.run(statement),
      async notify(channel, payload) {
        if (channel === CHANGE_CHANNEL) changes.push(readChange(payload))
        await tx.notify(channel, payload)
      },
    })
  })
  for (const change of changes) directory.apply(change)
  return result
}

/** The one place that knows both doors' decisions. */
export function decide(route: Route, fetch: Fetch): FetchAnswer {
  return route.kind === 'rc' || route.kind === 'rc-malformed' ? answerRc(route, fetch) : answerFetch(route, fetch)
}

/** One value that changes only when the public URLs become known or the CA changes: renderings compare it by identity. */
function publicFacts(settings: Settings, secrets: PlatformSecrets) {
  let facts: PlatformFacts | undefined
  let certificate: ServerCertificateInForce | undefined
  function hasCa(): boolean {
    return certificate === undefined ? settings.tlsCertFile === undefined : certificate.caPem !== undefined
  }
  function set(urls: PublicUrls): void {
    const publicHttpUrl = settings.publicHttpUrl ?? urls.http
    facts = {
      publicUrl: settings.publicUrl ?? urls.https,
      publicHttpUrl,
      acsUrl: urls.acs,
      ntpServer: settings.ntpServer,
      customCaUrl: hasCa() ? `${publicHttpUrl}/ca.pem` : undefined,
      markerKey: secrets.markerKey,
      resyncPeriodSeconds: settings.resyncPeriodSeconds,
    }
  }
  function setCertificate(changed: ServerCertificateInForce): void {
    const before = certificate
    certificate = changed
    if (facts !== undefined && before?.caPem !== changed.caPem)
      set({
        https: facts.publicUrl,
        http: facts.publicHttpUrl,
        ...(facts.acsUrl === undefined ? {} : { acs: facts.acsUrl }),
      })
  }
  function get(): PlatformFacts {
    assert(facts !== undefined, 'the public URLs are set before anything is served')
    return facts
  }
  return { get, set, setCertificate, certificate: () => certificate }
}

interface Notes {
  add(events: readonly EventRecord[], observations: readonly Observation[], served?: ServedProfile): void
  sighted(sighting: Sighting): void
  flush(): Promise<void>
  close(): Promise<void>
}

function openNotes(db: Database, vault: Vault, log: Logger): Notes {
  const onError = (error: unknown): void => log.error({ err: error }, 'observations could not be written')
  const events = createBatch<EventRecord>({ ...BATCH, flush: (rows) => recordEvents(db, rows), onError })
  const seen = createBatch<Observation>({ ...BATCH, flush: (rows) => recordObservations(db, rows), onError })
  const sightings = createBatch<Sighting>({ ...BATCH, flush: (rows) => recordSightings(db, rows), onError })
  const versions = createBatch<ServedProfile>({
    ...SERVED_BATCH,
    flush: (rows) => recordServedProfiles(db, vault, rows),
    onError,
  })
  const forget = metrics.addGauge('offhook_batch_waiting_rows', 'Observations not yet written', {}, () =>
    [events, seen, sightings, versions].reduce((sum, batch) => sum + batch.waitingCount, 0),
  )
  return {
    add(newEvents, observations, served) {
      for (const event of newEvents) events.add(event)
      for (const observation of observations) seen.add(observation)
      if (served !== undefined) versions.add(served)
    },
    sighted: (sighting) => sightings.add(sighting),
    async flush() {
      await Promise.all([events.flush(), seen.flush(), sightings.flush(), versions.flush()])
    },
    async close() {
      forget()
      await Promise.all([events.close(), seen.close(), sightings.close(), versions.close()])
    },
  }
}

/** Devices whose last noted version is remembered. */
const NOTED_MAX = 20_000

/** The database learns of a running version in batches: until then each request would say it again. */
function onceForEachVersion(): (event: Pick<EventRecord, 'name' | 'mac' | 'data'>) => boolean {
  const noted = new Map<string, unknown>()
  return ({ name, mac, data }) => {
    if (name !== 'profile.running' || mac === undefined) return true
    if (noted.get(mac) === data['version']) return false
    if (noted.size >= NOTED_MAX) noted.clear()
    noted.set(mac, data['version'])
    return true
  }
}

function fetchStore(parts: Parts, notes: Notes): FetchStore {
  const isNews = onceForEachVersion()
  const { directory, db, vault } = parts
  return {
    device: (mac) => directory.device(mac),
    knows: (mac) => directory.knows(mac),
    macOfPath: (path) => directory.macOfPath(path),
    code: (token) => directory.code(token),
    customer: (customerId) => directory.customer(customerId),
    firmware: (name) => directory.firmware(name),
    async decideAndCommit(keys, decision) {
      const settled = await decideAndCommit(db, vault, keys, decision)
      // The phone's next request may be here before the database's word of this one.
      const path = settled.device?.device.profilePath
      directory.apply({ kind: 'device', mac: keys.mac, ...(path === undefined ? {} : { path }) })
      return settled
    },
    note(events, observations, served) {
      const at = parts.now()
      notes.add(
        events.filter(isNews).map((event) => ({ ...event, at })),
        observations,
        served,
      )
    },
    sighted: (sighting) => notes.sighted(sighting),
  }
}
