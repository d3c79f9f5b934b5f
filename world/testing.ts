/** The provider's premises for scenarios: one real database for all worlds of a test file, and what an operator does. */
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { X509Certificate, createHash } from 'node:crypto'
import { pino } from 'pino'
import { afterAll } from 'vitest'
import type { Hardware, Lease, PhonePolicies } from '../phone/agent/mod.ts'
import { printLoads } from '../protocol/firmware/mod.ts'
import { parseMacAddress, parseProductName, parseSerialNumber } from '../protocol/identity.ts'
import { assert, type Millis } from '../protocol/result.ts'
import type { AccountSettings, DeviceFacts, DeviceState } from '../server/devices/mod.ts'
import type { ProvenCertificate } from '../server/fetch/mod.ts'
import { type CertificatePair, casInForce, issueDeviceCertificate, trustAnchors } from '../server/pki/mod.ts'
import { openPlatform, type Platform } from '../server/platform.ts'
import { type LayerParameter, type LayerScope, renderOwnProfile } from '../server/profiles/mod.ts'
import {
  announce,
  confirmDevice,
  createAccount,
  createCode,
  createLine,
  endDevice,
  ensureLabCa,
  type LayerChange,
  loadDeviceCas,
  loadDeviceFacts,
  openWindow,
  registerDevice,
  replaceLayer,
  revealLinePassword,
  storeFirmware,
  viewDevice,
} from '../server/store/mod.ts'
import { openTestPlatform, plant } from '../server/testing.ts'
import { PUBLIC_HTTP_URL, PUBLIC_URL, REDIRECT_URL, REGISTRAR_HOST } from './addresses.ts'
import { WORLD_START } from './clock.ts'
import { ProvisioningServer } from './provisioning-server.ts'
import { World } from './world.ts'
import type { WorldPhone, WorldPhoneOptions } from './world-phone.ts'

const WHO = 'operator'
const DAY_S = 86_400

/** The load that phones leave the factory with, and those that the provider has. */
export const FACTORY_LOAD = 'sip88xx.12-0-2MPP0001-116'
export const NEW_LOAD = 'sip88xx.12-0-4MPP0001-101'
export const NEXT_LOAD = 'sip88xx.12-0-7MPP0001-55'

export function minutes(count: number): Millis {
  return count * 60_000
}

export function hours(count: number): Millis {
  return count * 3_600_000
}

export interface Premises {
  /** The operator's own process on the database; phones talk to servers of their own. */
  readonly platform: Platform
  readonly labCa: CertificatePair
  readonly labCaFingerprint: string
  /** One more server on the same database. It serves one world at a time. */
  newServer(): Promise<ProvisioningServer>
}

/** To be called once, at the top of a test file; everything is closed when its tests are over. */
export async function openPremises(): Promise<Premises> {
  const { platform } = await openTestPlatform({ now: () => WORLD_START })
  platform.setPublicUrls({ https: PUBLIC_URL, http: PUBLIC_HTTP_URL })
  for (const load of [NEW_LOAD, NEXT_LOAD]) await storeLoad(platform, load)
  const labCa = await ensureLabCa(platform.db, platform.vault, WORLD_START)
  const servers: ProvisioningServer[] = []
  afterAll(async () => {
    for (const server of servers) await server.stop()
  })
  const { settings } = platform
  return {
    platform,
    labCa,
    labCaFingerprint: new X509Certificate(labCa.certPem).fingerprint256.replaceAll(':', '').toLowerCase(),
    async newServer() {
      const server = new ProvisioningServer((now) => openPlatform({ settings, log: pino({ level: 'silent' }), now }))
      servers.push(server)
      await server.start()
      return server
    },
  }
}

