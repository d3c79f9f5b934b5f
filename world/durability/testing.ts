/** Test support: the real program on its own database, thousands of phones that bind, and what ends processes unasked. */
import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pino } from 'pino'
import { parseProductName, parseSerialNumber, type MacAddress } from '../../protocol/identity.ts'
import { readProfile } from '../../protocol/profile/mod.ts'
import { assert } from '../../protocol/result.ts'
import { openPlatform, type Platform, readSettings } from '../../server/main.ts'
import { type CertificatePair, createDeviceCertificates } from '../../server/pki/mod.ts'
import {
  createAccount,
  createCode,
  createLine,
  createToken,
  ensureLabCa,
  loadDeviceFacts,
} from '../../server/store/mod.ts'
import { plant, plantSecretsOf, PN } from '../../server/testing.ts'
import { eventually, kill, type Place, type Run } from '../life/testing.ts'

const WHO = 'test'
const RETRY_MS = 20
const REQUEST_MS = 10_000
/** A phone that is refused so often for want of a server is given up. */
const TRIES_MAX = 3000

/** What the provider has, and what a phone needs to come. */
export interface Provider {
  readonly accounts: readonly { readonly id: string; readonly code: string }[]
  readonly token: string
  readonly labCa: CertificatePair
  readonly serverCaPem: string
}

/** Opens the place's platform in this process, without doors, for as long as the work takes. */
export async function withPlatform<T>(
  place: Place,
  work: (platform: Platform) => Promise<T>,
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const settings = readSettings(env, { DATA: place.dataDir })
  assert(settings.ok, 'the settings are right')
  const platform = await openPlatform({ settings: settings.value, log: pino({ level: 'silent' }) })
  try {
    platform.setPublicUrls({
      https: `https://localhost:${place.ports.https}`,
      http: `http://localhost:${place.ports.http}`,
    })
    return await work(platform)
  } finally {
    await plantSecretsOf(platform)
    await platform.close()
  }
}

/** Accounts with a line and a place under a code for each of their phones. */
export function makeProvider(
  place: Place,
  accounts: number,
  phonesEach: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Provider> {
  return withPlatform(
    place,
    async (platform) => {
      const { db, vault } = platform
      const made = []
      for (let index = 0; index < accounts; index++) {
        made.push(await db.transaction((tx) => makeAccount(tx, vault, index, phonesEach)))
      }
      const token = plant(await createToken(db, { name: 'test', scopes: ['admin'] }))
      const labCa = await ensureLabCa(db, vault, Date.now())
      return { accounts: made, token, labCa, serverCaPem: platform.secrets.serverCa.certPem }
    },
    env,
  )
}

async function makeAccount(
  tx: Parameters<typeof createAccount>[0],
  vault: Platform['vault'],
  index: number,
  phones: number,
): Promise<Provider['accounts'][number]> {
  const about = { name: `Shop ${index}`, customerId: `shop-${index}`, kind: 'customer', settings: {} } as const
  const account = await createAccount(tx, WHO, { ...about, parentId: undefined })
  assert(account.ok, 'the Customer ID is free')
  for (let line = 0; line < phones; line++) {
    const made = await createLine(tx, vault, WHO, {
      accountId: account.value.id,
      userId: String(100_000 * (index + 1) + line),
      password: plant(`made-up-${index}-${line}-password`),
      displayName: '',
      domain: 'sip.example.com',
      authId: undefined,
      outboundProxy: undefined,
      transport: undefined,
    })
    assert(made.ok, 'the user is free')
  }
  const code = await createCode(tx, WHO, {
    accountId: account.value.id,
    ttlSeconds: 86_400,
    devices: phones,
    lineIds: [],
  })
  return { id: account.value.id, code: plant(code.code) }
}

// --- the server as a process

/** `offhook serve`, up. */
export async function serve(place: Place, env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const run = place.offhook(['serve', '--log-level', 'error'], env)
  await run.until('offhook: phones at')
  return run
}

/** Number of the managed PostgreSQL's first process. */
export async function postgresPid(place: Place): Promise<number> {
  const note = JSON.parse(await readFile(join(place.dataDir, 'postgres.json'), 'utf8')) as { readonly folder: string }
  const pidFile = await readFile(resolve(place.dataDir, note.folder, 'cluster', 'postmaster.pid'), 'utf8')
  return Number(pidFile.split('\n')[0])
}

/** Ends the database without asking; its server brings it back. One that is just being brought back is waited for. */
export async function killDatabase(place: Place): Promise<void> {
  let pid = 0
  await eventually('a database to kill', async () => {
    pid = await postgresPid(place).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return 0
      throw error
    })
    return pid > 0
  })
  kill(pid)
}

// --- phones

/** What a phone was told when it was bound. */
export interface Told {
  readonly mac: MacAddress
  readonly accountId: string
  readonly profileKey: string
  readonly userId: string
  readonly password: string
}

export interface Binder {
  /** Every answer with a profile that any phone got, in order. */
  readonly told: readonly Told[]
  /** Requests that got no answer, or 503, and were made again. */
  readonly triedAgain: () => number
  /** Resolves when every phone has its profile; rejects when one is refused. */
  readonly done: Promise<void>
}

