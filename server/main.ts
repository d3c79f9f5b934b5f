/** Opens the doors on a platform and closes them again. The only place where doors meet. */
import { type Logger, pino } from 'pino'
import type { MacAddress } from '../protocol/identity.ts'
import { type AcsDoors, followWished, listenAcs, openAcs, startWaker } from './acs/mod.ts'
import { listenApi } from './api/mod.ts'
import { type Settings, StartProblem } from './config.ts'
import { lockDataDirectory } from './database/mod.ts'
import { createChallenges, type HttpDoor, listenHttp, listenHttps } from './nps/http/mod.ts'
import { answerTftp, countedTftp } from './nps/mod.ts'
import { listenTftp, type TftpDoor } from './nps/tftp/mod.ts'
import { startJobs } from './jobs/mod.ts'
import { openPlatform, type Platform } from './platform.ts'
import { openServerTls, type ServerTls } from './server-tls.ts'
import {
  expireTasks,
  forgetIdempotency,
  forgetOldSightings,
  forgetOldTasks,
  forgetOldTokens,
  keepEventPartitions,
  keepProblemReports,
  loadChallenges,
  openProblemReportStore,
} from './store/mod.ts'
import { listenSyslog } from './syslog/mod.ts'

export { readSettings, type Settings, type SettingOptions, type SettingProblem, StartProblem } from './config.ts'
export { openPlatform, type Platform } from './platform.ts'

const PARTITIONS_EVERY_MS = 60 * 60_000

/** A running server. Ports are those really listened on. */
export interface Server {
  readonly platform: Platform
  readonly ports: {
    readonly api: number
    readonly http: number
    readonly https: number
    readonly tftp: number
    readonly syslog: number
    readonly acs: number
    readonly acsTls: number
  }
  readonly publicUrl: string
  stop(): Promise<void>
}

export interface ServerOptions {
  readonly settings: Settings
  /** What to say when a second one is started on the same data, e.g. `offhook serve`. */
  readonly what: string
  readonly log?: Logger
  readonly fsync?: boolean
  /** Aborted when the start is no longer wanted: what is open by then is closed again, and starting rejects. */
  readonly wanted?: AbortSignal
}

/** Opens everything or nothing. Throws StartProblem for what a person can put right (ports, keys, a second start). */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { settings } = options
  const log = options.log ?? pino({ level: settings.logLevel, base: null })
  const closers: (() => Promise<void>)[] = []
  async function closeAll(): Promise<void> {
    const failures: unknown[] = []
    // All of them, whatever happens to one: the database and the lock come last.
    for (const close of closers.splice(0).reverse()) await close().catch((error: unknown) => failures.push(error))
    if (failures.length > 0) throw failures[0]
  }
  try {
    const lock = await lockDataDirectory(settings.dataDir, options.what)
    if (!lock.ok) throw new StartProblem(lock.error.message)
    closers.push(() => lock.value.release())
    return await openServer(options, log, closers, closeAll)
  } catch (error) {
    await closeAll()
    throw error
  }
}

async function openServer(
  options: ServerOptions,
  log: Logger,
  closers: (() => Promise<void>)[],
  closeAll: () => Promise<void>,
): Promise<Server> {
  const { settings } = options
  const ready: { platform: Platform | undefined } = { platform: undefined }
  const api = await named('API', 'API', settings.apiPort, () =>
    listenApi({ host: settings.apiHost, port: settings.apiPort, platform: () => ready.platform, log }),
  )
  closers.push(() => api.close())
  const platform = await openPlatform({ ...options, log })
  closers.push(() => platform.close())
  // A phone may ask the moment a door opens; ports that the system chooses are known right after.
  setUrls(platform, settings.httpPort, settings.httpsPort, settings.acsTlsPort)
  const tls = await openServerTls(platform)
  closers.push(() => tls.close())
  const doors = await openDoors(platform, log, tls)
  closers.push(...doors.map((door) => () => door.close()))
  const [tftp, http, https] = doors
  const acs = await openAcsDoors(platform, tls, closers)
  setUrls(platform, http.port, https.port, acs.tlsPort)
  const syslog = await named('syslog', 'SYSLOG', settings.syslogPort, () => listenSyslog(platform))
  closers.push(() => syslog.close())
  // Of all jobs only remote control opens a port.
  const jobs = await named('SIP', 'SIP', settings.sipPort, () => startJobs(platform))
  closers.push(() => jobs.close())
  closers.push(await keepHouse(platform, log))
  // Requests under way end before the database does; closing twice is fine.
  closers.push(() => api.close())
  ready.platform = platform
  return {
    platform,
    ports: {
      api: api.port,
      http: http.port,
      https: https.port,
      tftp: tftp.port,
      syslog: syslog.port,
      acs: acs.port,
      acsTls: acs.tlsPort,
    },
    publicUrl: platform.facts().publicUrl,
    stop: closeAll,
  }
}

