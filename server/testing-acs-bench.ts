/** A whole server for tests of its ACS: bound devices, doors with limits of their own, and raw connections. */
import { X509Certificate } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { type Logger, pino } from 'pino'
import { afterAll } from 'vitest'
import { CWMP_NAMESPACE, writeCwmp } from '../protocol/cwmp/mod.ts'
import { digestAuthorization, parseAuthChallenges } from '../protocol/http/mod.ts'
import type { MacAddress } from '../protocol/identity.ts'
import { assert, type Millis } from '../protocol/result.ts'
import { type AcsDoors, type DoorLimits, DOOR_LIMITS, listenAcs, openAcs, SESSION_LIMITS } from './acs/mod.ts'
import type { SessionLimits } from './acs/mod.ts'
import { createTestDatabase } from './database/testing.ts'
import { acsCredentials } from './devices/mod.ts'
import { type Server, startServer } from './main.ts'
import { type CertificatePair, issueDeviceCertificate } from './pki/mod.ts'
import { openServerTls } from './server-tls.ts'
import { ensureLabCa } from './store/mod.ts'
import { AcsDevice } from './testing-acs.ts'
import { init, providerOn, type TestProvider } from './testing-provider.ts'
import { bodyOfPem, certifiedFetch, freshMac, plant, plantSecretsOf, PN, serialFor, testSettings } from './testing.ts'

/** The tree of the devices here, enough to be learned. */
const TREE = {
  'Device.DeviceInfo.SoftwareVersion': 'sip88xx.12-0-7',
  'Device.DeviceInfo.HardwareVersion': '1.0',
  'Device.ManagementServer.PeriodicInformEnable': '1',
  'Device.ManagementServer.PeriodicInformInterval': '20',
  'Device.ManagementServer.ConnectionRequestURL': 'http://127.0.0.1:9/x',
}

export interface Credentials {
  readonly username: string
  readonly password: string
}

/** A bound device in all that it may prove itself with. */
export interface BoundDevice {
  readonly mac: MacAddress
  readonly pair: CertificatePair
  readonly credentials: Credentials
}

export interface DoorsOptions {
  readonly session?: Partial<SessionLimits>
  readonly door?: Partial<DoorLimits>
  readonly now?: () => Millis
}

export interface AcsBench {
  readonly server: Server
  /** Of doors on the platform of the server that send nobody away because the machine has other work. */
  readonly ports: Pick<AcsDoors, 'port' | 'tlsPort'>
  readonly provider: TestProvider
  /** PEM of whom devices trust. */
  readonly ca: string
  /** What the server has logged as errors so far. */
  readonly errors: string[]
  bound(): Promise<BoundDevice>
  /** By certificate, at the given doors. */
  certified(device: BoundDevice, doors?: Pick<AcsDoors, 'tlsPort'>): AcsDevice
  /** By password in clear. */
  credentialed(device: BoundDevice, doors?: Pick<AcsDoors, 'port'>): AcsDevice
  /** One more pair of doors on the same platform. */
  doors(options?: DoorsOptions): Promise<AcsDoors>
}

/** To be called once, at the top of a test file; everything is closed when its tests are over. */
export async function openAcsBench(): Promise<AcsBench> {
  const database = await createTestDatabase()
  const errors: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) })
  const server = await startServer({ settings: testSettings(database.url, { lab: true }), what: 'a test', log })
  const { platform } = server
  const provider = providerOn(platform)
  const lab = await ensureLabCa(platform.db, platform.vault, Date.now())
  plant(bodyOfPem(lab.keyPem))
  const ca = platform.secrets.serverCa.certPem
  const closers: (() => Promise<void>)[] = []
  const devices: AcsDevice[] = []
  afterAll(async () => {
    for (const device of devices) device.close()
    await plantSecretsOf(platform)
    for (const close of closers.reverse()) await close()
    await server.stop()
    await database.drop()
  })
  const steady = await openDoors(server, log, {})
  closers.push(...steady.closers)
  function deviceAt(
    mac: MacAddress,
    how: Pick<ConstructorParameters<typeof AcsDevice>[0], 'port' | 'tls' | 'credentials'>,
  ) {
    const about = { oui: mac.slice(0, 6).toUpperCase(), productClass: PN, serial: serialFor(mac), values: TREE }
    const device = new AcsDevice({ ...about, ...how })
    devices.push(device)
    return device
  }
  return {
    server,
    ports: steady.doors,
    provider,
    ca,
    errors,
    bound: () => bind(server, provider, lab),
    certified: ({ mac, pair }, doors) =>
      deviceAt(mac, { port: doors?.tlsPort ?? steady.doors.tlsPort, tls: { ca, pair } }),
    credentialed: ({ mac, credentials }, doors) =>
      deviceAt(mac, { port: doors?.port ?? steady.doors.port, credentials }),
    async doors(options = {}) {
      const opened = await openDoors(server, log, options)
      closers.push(...opened.closers)
      return opened.doors
    },
  }
}

type Lab = Awaited<ReturnType<typeof ensureLabCa>>

