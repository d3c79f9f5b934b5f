/** Test support for the server: platforms on real databases, requests as values, and the log of planted secrets. */
import { mkdtempSync, rmSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Logger, pino } from 'pino'
import { afterAll } from 'vitest'
import type { MacAddress } from '../protocol/identity.ts'
import { assert, type Millis } from '../protocol/result.ts'
import { ANY_PORTS, readSettings, type Settings } from './config.ts'
import { createTestDatabase, type TestDatabase } from './database/testing.ts'
import type { FetchRequest, ProvenCertificate } from './fetch/mod.ts'
import { type Delivery, serveFetch } from './nps/mod.ts'
import { openPlatform, type Platform } from './platform.ts'
import { loadDeviceFacts } from './store/mod.ts'
import { certificateOf, plant, PUBLIC_HTTP_URL, PUBLIC_URL, requestOf } from './testing-facts.ts'

export * from './testing-facts.ts'

const MASTER_KEY = plant(randomBytes(32).toString('hex'))

const folders: string[] = []

/** A folder of its own, removed when the file's tests are over. The first call must not come from within a test. */
export function scratchFolder(): string {
  if (folders.length === 0) {
    afterAll(() => {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    })
  }
  const folder = mkdtempSync(join(tmpdir(), 'offhook-server-test-'))
  folders.push(folder)
  return folder
}

/** Settings with every port free to choose and everything on the loopback address. */
export function testSettings(databaseUrl: string, more: Partial<Settings> = {}): Settings {
  const read = readSettings({}, { ...ANY_PORTS, LOG_LEVEL: 'silent' })
  assert(read.ok, 'the settings of tests are right')
  return { ...read.value, host: '127.0.0.1', dataDir: scratchFolder(), databaseUrl, masterKey: MASTER_KEY, ...more }
}

export interface TestPlatform {
  readonly platform: Platform
  readonly database: TestDatabase
  /** One more process on the same database. */
  readonly openAnother: () => Promise<Platform>
}

/** A platform on a fresh database; closed, and its secrets noted, when the file's tests are over. */
export async function openTestPlatform(
  options: { readonly now?: () => Millis; readonly log?: Logger } = {},
): Promise<TestPlatform> {
  const database = await createTestDatabase()
  const opened: Platform[] = []
  async function open(): Promise<Platform> {
    const settings = testSettings(database.url)
    const platform = await openPlatform({ settings, log: pino({ level: 'silent' }), ...options })
    platform.setPublicUrls({ https: PUBLIC_URL, http: PUBLIC_HTTP_URL })
    opened.push(platform)
    return platform
  }
  const platform = await open()
  afterAll(async () => {
    await plantSecretsOf(platform)
    for (const each of opened) await each.close()
    await database.drop()
  })
  return { platform, database, openAnother: open }
}

/** Notes what the server itself made: keys and passwords of devices and lines, its own key material. */
export async function plantSecretsOf(platform: Platform): Promise<void> {
  plant(Buffer.from(platform.secrets.markerKey).toString('hex'))
  plant(bodyOfPem(platform.secrets.serverCa.keyPem))
  const devices = await platform.db.query<{ mac: MacAddress }>({
    name: 'test-macs',
    text: 'select mac from device',
    values: [],
  })
  for (const { mac } of devices) {
    const facts = await loadDeviceFacts(platform.db, platform.vault, mac)
    const { adminPassword, userPassword, uidPassword, profileKeys } = facts?.secrets ?? {}
    const passwords = [
      adminPassword,
      userPassword,
      uidPassword,
      ...(facts?.lines.map(({ password }) => password) ?? []),
    ]
    for (const secret of [...passwords, ...(profileKeys?.values() ?? [])]) if (secret) plant(secret)
  }
}

/** The longest line of a key file: enough to know it again. */
export function bodyOfPem(pem: string): string {
  return pem.split('\n')[1] ?? pem
}

/** One fetch, whoever asks. */
export function servedTo(platform: Platform, request: FetchRequest): Promise<Delivery> {
  return serveFetch(platform.context, request)
}

/** One fetch by a certified phone. */
export function certifiedFetch(
  platform: Platform,
  target: string,
  mac: MacAddress,
  more: Partial<ProvenCertificate> = {},
): Promise<Delivery> {
  return serveFetch(platform.context, requestOf(target, { certificate: certificateOf(mac, more) }))
}

/** The text of a delivery; anything but bytes by its kind in brackets. */
export function textOf(delivery: Delivery): string {
  return delivery.kind === 'bytes' ? new TextDecoder().decode(delivery.bytes) : `[${delivery.kind}]`
}
