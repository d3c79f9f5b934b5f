/**
 * Every place of the database that holds secrets sealed under the master key, as data: what a change of that key has to
 * seal again. A test compares it with the schema, so that no new place is forgotten.
 */
import type { StoredLayerParameter } from './layer-rows.ts'
import type { Sql } from './sql.ts'
import { SECRET_CONTEXT, type Vault } from './vault.ts'

type Row = Readonly<Record<string, string | number | Buffer | null>>

/** A column that is one sealed secret (bytea). */
export interface SealedColumn {
  readonly table: string
  readonly column: string
  /** Columns that the context is made of. */
  readonly of: readonly string[]
  readonly context: (row: Row) => string
  /** Of the rows that are sealed; absent: all in which the column is not null. */
  readonly where?: string
}

/** A column (jsonb) that holds layer parameters, some of whose values are sealed. */
export interface SealedParameters {
  readonly table: string
  readonly column: string
  /** Expressions that give scope and id of the layer. */
  readonly scope: string
  readonly id: string
  readonly where?: string
}

function text(row: Row, name: string): string {
  const value = row[name]
  return typeof value === 'string' ? value : ''
}

export const SEALED_COLUMNS: readonly SealedColumn[] = [
  {
    table: 'platform_secret',
    column: 'sealed',
    of: ['name'],
    context: (row) => SECRET_CONTEXT.platform(text(row, 'name')),
    where: `name <> 'key-check'`,
  },
  { table: 'line', column: 'password', of: ['id'], context: (row) => SECRET_CONTEXT.line(text(row, 'id')) },
  {
    table: 'device_secret',
    column: 'sealed',
    of: ['mac', 'name', 'generation'],
    context: (row) => SECRET_CONTEXT.device(text(row, 'mac'), text(row, 'name'), Number(row['generation'])),
  },
  {
    table: 'device_ca',
    column: 'private_key',
    of: ['fingerprint'],
    context: (row) => SECRET_CONTEXT.deviceCa(text(row, 'fingerprint')),
  },
  {
    table: 'report',
    column: 'sealed',
    of: ['mac'],
    context: (row) => SECRET_CONTEXT.report(row['mac'] === null ? undefined : text(row, 'mac')),
  },
  {
    table: 'device_reported',
    column: 'sealed',
    of: ['mac'],
    context: (row) => SECRET_CONTEXT.reported(text(row, 'mac')),
  },
  {
    table: 'profile_version',
    column: 'sealed',
    of: ['mac', 'version'],
    context: (row) => SECRET_CONTEXT.profileVersion(text(row, 'mac'), text(row, 'version')),
  },
  { table: 'acs_task', column: 'asked', of: ['id'], context: (row) => SECRET_CONTEXT.acsTask(text(row, 'id')) },
  { table: 'api_user', column: 'password', of: ['id'], context: (row) => SECRET_CONTEXT.user(text(row, 'id')) },
  {
    table: 'server_certificate',
    column: 'private_key',
    of: ['id'],
    context: (row) => SECRET_CONTEXT.serverCertificate(text(row, 'id')),
  },
  { table: 'acme', column: 'account_key', of: ['id'], context: () => SECRET_CONTEXT.acme },
  { table: 'webhook', column: 'secret', of: ['id'], context: (row) => SECRET_CONTEXT.webhook(text(row, 'id')) },
  {
    table: 'idempotency',
    column: 'sealed',
    of: ['token_id', 'key', 'step'],
    context: (row) => SECRET_CONTEXT.idempotency(text(row, 'token_id'), text(row, 'key'), Number(row['step'])),
  },
  {
    table: 'sip_proxy',
    column: 'password',
    of: ['scope'],
    context: (row) => SECRET_CONTEXT.sipProxy(text(row, 'scope')),
  },
]

const LAYER_REVISION = `scope like 'layer/%'`

export const SEALED_PARAMETERS: readonly SealedParameters[] = [
  { table: 'layer', column: 'parameters', scope: 'scope', id: 'id' },
  { table: 'layer_draft', column: 'parameters', scope: 'scope', id: 'id' },
  { table: 'revision', column: 'before', scope: `substr(scope, 7)`, id: 'target', where: LAYER_REVISION },
  { table: 'revision', column: 'after', scope: `substr(scope, 7)`, id: 'target', where: LAYER_REVISION },
]