async function bind({ platform }: Server, provider: TestProvider, lab: Lab): Promise<BoundDevice> {
  const mac = freshMac()
  const { id } = await provider.accountWith()
  const code = await provider.codeOf(id)
  const caFingerprint = new X509Certificate(lab.certPem).fingerprint256.replaceAll(':', '').toLowerCase()
  await certifiedFetch(platform, init(code), mac, { caFingerprint })
  await plantSecretsOf(platform)
  const facts = await platform.directory.device(mac)
  const credentials = facts === undefined ? undefined : acsCredentials(facts)
  assert(credentials !== undefined, 'a bound device has credentials')
  plant(credentials.password)
  const pair = await issueDeviceCertificate(lab, { mac, serial: serialFor(mac), productName: PN }, Date.now())
  plant(bodyOfPem(pair.keyPem))
  return { mac, pair, credentials }
}

async function openDoors(server: Server, log: Logger, { session, door, now }: DoorsOptions) {
  const { platform } = server
  const serve = platform.context
  const tls = await openServerTls(platform)
  const { context, store } = await openAcs({
    services: { ...platform, log, ...(now === undefined ? {} : { now }) },
    profileVersion: (facts) => serve.renderings.own(facts, platform.facts()).version,
    caPem: serve.caPem,
    valueKey: platform.secrets.markerKey,
    limits: { ...SESSION_LIMITS, ...session },
  })
  const { nonceKey } = platform.secrets
  const limits = { ...DOOR_LIMITS, lateMs: 600_000, ...door }
  const at = { host: '127.0.0.1', port: 0, tlsPort: 0, nonceKey, context, limits }
  const doors = await listenAcs(at, tls.current(), (_which, open) => open())
  return { doors, closers: [() => tls.close(), () => store.close(), () => doors.close()] }
}

/** The text of a device's Inform, and that of its tree. */
export function informText(device: AcsDevice, events: readonly string[] = ['1 BOOT']): string {
  return writeCwmp({ id: '1', namespace: CWMP_NAMESPACE, headers: {}, body: device.informOf(events) })
}

/** The head of a POST, with an empty line. */
export function head(headers: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries({ Host: 'acs', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST / HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** A whole POST. */
export function post(body: string | Buffer, headers: Readonly<Record<string, string | number>> = {}): Buffer {
  return Buffer.concat([
    Buffer.from(head({ 'Content-Length': Buffer.byteLength(body), ...headers })),
    Buffer.from(body),
  ])
}

/** The header that answers a challenge. */
export function proofOf(challenge: string, { username, password }: Credentials, nonceCount = 1): string {
  const found = parseAuthChallenges(challenge).find(({ scheme }) => scheme === 'digest')
  assert(found?.scheme === 'digest', `"${challenge}" asks for Digest`)
  return digestAuthorization(found.challenge, { username, password, method: 'POST', uri: '/', cnonce: 'c', nonceCount })
}

export interface RawAnswer {
  readonly status: number
  /** As they came, a line each. */
  readonly head: string
  readonly body: string
}

/** One connection, byte by byte. */
export class RawConnection {
  readonly socket: Socket
  /** Resolves when the other side has closed it, however. */
  readonly closed: Promise<void>
  #text = ''
  #wake: () => void = () => undefined
  #isClosed = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (piece) => {
      this.#text += piece.toString('latin1')
      this.#wake()
    })
    socket.on('error', () => undefined)
    this.closed = new Promise((known) =>
      socket.once('close', () => {
        this.#isClosed = true
        this.#wake()
        known()
      }),
    )
  }

  static plain(port: number): Promise<RawConnection> {
    return new Promise((known, failed) => {
      const socket = connect(port, '127.0.0.1', () => known(new RawConnection(socket)))
      socket.once('error', failed)
    })
  }

  static tls(port: number, ca: string, pair?: CertificatePair): Promise<RawConnection> {
    const proof = pair === undefined ? {} : { key: pair.keyPem, cert: pair.certPem }
    return new Promise((known, failed) => {
      const at = { port, host: '127.0.0.1', ca, servername: 'localhost', ...proof }
      const socket = tlsConnect(at, () => known(new RawConnection(socket)))
      socket.once('error', failed)
    })
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes)
  }

  /** Resolves when it may be written to again, or is closed. */
  async writeSlowly(bytes: Buffer): Promise<boolean> {
    if (this.#isClosed || this.socket.write(bytes)) return !this.#isClosed
    await Promise.race([new Promise((ready) => this.socket.once('drain', ready)), this.closed])
    return !this.#isClosed
  }

  /** The next answer; undefined: it was closed before. */
  async answer(): Promise<RawAnswer | undefined> {
    for (;;) {
      const found = this.#next()
      if (found !== undefined) return found
      if (this.#isClosed) return undefined
      await new Promise<void>((known) => (this.#wake = known))
    }
  }

  #next(): RawAnswer | undefined {
    const end = this.#text.indexOf('\r\n\r\n')
    if (end === -1) return undefined
    const lines = this.#text.slice(0, end)
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(lines)?.[1] ?? 0)
    if (this.#text.length < end + 4 + length) return undefined
    const body = this.#text.slice(end + 4, end + 4 + length)
    this.#text = this.#text.slice(end + 4 + length)
    return { status: Number(lines.slice(9, 12)), head: lines, body }
  }

  close(): void {
    this.socket.destroy()
  }
}