/** So many phones bind themselves at once, each over a TLS connection of its own, and come again until they are told. */
export function bindAll(place: Place, provider: Provider, phonesEach: number, atOnce: number): Binder {
  const told: Told[] = []
  let tries = 0
  const queue = provider.accounts.flatMap((account, index) =>
    Array.from({ length: phonesEach }, (_, phone) => ({ account, mac: macNumber(index * phonesEach + phone) })),
  )
  const certificates = createDeviceCertificates(provider.labCa)

  async function bindOne({ account, mac }: (typeof queue)[number]): Promise<void> {
    const pair = await (await certificates)(identityOf(mac), Date.now())
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      const answer = await get(place, provider, pair, `/cisco-init/${account.code}`)
      if (answer !== undefined && answer.status === 200) {
        told.push({ mac, accountId: account.id, ...whatItSays(answer.body) })
        return
      }
      // No server, or one that cannot write now: the phone keeps its rule and comes again. A refusal is for ever.
      if (answer !== undefined && answer.status !== 503) throw new Error(`Phone ${mac} was refused: ${answer.status}`)
      tries += 1
      await pause(RETRY_MS)
    }
    throw new Error(`Phone ${mac} was never answered`)
  }
  async function worker(): Promise<void> {
    for (let phone = queue.shift(); phone !== undefined; phone = queue.shift()) await bindOne(phone)
  }
  const done = Promise.all(Array.from({ length: atOnce }, worker)).then(() => undefined)
  return { told, triedAgain: () => tries, done }
}

/** What stands in the phone's factory certificate. */
export function identityOf(mac: MacAddress) {
  const serial = parseSerialNumber(`FCH${mac.slice(4).toUpperCase()}`)
  const productName = parseProductName(PN)
  assert(serial !== undefined && productName !== undefined, 'the identity is well-formed')
  return { mac, serial, productName }
}

export function macNumber(number: number): MacAddress {
  return `000e08${number.toString(16).padStart(6, '0')}` as MacAddress
}

/** Key and line of an own profile. */
export function whatItSays(body: string): Pick<Told, 'profileKey' | 'userId' | 'password'> {
  const profile = readProfile(body)
  assert(profile.ok, 'the answer is a whole profile')
  const value = (name: string): string => profile.value.elements.find((each) => each.name === name)?.value ?? ''
  return { profileKey: plant(value('GPP_SA')), userId: value('User_ID_1_'), password: value('Password_1_') }
}

export interface Answer {
  readonly status: number
  readonly body: string
}

/** One GET of a phone. @returns undefined when there was no whole answer */
export function get(
  place: Place,
  provider: Provider,
  pair: CertificatePair,
  path: string,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        servername: 'localhost',
        port: place.ports.https,
        path,
        agent: false,
        ca: provider.serverCaPem,
        cert: pair.certPem,
        key: pair.keyPem,
        timeout: REQUEST_MS,
      },
      (incoming) => {
        let body = ''
        incoming.setEncoding('utf8').on('data', (part: string) => {
          body += part
        })
        incoming.on('end', () => resolve(incoming.complete ? { status: incoming.statusCode ?? 0, body } : undefined))
        incoming.on('error', () => resolve(undefined))
      },
    )
    outgoing.on('timeout', () => outgoing.destroy())
    outgoing.on('error', () => resolve(undefined))
    outgoing.end()
  })
}

// --- what the database holds

/** MACs whose answer says other than the database. */
export async function untruths(platform: Platform, told: readonly Told[]): Promise<readonly string[]> {
  const wrong: string[] = []
  for (const answer of told) {
    const facts = await loadDeviceFacts(platform.db, platform.vault, answer.mac)
    const line = facts?.lines[0]
    const same =
      facts?.device.state === 'bound' &&
      facts.device.accountId === answer.accountId &&
      [...(facts.secrets?.profileKeys.values() ?? [])].includes(answer.profileKey) &&
      line?.userId === answer.userId &&
      line.password === answer.password
    if (!same) wrong.push(answer.mac)
  }
  return wrong
}

/** Counts of what belongs to a binding and is not there, or is there without one. */
export async function halfDone(platform: Platform) {
  const [row] = await platform.db.query<Readonly<Record<string, number>>>({
    name: 'test-half-done',
    text: `
select (select count(*)::int from device where state = 'bound') as bound,
       (select count(*)::int from device where state <> 'bound') as others,
       (select count(*)::int from device d where (select count(*) from device_secret s where s.mac = d.mac) <> 4) as keys,
       (select count(*)::int from device d where (select count(*) from line l where l.device_mac = d.mac) <> 1) as lines,
       (select count(*)::int from device d where (select count(*) from code_use u where u.mac = d.mac) <> 1) as uses,
       (select count(*)::int from device d
         where (select count(*) from event e where e.mac = d.mac and e.name = 'device.bound') <> 1) as events`,
    values: [],
  })
  return row
}
