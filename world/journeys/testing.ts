/**
 * A provider for journeys on real sockets: the whole server on its database, a real Kamailio as the registrar, and
 * phones with real sockets. What the provider does it does by the API, as an operator's scripts would.
 */
import { createHash, randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, afterEach } from 'vitest'
import type { Hardware } from '../../phone/agent/mod.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import { printLoads } from '../../protocol/firmware/mod.ts'
import { createTestDatabase } from '../../server/database/testing.ts'
import { type Server, type Settings, startServer } from '../../server/main.ts'
import { issueDeviceCertificate } from '../../server/pki/mod.ts'
import { createToken, ensureLabCa } from '../../server/store/mod.ts'
import { bodyOfPem, freshMac, plant, plantSecretsOf, PN, serialFor, testSettings } from '../../server/testing.ts'
import { eventually } from '../life/testing.ts'
import { type Kamailio, type SipBinding, startKamailio } from '../parties/kamailio.ts'
import { type BenchPhone, type BenchPhoneOptions, runBenchPhone } from './testing-phone.ts'

export { eventually } from '../life/testing.ts'
export { type BenchPhone, type BenchPhoneOptions, leaseOf } from './testing-phone.ts'

export const HOST = '127.0.0.1'
/** Of the phones of these tests. */
export const MODEL = PN
/** The load that they leave the factory with, and the one that the provider wants. */
export const FACTORY_LOAD = 'sip88xx.12-0-2MPP0001-116'
export const NEW_LOAD = 'sip88xx.12-0-7MPP0201-66'

export interface Account {
  readonly id: string
  readonly customerId: string
  readonly lines: readonly { readonly id: string; readonly userId: string }[]
}

export interface AccountOptions {
  readonly transport?: 'UDP' | 'TCP'
  readonly settings?: Readonly<Record<string, unknown>>
  /** Of its line, when the registrar is to know another. */
  readonly wrongPassword?: boolean
}

/** What the API says of a device, as far as journeys look at it. */
export interface DeviceJson {
  readonly state: 'known' | 'held' | 'bound' | 'released' | 'disabled'
  readonly accountId: string | null
  readonly heldAccountId: string | null
  readonly versions: { readonly wanted: string | null; readonly served: string | null; readonly running: string | null }
  readonly keys: { readonly issued: number; readonly confirmed: number }
  readonly seen: {
    readonly firmware: string | null
    readonly cause: string | null
    readonly registrationSeconds: number | null
  }
}

export interface EventJson {
  readonly at: string
  readonly name: string
  readonly text: string
  readonly trust: string
  readonly data: Readonly<Record<string, unknown>>
}

export type Transport = 'tftp' | 'http' | 'https'

/** The label on the box, as a provider types it. */
export interface Label {
  readonly mac: MacAddress
  readonly serial: string
  readonly model: string
}

/** A phone before anybody has opened it. PEM texts; `caPem` is whom it trusts. */
export interface Box extends Label {
  readonly certPem: string
  readonly keyPem: string
  readonly caPem: string
}

export interface Bench {
  readonly server: Server
  readonly registrar: Kamailio
  /** Throws with the platform's own words when it refuses. */
  api<T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T>
  /** The bytes of a file that the API gives. */
  download(path: string): Promise<Buffer>
  /** DELETE. */
  remove(path: string): Promise<void>
  /** With one line, which the registrar knows. */
  account(options?: AccountOptions): Promise<Account>
  /** A one-time code, good for one phone. */
  code(account: Account): Promise<string>
  /** Enters a phone into the books. */
  register(label: Label, account?: Account): Promise<DeviceJson>
  device(mac: MacAddress): Promise<DeviceJson>
  /** Names of its timeline, oldest first; one that comes again and again stands where it came first. */
  story(mac: MacAddress): Promise<readonly string[]>
  events(mac: MacAddress): Promise<readonly EventJson[]>
  /** Stores the new load with its parts, and has all phones of the model fetch it from there. */
  release(from: Transport): Promise<void>
  /** The phones of the model keep the load that they have. */
  withdraw(): Promise<void>
  /** A phone's label and lab certificate, for who is to play its part. */
  box(): Promise<Box>
  /** Sealed, with a lab certificate; switched off after the test. */
  phone(options?: BenchPhoneOptions): Promise<BenchPhone>
  /** Resolves when the registrar has the phone's binding, and the phone says so too. */
  registered(phone: BenchPhone, account: Account): Promise<void>
  /** Its lines at the registrar. */
  bindingsOf(account: Account): Promise<readonly SipBinding[]>
  /** Resolves when the phone says that it runs what is wanted. */
  upToDate(mac: MacAddress): Promise<DeviceJson>
}

