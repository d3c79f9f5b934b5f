/** Looks at a database without changing anything, whatever the version of its schema. For `offhook doctor`. */
import type { Sql } from './sql.ts'

type Reader = Pick<Sql, 'query'>

/** Whether a table is there; everything else is asked only then. */
async function hasTable(sql: Reader, name: string): Promise<boolean> {
  const rows = await sql.query<{ there: boolean }>({
    name: 'examine-table',
    text: 'select to_regclass($1) is not null as there',
    values: [name],
  })
  return rows[0]?.there === true
}

export interface ExaminedDatabase {
  readonly version: string
  /** Migrations that have run; 0: an empty database. */
  readonly schema: number
  /** Settings without which a crash loses what was answered; `on` is right. */
  readonly durable: Readonly<Record<'fsync' | 'synchronous_commit' | 'full_page_writes', string>>
}

export async function examineDatabase(sql: Reader): Promise<ExaminedDatabase> {
  const [row] = await sql.query<{ version: string; fsync: string; commits: string; pages: string }>({
    name: 'examine-database',
    text: `select current_setting('server_version') as version, current_setting('fsync') as fsync,
                  current_setting('synchronous_commit') as commits, current_setting('full_page_writes') as pages`,
    values: [],
  })
  const durable = {
    fsync: row?.fsync ?? '',
    synchronous_commit: row?.commits ?? '',
    full_page_writes: row?.pages ?? '',
  }
  return { version: row?.version ?? '', schema: await schemaOf(sql), durable }
}

async function schemaOf(sql: Reader): Promise<number> {
  if (!(await hasTable(sql, 'schema_migration'))) return 0
  const [row] = await sql.query<{ version: number }>({
    name: 'examine-schema',
    text: 'select coalesce(max(version), 0) as version from schema_migration',
    values: [],
  })
  return row?.version ?? 0
}

/** @returns milliseconds since the epoch by the database's clock */
export async function examineClock(sql: Reader): Promise<number> {
  const [row] = await sql.query<{ now: number }>({
    name: 'examine-clock',
    text: 'select extract(epoch from clock_timestamp())::float8 * 1000 as now',
    values: [],
  })
  return row?.now ?? Number.NaN
}

/** @returns by which a wrong master key is noticed; undefined: nothing was sealed yet */
export async function examineKeyCheck(sql: Reader): Promise<string | undefined> {
  if (!(await hasTable(sql, 'platform_secret'))) return undefined
  const [row] = await sql.query<{ sealed: Buffer }>({
    name: 'examine-key-check',
    text: `select sealed from platform_secret where name = 'key-check'`,
    values: [],
  })
  return row?.sealed.toString()
}

export interface ExaminedProxy {
  readonly scope: string
  readonly host: string
  readonly port: number
  readonly transport: 'UDP' | 'TCP'
}

export async function examineProxies(sql: Reader): Promise<readonly ExaminedProxy[]> {
  if (!(await hasTable(sql, 'sip_proxy'))) return []
  return sql.query<ExaminedProxy>({
    name: 'examine-proxies',
    text: 'select scope, host, port, transport from sip_proxy order by scope limit 50',
    values: [],
  })
}

export interface ExaminedFirmware {
  readonly name: string
  readonly sha256: string
  readonly byteCount: number
}

export async function examineFirmware(sql: Reader): Promise<readonly ExaminedFirmware[]> {
  if (!(await hasTable(sql, 'firmware'))) return []
  return sql.query<ExaminedFirmware>({
    name: 'examine-firmware',
    text: 'select name, sha256, byte_count as "byteCount" from firmware order by name limit 10000',
    values: [],
  })
}

/** @returns chain and phones' CA of the stored certificate in force */
export async function examineCertificate(
  sql: Reader,
): Promise<{ readonly chain: string; readonly phoneCa: string | null } | undefined> {
  if (!(await hasTable(sql, 'server_certificate'))) return undefined
  const [row] = await sql.query<{ chain: string; phoneCa: string | null }>({
    name: 'examine-certificate',
    text: 'select chain, phone_ca as "phoneCa" from server_certificate where in_force',
    values: [],
  })
  return row
}
