/** The SIP proxies that carry our NOTIFY: one for the platform, and others for accounts and all below them. */
import { CONTROL_CHANNEL } from './action-states.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { SECRET_CONTEXT, type Vault } from './vault.ts'

/** Scope of the platform's own proxy. */
export const PLATFORM_PROXY = '-'

/** NOTIFYs a second towards one proxy, unless its settings say otherwise. */
export const PROXY_PER_SECOND = 20

export interface SipProxySettings {
  readonly host: string
  readonly port: number
  readonly transport: 'UDP' | 'TCP'
  /** Our account at the proxy, for its 407. */
  readonly user: string | undefined
  readonly perSecond: number
}

export interface StoredSipProxy extends SipProxySettings {
  /** `-`, or the id of an account. */
  readonly scope: string
  readonly hasPassword: boolean
}

interface ProxyRow {
  readonly scope: string
  readonly host: string
  readonly port: number
  readonly transport: 'UDP' | 'TCP'
  readonly user_name: string | null
  readonly password: Buffer | null
  readonly per_second: number
}

const COLUMNS = 'scope, host, port, transport, user_name, password, per_second'

export async function findSipProxy(sql: Pick<Sql, 'one'>, scope: string): Promise<StoredSipProxy | undefined> {
  const row = await proxyRow(sql, scope)
  return row === undefined ? undefined : fromRow(row)
}

/** With the password in clear, for whoever talks to the proxy. */
export async function openSipProxy(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  scope: string,
): Promise<(StoredSipProxy & { readonly password: string | undefined }) | undefined> {
  const row = await proxyRow(sql, scope)
  if (row === undefined) return undefined
  const password = row.password === null ? undefined : vault.open(SECRET_CONTEXT.sipProxy(scope), row.password)
  return { ...fromRow(row), password }
}

/** @param proxy.password undefined: the one that is stored stays, as long as the user does */
export async function putSipProxy(
  sql: Sql,
  vault: Vault,
  who: string,
  proxy: SipProxySettings & { readonly scope: string; readonly password: string | undefined },
): Promise<StoredSipProxy> {
  const { scope, host, port, transport, user, perSecond } = proxy
  const before = await findSipProxy(sql, scope)
  const sealed = proxy.password === undefined ? null : vault.seal(SECRET_CONTEXT.sipProxy(scope), proxy.password)
  const row = await sql.one<ProxyRow>({
    name: 'put-sip-proxy',
    text: `insert into sip_proxy (scope, host, port, transport, user_name, password, per_second)
           values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (scope) do update set host = excluded.host, port = excluded.port,
             transport = excluded.transport, user_name = excluded.user_name, per_second = excluded.per_second,
             password = coalesce(excluded.password, case when excluded.user_name is not distinct from sip_proxy.user_name
                                                        and excluded.host = sip_proxy.host
                                                        then sip_proxy.password end),
             updated_at = now()
           returning ${COLUMNS}`,
    values: [scope, host, port, transport, user ?? null, sealed, perSecond],
  })
  if (row === undefined) throw new Error('Cannot store a SIP proxy')
  const after = { host, port, transport, user: user ?? null, perSecond }
  await recordRevision(sql, {
    who,
    scope: 'sip-proxy',
    target: scope,
    what: 'set',
    ...(before === undefined ? {} : { before: { host: before.host, port: before.port, user: before.user ?? null } }),
    after,
  })
  await sql.notify(CONTROL_CHANNEL, 'proxy')
  return fromRow(row)
}

/** @returns whether there was one */
export async function dropSipProxy(sql: Sql, who: string, scope: string): Promise<boolean> {
  const dropped = await sql.run({
    name: 'drop-sip-proxy',
    text: 'delete from sip_proxy where scope = $1',
    values: [scope],
  })
  if (dropped === 0) return false
  await recordRevision(sql, { who, scope: 'sip-proxy', target: scope, what: 'removed' })
  await sql.notify(CONTROL_CHANNEL, 'proxy')
  return true
}

async function proxyRow(sql: Pick<Sql, 'one'>, scope: string): Promise<ProxyRow | undefined> {
  return sql.one<ProxyRow>({
    name: 'find-sip-proxy',
    text: `select ${COLUMNS} from sip_proxy where scope = $1`,
    values: [scope],
  })
}

function fromRow(row: ProxyRow): StoredSipProxy {
  const { scope, host, port, transport } = row
  return {
    scope,
    host,
    port,
    transport,
    user: row.user_name ?? undefined,
    perSecond: row.per_second,
    hasPassword: row.password !== null,
  }
}
