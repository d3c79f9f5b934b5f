/** The example provider: account, lines, a layer, an open enrolment window and its own phone, made once per data directory. */
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Server } from '../../server/main.ts'
import { packageRoot } from '../../server/package-root.ts'
import { createToken } from '../../server/store/mod.ts'
import { type ApiClient, apiClient } from './api-client.ts'

export interface ExampleData {
  readonly account: { readonly name: string; readonly customerId: string }
  readonly lines: readonly { readonly userId: string; readonly displayName: string }[]
  readonly phone: { readonly mac: string; readonly serial: string; readonly model: string }
  readonly layer: object
}

export interface ExampleProvider {
  readonly data: ExampleData
  readonly accountId: string
  readonly token: string
  readonly api: ApiClient
  /** What the registrar checks. */
  readonly passwords: ReadonlyMap<string, string>
}

/** How long the window of the example stays open. */
const WINDOW_SECONDS = 86_400
const TOKEN_SECONDS = 86_400

interface StoredLine {
  readonly userId: string
  readonly password: string | null
}

/** @param domain host and port of the registrar, as the phone is to reach it */
export async function openProvider(server: Server, domain: string): Promise<ExampleProvider> {
  const data = JSON.parse(await readFile(new URL('examples/supervoip.json', packageRoot()), 'utf8')) as ExampleData
  const { platform } = server
  const token = await createToken(platform.db, { name: 'example', scopes: ['admin'], ttlSeconds: TOKEN_SECONDS })
  const api = apiClient(server.ports.api, token)
  const accountId = await ensureAccount(api, platform.settings.dataDir, data, domain)
  await api.send('POST', `accounts/${accountId}/windows`, { seconds: WINDOW_SECONDS, devices: 5 })
  const { items } = await api.get<{ items: readonly StoredLine[] }>(`accounts/${accountId}/lines?reveal=true`)
  const passwords = new Map(items.map((line) => [line.userId, line.password ?? '']))
  return { data, accountId, token, api, passwords }
}

async function ensureAccount(api: ApiClient, dataDir: string, data: ExampleData, domain: string): Promise<string> {
  const file = join(dataDir, 'example.json')
  const known = await readKnown(file)
  if (known !== undefined) return known
  const account = await api.send<{ id: string }>('POST', 'accounts', data.account)
  if (account === undefined) throw new Error('Cannot make the example account')
  for (const line of data.lines) {
    const password = randomBytes(18).toString('base64url')
    await api.send('POST', `accounts/${account.id}/lines`, { ...line, domain, password })
  }
  await api.send('PUT', `layers/account/${account.id}`, data.layer)
  await api.send('POST', 'devices', { ...data.phone, accountId: account.id })
  await writeFile(file, JSON.stringify({ accountId: account.id }))
  return account.id
}

async function readKnown(file: string): Promise<string | undefined> {
  try {
    return (JSON.parse(await readFile(file, 'utf8')) as { accountId: string }).accountId
  } catch {
    // The first start on this data directory.
    return undefined
  }
}