/** Columns of bytes that are no sealed secrets: hashes, and the check value by which a wrong key is noticed. */
export const UNSEALED_BYTES: readonly string[] = ['code.hash', 'token.hash']

const ROWS_AT_ONCE = 500

/**
 * Seals everything anew, inside the caller's transaction; nothing else may write meanwhile.
 * @returns how many secrets were sealed again
 */
export async function resealAll(sql: Sql, from: Vault, to: Vault): Promise<number> {
  let count = 0
  for (const place of SEALED_COLUMNS) count += await resealColumn(sql, place, from, to)
  for (const place of SEALED_PARAMETERS) count += await resealParameters(sql, place, from, to)
  return count
}

async function resealColumn(sql: Sql, place: SealedColumn, from: Vault, to: Vault): Promise<number> {
  const { table, column, of, context, where = 'true' } = place
  return eachPage<Row & { readonly place: string; readonly sealed: Buffer }>(
    sql,
    `${table}-${column}`,
    `select ctid::text as place, "${column}" as sealed, ${of.map((name) => `"${name}"`).join(', ')}
       from "${table}" where "${column}" is not null and ${where}`,
    async (rows) => {
      const sealed = rows.map((row) => to.seal(context(row), from.open(context(row), row.sealed)))
      await sql.run({
        name: `reseal-${table}-${column}`,
        text: `update "${table}" t set "${column}" = x.sealed
                 from unnest($1::text[], $2::bytea[]) as x (place, sealed) where t.ctid = x.place::tid`,
        values: [rows.map((row) => row.place), sealed],
      })
      return rows.length
    },
  )
}

type Parameters = Readonly<Record<string, StoredLayerParameter>>

async function resealParameters(sql: Sql, place: SealedParameters, from: Vault, to: Vault): Promise<number> {
  const { table, column, scope, id, where = 'true' } = place
  return eachPage<{ place: string; scope: string; id: string; parameters: Parameters }>(
    sql,
    `${table}-${column}`,
    `select ctid::text as place, ${scope} as scope, ${id} as id, "${column}" as parameters
       from "${table}" where ${where} and jsonb_typeof("${column}") = 'object' and "${column}"::text like '%"sealed"%'`,
    async (rows) => {
      let count = 0
      const changed = rows.map((row) => {
        const entries = Object.entries(row.parameters).map(([element, parameter]) => {
          if (typeof parameter !== 'object' || typeof parameter.sealed !== 'string')
            return [element, parameter] as const
          count += 1
          const context = SECRET_CONTEXT.layer(row.scope, row.id, element)
          const plain = from.open(context, Buffer.from(parameter.sealed, 'base64'))
          return [element, { ...parameter, sealed: to.seal(context, plain).toString('base64') }] as const
        })
        return JSON.stringify(Object.fromEntries(entries))
      })
      await sql.run({
        name: `reseal-${table}-${column}`,
        text: `update "${table}" t set "${column}" = x.parameters
                 from unnest($1::text[], $2::jsonb[]) as x (place, parameters) where t.ctid = x.place::tid`,
        values: [rows.map((row) => row.place), changed],
      })
      return count
    },
  )
}

/** Row by row places stay valid: the cursor sees the rows as they were, and nobody else writes. */
async function eachPage<T>(
  sql: Sql,
  name: string,
  select: string,
  work: (rows: readonly T[]) => Promise<number>,
): Promise<number> {
  await sql.run({ name: `reseal-declare-${name}`, text: `declare reseal_rows cursor for ${select}`, values: [] })
  let count = 0
  for (;;) {
    const rows = await sql.query<T>({
      name: `reseal-fetch-${name}`,
      text: `fetch ${ROWS_AT_ONCE} from reseal_rows`,
      values: [],
    })
    if (rows.length > 0) count += await work(rows)
    if (rows.length < ROWS_AT_ONCE) break
  }
  await sql.run({ name: `reseal-close-${name}`, text: 'close reseal_rows', values: [] })
  return count
}

/** The check value of the new key, in place of the old one. */
export async function replaceKeyCheck(sql: Pick<Sql, 'run'>, check: string): Promise<void> {
  await sql.run({
    name: 'replace-key-check',
    text: `update platform_secret set sealed = $1 where name = 'key-check'`,
    values: [Buffer.from(check)],
  })
}
