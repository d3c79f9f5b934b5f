/** Opens the doors on a platform and closes them again. The only place where doors meet. */
import { readFileSync } from 'node:fs'
import type { TLSSocket } from 'node:tls'
import { type Logger, pino } from 'pino'
import { type ApiDoor, listenApi } from './api/mod.ts'
import type { Settings } from './config.ts'
import { lockDataDirectory } from './database/mod.ts'
import type { ProvenCertificate } from './fetch/mod.ts'
import { createChainProver, type HttpDoor, listenHttp, listenHttps, type TlsSettings } from './nps/http/mod.ts'
import { answerTftp } from './nps/mod.ts'
import { listenTftp, type TftpDoor } from './nps/tftp/mod.ts'
import { casInForce, type CertificatePair, issueServerCertificate, type TrustAnchors, trustAnchors } from './pki/mod.ts'
import { startJobs } from './jobs/mod.ts'
import { openPlatform, type Platform, StartProblem } from './platform.ts'
import { keepEventPartitions, loadDeviceCas } from './store/mod.ts'
import { listenSyslog, type SyslogDoor } from './syslog/mod.ts'

export { readSettings, type Settings, type SettingOptions, type SettingProblem } from './config.ts'
export { openPlatform, type Platform, StartProblem } from './platform.ts'

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
  setUrls(platform, settings.httpPort, settings.httpsPort)
  const doors = await openDoors(platform, log)
  closers.push(...doors.map((door) => () => door.close()))
  const [tftp, http, https] = doors
  setUrls(platform, http.port, https.port)
  const syslog = await named('syslog', 'SYSLOG', settings.syslogPort, () => listenSyslog(platform))
  closers.push(() => syslog.close())
  const jobs = await startJobs(platform)
  closers.push(() => jobs.close())
  closers.push(await keepHouse(platform, log))
  // Requests under way end before the database does; closing twice is fine.
  closers.push(() => api.close())
  ready.platform = platform
  return {
    platform,
    ports: { api: api.port, http: http.port, https: https.port, tftp: tftp.port, syslog: syslog.port },
    publicUrl: platform.facts().publicUrl,
    stop: closeAll,
  }
}

/** `localhost` is the default public name: a lab works with nothing configured. */
function setUrls(platform: Platform, httpPort: number, httpsPort: number): void {
  const https = platform.settings.publicUrl ?? `https://localhost${httpsPort === 443 ? '' : `:${httpsPort}`}`
  const host = new URL(https).hostname
  platform.setPublicUrls({ https, http: `http://${host}${httpPort === 80 ? '' : `:${httpPort}`}` })
}

async function openDoors(platform: Platform, log: Logger): Promise<[TftpDoor, HttpDoor, HttpDoor]> {
  const { settings, context, firmwarePath } = platform
  const onError = (error: unknown): void => log.error({ err: error }, 'a request failed')
  const tls = await openTls(platform)
  const opened: { close(): Promise<void> }[] = []
  try {
    const tftp = await named('TFTP', 'TFTP', settings.tftpPort, () =>
      listenTftp({
        port: settings.tftpPort,
        host: settings.host,
        answer: (request) => answerTftp(context, request, firmwarePath),
      }),
    )
    opened.push(tftp)
    const common = { host: settings.host, context, firmwarePath, onError }
    const http = await named('HTTP', 'HTTP', settings.httpPort, () =>
      listenHttp({ ...common, port: settings.httpPort }),
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

interface TlsSource {
  current(): TlsSettings
  onChange(handler: (tls: TlsSettings) => void): void
}

/** The server's certificate and the device CAs in force, followed as they change. */
async function openTls(platform: Platform): Promise<TlsSource> {
  const { settings, db, directory, log } = platform
  const pair = await serverCertificate(platform)
  let anchors = trustAnchors(casInForce(await loadDeviceCas(db), settings.lab))
  const handlers: ((tls: TlsSettings) => void)[] = []
  const proofs = rememberedProofs(() => anchors)
  function current(): TlsSettings {
    return { certPem: pair.certPem, keyPem: pair.keyPem, caPems: anchors.cas.map((ca) => ca.pem), prove: proofs }
  }
  async function reload(): Promise<void> {
    anchors = trustAnchors(casInForce(await loadDeviceCas(db), settings.lab))
    for (const handler of handlers) handler(current())
  }
  directory.onChange((change) => {
    if (change.kind !== 'trust' && change.kind !== 'many') return
    reload().catch((error: unknown) => log.error({ err: error }, 'device CAs could not be read'))
  })
  return { current, onChange: (handler) => handlers.push(handler) }
}

async function serverCertificate(platform: Platform): Promise<CertificatePair> {
  const { settings, secrets } = platform
  if (settings.tlsCertFile !== undefined && settings.tlsKeyFile !== undefined) {
    try {
      return { certPem: readFileSync(settings.tlsCertFile, 'utf8'), keyPem: readFileSync(settings.tlsKeyFile, 'utf8') }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new StartProblem(
        `Cannot read the server certificate or its key: ${reason}. Correct OFFHOOK_TLS_CERT and OFFHOOK_TLS_KEY.`,
      )
    }
  }
  const publicHost = settings.publicUrl === undefined ? [] : [new URL(settings.publicUrl).hostname]
  const hosts = [...new Set(['localhost', '127.0.0.1', '::1', ...publicHost])]
  return issueServerCertificate(secrets.serverCa, hosts, Date.now())
}

/** A socket is proved once for each set of CAs, not for each request. */
function rememberedProofs(anchors: () => TrustAnchors): (socket: TLSSocket) => ProvenCertificate | undefined {
  const proveSocket = createChainProver()
  const known = new WeakMap<TLSSocket, { anchors: TrustAnchors; proven: ProvenCertificate | undefined }>()
  return (socket) => {
    const entry = known.get(socket)
    const now = anchors()
    if (entry !== undefined && entry.anchors === now) return entry.proven
    const proven = proveSocket(socket, (chain) => now.prove(chain, Date.now()))
    known.set(socket, { anchors: now, proven })
    return proven
  }
}

/** Work that keeps the store in shape. @returns what stops it */
async function keepHouse(platform: Platform, log: Logger): Promise<() => Promise<void>> {
  const { db, settings } = platform
  await keepEventPartitions(db, settings.eventRetentionDays)
  const timer = setInterval(() => {
    keepEventPartitions(db, settings.eventRetentionDays).catch((error: unknown) =>
      log.error({ err: error }, 'event partitions could not be kept'),
    )
  }, PARTITIONS_EVERY_MS)
  timer.unref()
  return () => Promise.resolve(clearInterval(timer))
}

/** Says which door could not be opened, and what to do. */
async function named<T extends HttpDoor | TftpDoor | ApiDoor | SyslogDoor>(
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