/** `localhost` is the default public name: a lab works with nothing configured. */
function setUrls(platform: Platform, httpPort: number, httpsPort: number, acsTlsPort: number): void {
  const https = platform.settings.publicUrl ?? `https://localhost${httpsPort === 443 ? '' : `:${httpsPort}`}`
  const host = new URL(https).hostname
  platform.setPublicUrls({
    https,
    http: `http://${host}${httpPort === 80 ? '' : `:${httpPort}`}`,
    acs: `https://${host}${acsTlsPort === 443 ? '' : `:${acsTlsPort}`}/`,
  })
}

async function openDoors(platform: Platform, log: Logger, tls: ServerTls): Promise<[TftpDoor, HttpDoor, HttpDoor]> {
  const { settings, context, firmwarePath } = platform
  const onError = (error: unknown): void => log.error({ err: error }, 'a request failed')
  const opened: { close(): Promise<void> }[] = []
  try {
    const tftp = await named('TFTP', 'TFTP', settings.tftpPort, () =>
      listenTftp({
        port: settings.tftpPort,
        host: settings.host,
        answer: (request) => countedTftp(() => answerTftp(context, request, firmwarePath)),
      }),
    )
    opened.push(tftp)
    const problemReports = { ...openProblemReportStore(platform), underWay: new Set<MacAddress>() }
    const common = { host: settings.host, context, firmwarePath, onError, problemReports }
    const challenge = createChallenges(() => loadChallenges(platform.db))
    const http = await named('HTTP', 'HTTP', settings.httpPort, () =>
      listenHttp({ ...common, port: settings.httpPort, challenge }),
    )
    opened.push(http)
    const https = await named('HTTPS', 'HTTPS', settings.httpsPort, () =>
      listenHttps({ ...common, port: settings.httpsPort }, tls.current()),
    )
    tls.onChange((changed) => https.renewTls(changed))
    return [tftp, http, https]
  } catch (error) {
    for (const door of opened) await door.close()
    throw error
  }
}

/** The TR-069 doors, with what they hold. */
async function openAcsDoors(platform: Platform, tls: ServerTls, closers: (() => Promise<void>)[]): Promise<AcsDoors> {
  const { settings, secrets, context: serve } = platform
  const { context, store } = await openAcs({
    services: platform,
    profileVersion: (facts) => serve.renderings.own(facts, platform.facts()).version,
    caPem: serve.caPem,
    valueKey: secrets.markerKey,
  })
  closers.push(() => store.close())
  const options = {
    host: settings.host,
    port: settings.acsPort,
    tlsPort: settings.acsTlsPort,
    nonceKey: secrets.nonceKey,
    context,
  }
  const doors = await listenAcs(options, tls.current(), (which, open) =>
    which === 'tls'
      ? named('ACS TLS', 'ACS_TLS', settings.acsTlsPort, open)
      : named('ACS', 'ACS', settings.acsPort, open),
  )
  tls.onChange((changed) => doors.renewTls(changed))
  closers.push(() => doors.close())
  const waker = startWaker({ services: platform, store, isCalling: (mac) => doors.isCalling(mac) })
  closers.push(() => waker.close())
  const following = followWished(context, platform)
  closers.push(() => following.close())
  return doors
}

/** Work that keeps the store in shape. @returns what stops it */
async function keepHouse(platform: Platform, log: Logger): Promise<() => Promise<void>> {
  const { db, settings, now } = platform
  const { folder } = openProblemReportStore(platform)
  async function keep(): Promise<void> {
    await keepEventPartitions(db, settings.eventRetentionDays)
    await forgetOldSightings(db, settings.eventRetentionDays)
    await keepProblemReports(db, folder, { days: settings.problemReportDays, now: now() })
    await forgetIdempotency(db)
    await forgetOldTokens(db)
    await expireTasks(db, now())
    await forgetOldTasks(db)
  }
  await keep()
  const timer = setInterval(() => {
    keep().catch((error: unknown) => log.error({ err: error }, 'old events and problem reports could not be removed'))
  }, PARTITIONS_EVERY_MS)
  timer.unref()
  return () => Promise.resolve(clearInterval(timer))
}

/** Says which door could not be opened, and what to do. */
async function named<T extends { close(): Promise<void> }>(
  name: string,
  prefix: string,
  port: number,
  open: () => Promise<T>,
): Promise<T> {
  try {
    return await open()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const setting = `OFFHOOK_${prefix}_PORT`
    if (code === 'EADDRINUSE') {
      throw new StartProblem(
        `Cannot listen on port ${port} (${name}): another program uses it. Choose another by ${setting}.`,
      )
    }
    if (code === 'EACCES') {
      throw new StartProblem(
        `Cannot listen on port ${port} (${name}): that needs a privilege. Choose another by ${setting}.`,
      )
    }
    throw error
  }
}