/** The look back of a phone that was just bound (`Resync_Periodic` begins with 60+60). */
export const LOOK_BACK_S = 120

const A_DAY_S = 86_400

/** To be called once, at the top of a test file; everything is closed when its tests are over. */
export async function openBench(more: Partial<Settings> = {}): Promise<Bench> {
  const database = await createTestDatabase()
  const settings = testSettings(database.url, more)
  const server = await startServer({ settings, what: 'a test', log: pino({ level: 'silent' }) })
  const registrar = await startKamailio()
  const phones: BenchPhone[] = []
  afterEach(async () => {
    await plantSecretsOf(server.platform)
    await Promise.all(phones.splice(0).map((phone) => phone.putAway()))
  })
  afterAll(async () => {
    await server.stop()
    await registrar.stop()
    await database.drop()
  })
  const { db } = server.platform
  const token = plant(await createToken(db, { name: 'test', scopes: ['admin'], ttlSeconds: A_DAY_S }))
  const provider = new Provider(server, registrar, token)
  return {
    ...provider.acts(),
    server,
    registrar,
    box: () => makeBox(server),
    async phone(phoneOptions = {}) {
      const phone = await sealedPhone(server, phoneOptions)
      phones.push(phone)
      return phone
    },
    bindingsOf: (account) => bindingsOf(registrar, account),
    async registered(phone, account) {
      await phone.comes((agent) => agent.ram.lines.registrations.some(({ phase }) => phase === 'registered'))
      await eventually('the binding at the registrar', async () => (await bindingsOf(registrar, account)).length > 0)
    },
  }
}

async function bindingsOf(registrar: Kamailio, { lines }: Account): Promise<readonly SipBinding[]> {
  return (await registrar.bindings()).filter((binding) => lines.some(({ userId }) => userId === binding.userId))
}

/** What an operator or a customer does with the platform. */
class Provider {
  readonly #server: Server
  readonly #registrar: Kamailio
  readonly #token: string
  #userCount = 0

  constructor(server: Server, registrar: Kamailio, token: string) {
    this.#server = server
    this.#registrar = registrar
    this.#token = token
  }