/** A made-up load of two parts, through the server's own store of firmware. */
async function storeLoad(platform: Platform, load: string): Promise<void> {
  const version = load.slice(load.indexOf('.'))
  const parts = [`rootfs88xx${version}.sbn`, `kern88xx${version}.sbn`].map((name, index) => {
    const bytes = Buffer.alloc(2500 - 1200 * index, `${name} `)
    return { name, bytes, byteCount: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
  })
  const files = [{ name: `${load}.loads`, bytes: printLoads({ name: load, parts }) }, ...parts]
  for (const { name, bytes } of files) {
    const body = Readable.from([Buffer.from(bytes)])
    await storeFirmware((work) => platform.change(work), WHO, name, body, platform.firmwarePath)
  }
}

export interface AccountOfWorld {
  readonly id: string
  readonly customerId: string
  readonly lines: readonly { readonly id: string; readonly userId: string }[]
}

export interface DeviceAsStored {
  readonly state: DeviceState
  readonly accountId: string | null
  readonly lines: readonly string[]
  readonly versions: { readonly wanted: string; readonly served: string | null; readonly running: string | null }
  readonly keys: { readonly issued: number; readonly confirmed: number }
  readonly firmware: string | null
}

export type Parameters = Readonly<Record<string, string>>

/** What the people at the provider do in one world. What they change is in force when the call is over. */
export class Operator {
  readonly #premises: Premises
  readonly #world: World
  /** Everything that nobody but the phone may read. */
  readonly secrets: string[] = []
  #accountCount = 0
  #markCount = 0

  constructor(premises: Premises, world: World) {
    this.#premises = premises
    this.#world = world
  }

  /** An account with its lines, which the registrar knows too. */
  async account(
    how: { readonly lines?: number; readonly settings?: Partial<AccountSettings>; readonly layer?: Parameters } = {},
  ): Promise<AccountOfWorld> {
    const { platform } = this.#premises
    const customerId = `cust-${this.#world.seed}-${this.#accountCount}`
    const userIds = Array.from(
      { length: how.lines ?? 1 },
      (_, index) => `${1001 + index}-${this.#accountCount}-${this.#world.seed}`,
    )
    this.#accountCount += 1
    const account = await platform.db.transaction(async (tx) => {
      const made = await createAccount(tx, WHO, {
        name: `Customer ${customerId}`,
        customerId,
        kind: 'customer',
        parentId: undefined,
        settings: how.settings ?? {},
      })
      assert(made.ok, 'the Customer ID is new')
      const lines: { readonly id: string; readonly userId: string }[] = []
      for (const userId of userIds) {
        const password = this.#plant(randomBytes(15).toString('base64url'))
        this.#world.registrar.setPassword(userId, password)
        const line = await createLine(tx, platform.vault, WHO, {
          accountId: made.value.id,
          userId,
          password,
          displayName: `Desk ${userId}`,
          domain: REGISTRAR_HOST,
          authId: undefined,
          outboundProxy: undefined,
          transport: undefined,
        })
        assert(line.ok, 'the user id is new')
        lines.push({ id: line.value.id, userId })
      }
      if (how.layer !== undefined) {
        await replaceLayer(tx, platform.vault, layerChange('account', made.value.id, how.layer))
      }
      return { id: made.value.id, customerId, lines }
    })
    await this.#heard()
    return account
  }

  /** A one-time code for so many phones; it lives a week of this world. */
  async code(account: AccountOfWorld, devices = 1): Promise<string> {
    // The database counts from its own clock.
    const ttlSeconds = Math.round((this.#world.now - Date.now()) / 1000) + 7 * DAY_S
    const { code } = await this.#premises.platform.db.transaction((tx) =>
      createCode(tx, WHO, { accountId: account.id, ttlSeconds, devices, lineIds: [] }),
    )
    await this.#heard()
    return this.#plant(code)
  }

  async window(account: AccountOfWorld, openedFrom: string): Promise<void> {
    const seconds = Math.round((this.#world.now - Date.now()) / 1000) + 7 * DAY_S
    await this.#premises.platform.db.transaction((tx) =>
      openWindow(tx, WHO, { accountId: account.id, seconds, devices: 1, openedFrom }),
    )
    await this.#heard()
  }

  /** Enters MAC and serial number before the phone asks for anything. */
  async register(phone: Pick<WorldPhone, 'hardware'>, account: AccountOfWorld | undefined): Promise<void> {
    const { mac, serial, productName: model } = phone.hardware
    const done = await this.#premises.platform.db.transaction((tx) =>
      registerDevice(tx, WHO, { mac, serial, model, accountId: account?.id, lineIds: [] }),
    )
    assert(done.ok, 'the phone can be registered')
    await this.#heard()
  }

  async confirm(phone: WorldPhone): Promise<void> {
    const { db, vault } = this.#premises.platform
    const done = await db.transaction((tx) => confirmDevice(tx, vault, WHO, phone.hardware.mac))
    assert(done.ok, 'the phone is held')
    await this.#heard()
  }

  /** Lets the phone go; its lines get new passwords, which the registrar learns. */
  async release(phone: WorldPhone, account: AccountOfWorld): Promise<void> {
    const { db, vault } = this.#premises.platform
    this.#noteSecrets(await loadDeviceFacts(db, vault, phone.hardware.mac))
    const done = await db.transaction((tx) => endDevice(tx, vault, WHO, phone.hardware.mac, 'release'))
    assert(done.ok, 'the phone can be released')
    for (const { id, userId } of account.lines) {
      const password = await revealLinePassword(db, vault, id)
      this.#world.registrar.setPassword(userId, this.#plant(password ?? ''))
    }
    await this.#heard()
  }

  async layer(scope: LayerScope, id: string, parameters: Parameters): Promise<void> {
    const { db, vault } = this.#premises.platform
    await db.transaction((tx) => replaceLayer(tx, vault, layerChange(scope, id, parameters)))
    await this.#heard()
  }

  /** What the console shows of a phone; undefined for one that the provider never heard of. */
  async deviceOf(phone: WorldPhone): Promise<DeviceAsStored | undefined> {
    const { db, vault } = this.#premises.platform
    const { server } = this.#world
    if (server.isUp) await server.platform.flush()
    const { mac } = phone.hardware
    const view = await viewDevice(db, mac)
    const facts = await loadDeviceFacts(db, vault, mac)
    if (view === undefined || facts === undefined) return undefined
    this.#noteSecrets(facts)
    return {
      state: view.state,
      accountId: view.account_id,
      lines: facts.lines.map(({ userId }) => userId),
      versions: {
        wanted: renderOwnProfile(facts, this.#premises.platform.facts()).version,
        served: view.served_version,
        running: view.running_version,
      },
      keys: { issued: view.key_issued, confirmed: view.key_confirmed },
      firmware: view.firmware,
    }
  }

  /** Who has used the codes of an account, a row for each use. */
  async usesOfCodes(account: AccountOfWorld): Promise<readonly string[]> {
    const rows = await this.#premises.platform.db.query<{ mac: string }>({
      name: 'world-code-uses',
      text: 'select u.mac from code_use u join code c on c.id = u.code_id where c.account_id = $1 order by u.mac',
      values: [account.id],
    })
    return rows.map(({ mac }) => mac)
  }

  /** The names of what happened to a phone, oldest first. */
  async timelineOf(phone: WorldPhone): Promise<readonly string[]> {
    if (this.#world.server.isUp) await this.#world.server.platform.flush()
    const rows = await this.#premises.platform.db.query<{ name: string }>({
      name: 'world-timeline',
      text: 'select name from event where mac = $1 order by id',
      values: [phone.hardware.mac],
    })
    return rows.map(({ name }) => name)
  }

  /** What the server made for the phone itself must not leak either. */
  #noteSecrets(facts: DeviceFacts | undefined): void {
    const { adminPassword, userPassword, uidPassword, profileKeys } = facts?.secrets ?? {}
    const made = [adminPassword, userPassword, uidPassword, ...(profileKeys?.values() ?? [])]
    for (const secret of made) if (secret && !this.secrets.includes(secret)) this.#plant(secret)
  }

  #plant(secret: string): string {
    this.secrets.push(secret)
    return plant(secret)
  }

  /** Waits until the phones' server has heard of everything that was committed before. */
  async #heard(): Promise<void> {
    const { platform } = this.#premises
    this.#markCount += 1
    const customerId = `mark-${this.#world.seed}-${this.#markCount}`
    const { server } = this.#world
    await server.hears(customerId, () =>
      platform.db.transaction((tx) => announce(tx, { kind: 'customer', customerId })),
    )
  }
}

