/** Fills a database with bound devices, quickly: rows gathered and written by `unnest`. */
import { randomBytes } from 'node:crypto'
import type { Hardware } from '../phone/agent/mod.ts'
import type { Platform } from '../server/main.ts'
import { SECRET_CONTEXT, type Sql, type Vault } from '../server/store/mod.ts'
import { type BenchDevice, benchDevice, DEVICES_PER_ACCOUNT, largeLayer, LARGE_MODEL, smallLayer } from './provider.ts'

/** Devices in one statement. */
const CHUNK = 5000

interface Line {
  readonly id: string
  readonly mac: string
  readonly accountId: string
  readonly userId: string
  readonly password: Buffer
}

/** Accounts, layers, and devices 0 to `count` with their secrets and a line each. */
export async function fillDevices(platform: Platform, count: number): Promise<void> {
  const { vault } = platform
  await platform.change(async (sql) => {
    await putAccounts(sql, Math.ceil(count / DEVICES_PER_ACCOUNT))
    await putLayer(sql, 'platform', '-', smallLayer())
    await putLayer(sql, 'model', LARGE_MODEL, largeLayer())
    for (let from = 0; from < count; from += CHUNK) {
      const devices = Array.from({ length: Math.min(CHUNK, count - from) }, (_, index) => benchDevice(from + index))
      const accounts = devices.map((_, index) => accountOf(from + index))
      await putDevices(sql, vault, devices, accounts)
      await putLines(
        sql,
        devices.map((device, index) => lineOf(vault, device.mac, accounts[index] ?? '', 'line')),
        'sip.example.com',
      )
    }
  })
}

/** The phones of a fleet, bound to one account. @returns SIP passwords by user, for the registrar */
export async function fillFleet(
  platform: Platform,
  phones: readonly Hardware[],
  registrar: string,
): Promise<ReadonlyMap<string, string>> {
  const { vault } = platform
  const passwords = new Map<string, string>()
  await platform.change(async (sql) => {
    const devices = phones.map(({ mac, serial, productName }, index): BenchDevice => {
      return { mac, serial, model: productName, profilePath: index.toString(16).padStart(8, '0').padStart(32, 'f') }
    })
    await putDevices(
      sql,
      vault,
      devices,
      devices.map(() => accountOf(0)),
    )
    const lines = devices.map(({ mac }) => {
      const password = randomBytes(12).toString('hex')
      passwords.set(userOf(mac), password)
      return lineOf(vault, mac, accountOf(0), password)
    })
    await putLines(sql, lines, registrar)
    await announceDevices(sql, devices)
  })
  return passwords
}

function accountOf(index: number): string {
  return `acc_bench${Math.floor(index / DEVICES_PER_ACCOUNT)}`
}

function userOf(mac: string): string {
  return `u${mac}`
}

function lineOf(vault: Vault, mac: string, accountId: string, password: string): Line {
  const id = `lin_${mac}`
  return { id, mac, accountId, userId: userOf(mac), password: vault.seal(SECRET_CONTEXT.line(id), password) }
}

async function putAccounts(sql: Sql, count: number): Promise<void> {
  await sql.run({
    name: 'bench-accounts',
    text: `insert into account (id, name, customer_id)
           select 'acc_bench' || n, 'Bench ' || n, 'bench-' || n from generate_series(0, $1::int - 1) n`,
    values: [Math.max(1, count)],
  })
}

async function putLayer(sql: Sql, scope: string, id: string, parameters: object): Promise<void> {
  await sql.run({
    name: 'bench-layer',
    text: `with made as (insert into revision (who, scope, target, what)
                         values ('bench', 'layer/' || $1::text, $2::text, 'filled') returning id)
           insert into layer (scope, id, parameters, revision_id) select $1, $2, $3, id from made`,
    values: [scope, id, JSON.stringify(parameters)],
  })
}

async function putDevices(
  sql: Sql,
  vault: Vault,
  devices: readonly BenchDevice[],
  accounts: readonly string[],
): Promise<void> {
  await sql.run({
    name: 'bench-devices',
    text: `insert into device (mac, serial, model, account_id, state, profile_path, key_issued, key_confirmed, bound_at)
           select mac, serial, model, account_id, 'bound', path, 1, 1, now()
             from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
                  as given (mac, serial, model, account_id, path)`,
    values: [
      devices.map(({ mac }) => mac),
      devices.map(({ serial }) => serial),
      devices.map(({ model }) => model),
      accounts,
      devices.map(({ profilePath }) => profilePath),
    ],
  })
  const names = ['profile-key', 'admin-password', 'user-password', 'uid-password']
  const secrets = devices.flatMap(({ mac }) => names.map((name) => ({ mac, name })))
  await sql.run({
    name: 'bench-secrets',
    text: `insert into device_secret (mac, name, generation, sealed)
           select mac, name, 1, sealed from unnest($1::text[], $2::text[], $3::bytea[]) as given (mac, name, sealed)`,
    values: [
      secrets.map(({ mac }) => mac),
      secrets.map(({ name }) => name),
      secrets.map(({ mac, name }) =>
        vault.seal(SECRET_CONTEXT.device(mac, name, 1), randomBytes(name === 'profile-key' ? 32 : 10).toString('hex')),
      ),
    ],
  })
}

async function putLines(sql: Sql, lines: readonly Line[], domain: string): Promise<void> {
  await sql.run({
    name: 'bench-lines',
    text: `insert into line (id, account_id, user_id, display_name, domain, password, device_mac, line_index)
           select id, account_id, user_id, 'Desk ' || user_id, $6, password, mac, 1
             from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::text[])
                  as given (id, account_id, user_id, password, mac)`,
    values: [
      lines.map(({ id }) => id),
      lines.map(({ accountId }) => accountId),
      lines.map(({ userId }) => userId),
      lines.map(({ password }) => password),
      lines.map(({ mac }) => mac),
      domain,
    ],
  })
}

/** As each binding says it: running servers then know the devices. */
async function announceDevices(sql: Sql, devices: readonly BenchDevice[]): Promise<void> {
  await sql.query({
    name: 'bench-announce',
    text: `select pg_notify('offhook_change', json_build_object('kind', 'device', 'mac', mac, 'path', path)::text)
             from unnest($1::text[], $2::text[]) as given (mac, path)`,
    values: [devices.map(({ mac }) => mac), devices.map(({ profilePath }) => profilePath)],
  })
}