  acts(): Omit<Bench, 'server' | 'registrar' | 'box' | 'phone' | 'registered' | 'bindingsOf'> {
    return {
      api: (method, path, body) => this.#api(method, path, body),
      download: (path) => this.#download(path),
      remove: (path) => this.#remove(path),
      account: (options) => this.#account(options),
      code: (account) => this.#code(account),
      register: ({ mac, serial, model }, account) =>
        this.#api('POST', 'devices', {
          mac,
          serial,
          model,
          ...(account === undefined ? {} : { accountId: account.id }),
        }),
      device: (mac) => this.#api('GET', `devices/${mac}`),
      events: (mac) => this.#events(mac),
      story: async (mac) => [...new Set((await this.#events(mac)).map(({ name }) => name))],
      release: (from) => this.#release(NEW_LOAD, from),
      withdraw: () => this.#api('PUT', `layers/model/${MODEL}`, { parameters: {}, why: 'no release' }),
      upToDate: (mac) => this.#upToDate(mac),
    }
  }

  async #api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const raw = body instanceof Uint8Array
    const response = await fetch(`http://${HOST}:${this.#server.ports.api}/api/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: raw ? new Uint8Array(body) : JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return JSON.parse(text) as T
  }

  async #download(path: string): Promise<Buffer> {
    const response = await this.#ask('GET', path)
    return Buffer.from(await response.arrayBuffer())
  }

  async #remove(path: string): Promise<void> {
    await (await this.#ask('DELETE', path)).text()
  }

  async #ask(method: string, path: string): Promise<Response> {
    const response = await fetch(`http://${HOST}:${this.#server.ports.api}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}` },
    })
    if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }

  async #account({ transport, settings = {}, wrongPassword = false }: AccountOptions = {}): Promise<Account> {
    const customerId = `c-${randomBytes(6).toString('hex')}`
    const { id } = await this.#api<{ id: string }>('POST', 'accounts', { name: 'Corner shop', customerId, settings })
    this.#userCount += 1
    const userId = String(1000 + this.#userCount)
    const password = plant(randomBytes(12).toString('hex'))
    const domain = `${this.#registrar.host}:${this.#registrar.port}`
    await this.#registrar.allow(userId, wrongPassword ? plant(randomBytes(12).toString('hex')) : password)
    const line = await this.#api<{ id: string }>('POST', `accounts/${id}/lines`, {
      userId,
      password,
      displayName: 'Front desk',
      domain,
      ...(transport === undefined ? {} : { transport }),
    })
    return { id, customerId, lines: [{ id: line.id, userId }] }
  }

  async #code(account: Account): Promise<string> {
    const { code } = await this.#api<{ code: string }>('POST', `accounts/${account.id}/codes`, { ttlSeconds: 600 })
    return plant(code)
  }

  async #events(mac: MacAddress): Promise<readonly EventJson[]> {
    const { items } = await this.#api<{ items: readonly EventJson[] }>('GET', `devices/${mac}/events?limit=1000`)
    return items.toReversed().toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
  }

  async #release(load: string, from: Transport): Promise<void> {
    const parts = ['rootfs88xx', 'kern88xx', 'boot1288xx'].map((name, index) => {
      const bytes = new Uint8Array(randomBytes([200_000, 30_000, 512][index] ?? 1))
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      return { name: `${name}.${load.replace(/^[^.]*\./, '')}.sbn`, bytes, byteCount: bytes.length, sha256 }
    })
    for (const { name, bytes } of parts) await this.#api('POST', `firmware?name=${name}`, bytes)
    await this.#api('POST', `firmware?name=${load}.loads`, printLoads({ name: load, parts }))
    const url = `${from}://localhost:${this.#server.ports[from]}/firmware/${load}.loads`
    await this.#api('PUT', `layers/model/${MODEL}`, { parameters: { Upgrade_Rule: { value: url } }, why: 'a release' })
  }

  async #upToDate(mac: MacAddress): Promise<DeviceJson> {
    let device: DeviceJson | undefined
    await eventually(`${mac} to say that it runs what is wanted`, async () => {
      device = await this.#api<DeviceJson>('GET', `devices/${mac}`)
      return device.versions.wanted !== null && device.versions.running === device.versions.wanted
    })
    if (device === undefined) throw new Error('Assertion failed: it was looked at')
    return device
  }
}

async function makeBox({ platform }: Server): Promise<Box & { readonly identity: Identity }> {
  const mac = freshMac()
  const identity = { mac, serial: serialFor(mac), productName: MODEL }
  const pair = await issueDeviceCertificate(
    await ensureLabCa(platform.db, platform.vault, Date.now()),
    identity,
    Date.now(),
  )
  plant(bodyOfPem(pair.keyPem))
  return { identity, mac, serial: identity.serial, model: MODEL, ...pair, caPem: platform.secrets.serverCa.certPem }
}

type Identity = Pick<Hardware, 'mac' | 'serial' | 'productName'>

/** As it leaves the factory: its own certificate, and the address of the redirect service. */
async function sealedPhone(server: Server, options: BenchPhoneOptions): Promise<BenchPhone> {
  const { ports, publicUrl } = server
  const { identity, certPem, keyPem, caPem } = await makeBox(server)
  return runBenchPhone({
    hardware: {
      ...identity,
      hardwareVersion: '2.0.1',
      factoryLoad: FACTORY_LOAD,
      clientCertificate: true,
      rcUrl: options.rcUrl ?? `${publicUrl}/software/edos/callhome/rc`,
    },
    tls: { certPem, keyPem, ...(options.trusting === false ? {} : { caPem }) },
    // On a provider's site these lead to the doors.
    standardPorts: new Map([
      [69, ports.tftp],
      [80, ports.http],
      [443, ports.https],
    ]),
    options,
  })
}