function layerChange(scope: LayerScope, id: string, values: Parameters): LayerChange {
  const entries = Object.entries(values).map(([name, value]): [string, LayerParameter] => [name, { value }])
  return { scope, id, parameters: new Map(entries), who: WHO, why: undefined }
}

export interface Scene {
  readonly world: World
  readonly operator: Operator
  /** A phone in its box, with a certificate from the factory; `number` tells phones of one world apart. */
  phone(how?: PhoneOfScene): Promise<WorldPhone>
}

export interface PhoneOfScene {
  readonly number?: number
  readonly lease?: Partial<Lease>
  readonly policies?: Partial<PhonePolicies>
  /** A certificate as a value instead of a real one: quicker, for thousands of phones. */
  readonly quickCertificate?: boolean
  readonly mustLearnCa?: string
  /** Whether the redirect service that the phone was built to ask is the one of this world; by default it is. */
  readonly rcReachable?: boolean
}

/** A world of its own: other seeds have other phones, accounts and codes. */
export function openScene(premises: Premises, server: ProvisioningServer, seed: number): Scene {
  const world = new World(seed, server)
  const operator = new Operator(premises, world)
  return {
    world,
    operator,
    async phone(how = {}) {
      const number = how.number ?? 0
      const rcUrl = how.rcReachable === false ? 'https://activate.cisco.example/rc' : REDIRECT_URL
      const hardware: Hardware = { ...hardwareOf(seed, number), rcUrl }
      const certificate =
        how.quickCertificate === true ? quickCertificate(premises, hardware) : await realCertificate(premises, hardware)
      const options: Omit<WorldPhoneOptions, 'chance'> = {
        hardware,
        caller: { address: `2a0a:${hex(seed >>> 16)}:${hex(seed)}:${hex(number)}::5`, certificate },
        lease: { address: `192.168.1.${100 + number}`, domain: undefined, options: new Map(), ...how.lease },
        ...(how.policies === undefined ? {} : { policies: how.policies }),
        ...(how.mustLearnCa === undefined ? {} : { mustLearnCa: how.mustLearnCa }),
      }
      return world.addPhone(options)
    },
  }
}

