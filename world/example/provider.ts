/**
 * The example provider: account, lines, a layer, an open enrolment window and its own phone, made once per data
 * directory. A start that was cut off in the middle is completed by the next one.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Server } from '../../server/main.ts'
import { packageRoot } from '../../server/package-root.ts'
import { createToken } from '../../server/store/mod.ts'
import { type ApiClient, apiClient } from './api-client.ts'
import { type Kept, readKept, writeKept } from './kept.ts'

export interface ExampleData {
  readonly account: { readonly name: string; readonly customerId: string }
  readonly lines: readonly { readonly userId: string; readonly displayName: string }[]
  readonly phone: { readonly mac: string; readonly serial: string; readonly model: string }
  readonly layer: { readonly parameters: Parameters }
}

export interface ExampleProvider {
  readonly data: ExampleData
  readonly accountId: string
  readonly api: ApiClient
  /** What the registrar checks. */
  readonly passwords: ReadonlyMap<string, string>
}

type Parameters = Readonly<Record<string, { readonly value: string }>>

/** How long the window of the example stays open. */
const WINDOW_SECONDS = 86_400
const WINDOW_DEVICES = 5
/** A window that closes sooner is not worth much to somebody who starts now. */
const WINDOW_LEFT_MS = 3_600_000
/** For the journey; whoever tries more makes a token of their own. */
const TOKEN_SECONDS = 3600
const PAGE = 100

interface StoredLine {
  readonly userId: string
  readonly domain: string
  readonly password: string | null
}

/** @param registrar  host and port, as the phone is to reach it */
export async function openProvider(
  server: Server,
  registrar: { host: string; port: number },
): Promise<ExampleProvider> {
  const data = JSON.parse(await readFile(new URL('examples/supervoip.json', packageRoot()), 'utf8')) as ExampleData
  const { platform } = server
  const token = await createToken(platform.db, { name: 'example', scopes: ['admin'], ttlSeconds: TOKEN_SECONDS })
  const api = apiClient(apiOrigin(server), token)
  const { dataDir } = platform.settings
  const kept = await ensureAccount(api, dataDir, data, registrar.port)
  const address = `${registrar.host}:${registrar.port}`
  await ensureLines(api, data, kept, `${registrar.host}:${kept.registrarPort}`)
  await ensureLayer(api, data, kept)
  await ensurePhone(api, data, kept)
  await ensureWindow(api, dataDir, kept)
  const { items } = await api.get<{ items: readonly StoredLine[] }>(`accounts/${kept.accountId}/lines?reveal=true`)
  await ensureWay(api, data, items, address)
  const passwords = new Map(items.map((line) => [line.userId, line.password ?? '']))
  return { data, accountId: kept.accountId, api, passwords }
}

/** Where the API is reached from this machine, without a slash at the end. */
export function apiOrigin({ platform, ports }: Server): string {
  return `http://${hereOf(platform.settings.apiHost, '127.0.0.1')}:${ports.api}`
}

/** The host part of a URL for what listens on that address; `anywhere` when it listens on all. */
export function hereOf(host: string, anywhere: string): string {
  if (host === '0.0.0.0' || host === '::') return anywhere
  return host.includes(':') ? `[${host}]` : host
}

async function ensureAccount(api: ApiClient, dataDir: string, data: ExampleData, registrarPort: number): Promise<Kept> {
  const kept = await readKept(dataDir)
  if (kept !== undefined && (await api.find(`accounts/${kept.accountId}`)) !== undefined) return kept
  const made = await api.send<{ id: string }>('POST', 'accounts', data.account, { conflictIsFine: true })
  const accountId = made?.id ?? (await accountOf(api, data.account.customerId))
  const fresh = { accountId, registrarPort, windowUntil: new Date(0).toISOString() }
  // Before the lines, which name the port.
  await writeKept(dataDir, fresh)
  return fresh
}

async function accountOf(api: ApiClient, customerId: string): Promise<string> {
  let after = ''
  for (;;) {
    const page = await api.get<{ items: readonly { id: string; customerId: string }[]; next: string | null }>(
      `accounts?limit=${PAGE}${after}`,
    )
    const found = page.items.find((account) => account.customerId === customerId)
    if (found !== undefined) return found.id
    if (page.next === null) throw new Error(`Customer ID ${customerId} is in use, but no account has it`)
    after = `&after=${page.next}`
  }
}

async function ensureLines(api: ApiClient, data: ExampleData, kept: Kept, domain: string): Promise<void> {
  const { items } = await api.get<{ items: readonly StoredLine[] }>(`accounts/${kept.accountId}/lines`)
  for (const line of data.lines) {
    if (items.some(({ userId }) => userId === line.userId)) continue
    const password = randomBytes(18).toString('base64url')
    await api.send('POST', `accounts/${kept.accountId}/lines`, { ...line, domain, password })
  }
}

/** Only once: what somebody changed since then stays. */
async function ensureLayer(api: ApiClient, data: ExampleData, kept: Kept): Promise<void> {
  const path = `layers/account/${kept.accountId}`
  const { parameters } = await api.get<{ parameters: Parameters }>(path)
  if (Object.keys(parameters).length === 0) await api.send('PUT', path, data.layer)
}

async function ensurePhone(api: ApiClient, data: ExampleData, kept: Kept): Promise<void> {
  if ((await api.find(`devices/${data.phone.mac}`)) !== undefined) return
  await api.send('POST', 'devices', { ...data.phone, accountId: kept.accountId })
}

async function ensureWindow(api: ApiClient, dataDir: string, kept: Kept): Promise<void> {
  if (Date.parse(kept.windowUntil) - Date.now() > WINDOW_LEFT_MS) return
  const body = { seconds: WINDOW_SECONDS, devices: WINDOW_DEVICES }
  const window = await api.send<{ until: string }>('POST', `accounts/${kept.accountId}/windows`, body)
  if (window !== undefined) await writeKept(dataDir, { ...kept, windowUntil: window.until })
}

const WAY = 'Outbound_Proxy_n_'

/** When the registrar could not be where the lines say, the phone's own layer says where it is. */
async function ensureWay(
  api: ApiClient,
  data: ExampleData,
  lines: readonly StoredLine[],
  address: string,
): Promise<void> {
  const path = `layers/device/${data.phone.mac}`
  const { parameters } = await api.get<{ parameters: Parameters }>(path)
  const moved = lines.some((line) => line.domain !== address)
  const wanted = moved ? address : undefined
  if (parameters[WAY]?.value === wanted) return
  const { [WAY]: _before, ...others } = parameters
  await api.send('PUT', path, {
    parameters: { ...others, ...(wanted === undefined ? {} : { [WAY]: { value: wanted } }) },
  })
}