function hex(number: number): string {
  return (number & 0xffff).toString(16)
}

function hardwareOf(seed: number, number: number): Hardware {
  const mac = parseMacAddress((0x00562b000000 + seed * 4 + number).toString(16).padStart(12, '0'))
  const serial = parseSerialNumber(`FCH${(seed * 4 + number).toString(16).padStart(8, '0')}`)
  const productName = parseProductName('CP-8851-3PCC')
  assert(mac !== undefined && serial !== undefined && productName !== undefined, 'the label names a phone')
  const made = { hardwareVersion: '2.0.1', factoryLoad: FACTORY_LOAD, clientCertificate: true, rcUrl: REDIRECT_URL }
  return { mac, serial, productName, ...made }
}

function quickCertificate({ labCaFingerprint }: Premises, { mac, serial, productName }: Hardware): ProvenCertificate {
  return { mac, serial, productName, caFingerprint: labCaFingerprint, expired: false }
}

/** Made by the lab CA as by a factory, and proved as the TLS door does it. */
async function realCertificate({ platform, labCa }: Premises, hardware: Hardware): Promise<ProvenCertificate> {
  const { certPem } = await issueDeviceCertificate(labCa, hardware, WORLD_START)
  const anchors = trustAnchors(casInForce(await loadDeviceCas(platform.db), false))
  const proven = anchors.prove([new X509Certificate(certPem).raw], WORLD_START)
  assert(proven !== undefined, 'the lab CA proves its phones')
  return proven
}
