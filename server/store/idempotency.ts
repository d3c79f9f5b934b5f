/**
 * What writes with an Idempotency-Key did. The result of each transaction is stored in that transaction, so after a
 * crash it is known exactly what was done; the answer is stored when it is sent. All of it is sealed: answers hold
 * codes and tokens that are told once.
 */
import { deserialize, serialize } from 'node:v8'
import type { Sql } from './sql.ts'
import { SECRET_CONTEXT, type Vault } from './vault.ts'

/** How long a repeated request is known. */
export const IDEMPOTENCY_HOURS = 24
/** Rows that are kept; the oldest go first. About 1 GB at the usual answer of 1 kB. */
const ROWS_MAX = 1_000_000
/** A larger result or answer is remembered as given, but not kept. */
const KEPT_BYTES_MAX = 1024 * 1024
/** The step of the answer. */
const ANSWER_STEP = -1

export interface IdempotencyKey {
  readonly tokenId: string
  readonly key: string
  /** Digest of method, path and body: another request under the same key is a mistake. */
  readonly fingerprint: string
}

/** Absent `value`: it was too large to be kept. */
export type KeptResult = { readonly kept: true; readonly value: unknown } | { readonly kept: false }

export interface KeptAnswer {
  readonly status: number
  readonly type: string
  readonly body: string
}

export interface KnownRequest {
  /** Whether the same method, path and body were asked for. */
  readonly same: boolean
  /** undefined: something was done, and the process ended before it answered. */
  readonly answer: KeptResult | undefined
}

/** What is known of a key; undefined: nothing. */
export async function findIdempotent(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  key: IdempotencyKey,
): Promise<KnownRequest | undefined> {
  const first = await sql.one<{ step: number; sealed: Buffer }>({
    name: 'find-idempotent',
    text: `select step, sealed from idempotency
            where token_id = $1 and key = $2 and created_at > now() - make_interval(hours => $3)
            order by step limit 1`,
    values: [key.tokenId, key.key, IDEMPOTENCY_HOURS],
  })
  if (first === undefined) return undefined
  const opened = openStep(vault, key, first.step, first.sealed)
  return {
    same: opened.fingerprint === key.fingerprint,
    answer: first.step === ANSWER_STEP ? opened.result : undefined,
  }
}

/** @returns false while another process is at work on this key. Held until the end of the transaction. */
export async function lockIdempotent(sql: Pick<Sql, 'one'>, key: IdempotencyKey): Promise<boolean> {
  const row = await sql.one<{ locked: boolean }>({
    name: 'lock-idempotent',
    text: 'select pg_try_advisory_xact_lock(hashtextextended($1, 727005)) as locked',
    values: [`${key.tokenId} ${key.key}`],
  })
  return row?.locked === true
}

/** The result of the n-th transaction of this request, when it was committed before. */
export async function findStep(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  key: IdempotencyKey,
  step: number,
): Promise<KeptResult | undefined> {
  const row = await sql.one<{ sealed: Buffer }>({
    name: 'find-idempotent-step',
    text: `select sealed from idempotency where token_id = $1 and key = $2 and step = $3
              and created_at > now() - make_interval(hours => $4)`,
    values: [key.tokenId, key.key, step, IDEMPOTENCY_HOURS],
  })
  return row === undefined ? undefined : openStep(vault, key, step, row.sealed).result
}

/** In the transaction that did it. */
export async function keepStep(
  sql: Pick<Sql, 'run'>,
  vault: Vault,
  key: IdempotencyKey,
  step: number,
  value: unknown,
): Promise<void> {
  await sql.run({
    name: 'keep-idempotent',
    text: `insert into idempotency (token_id, key, step, sealed) values ($1, $2, $3, $4)
           on conflict (token_id, key, step) do update set sealed = excluded.sealed, created_at = now()
             where idempotency.created_at <= now() - make_interval(hours => $5)`,
    values: [key.tokenId, key.key, step, sealStep(vault, key, step, value), IDEMPOTENCY_HOURS],
  })
}

export async function keepAnswer(
  sql: Pick<Sql, 'run'>,
  vault: Vault,
  key: IdempotencyKey,
  answer: KeptAnswer,
): Promise<void> {
  await keepStep(sql, vault, key, ANSWER_STEP, answer)
}

/** The structured clone of a result: dates, maps and bytes come back as they were. */
function sealStep(vault: Vault, key: IdempotencyKey, step: number, value: unknown): Buffer {
  const bytes = clonedBytes(value)
  const result = bytes === undefined ? { kept: false } : { kept: true, bytes: bytes.toString('base64') }
  const context = SECRET_CONTEXT.idempotency(key.tokenId, key.key, step)
  return vault.seal(context, JSON.stringify({ fingerprint: key.fingerprint, ...result }))
}

function clonedBytes(value: unknown): Buffer | undefined {
  try {
    const bytes = serialize(value)
    return bytes.length > KEPT_BYTES_MAX ? undefined : bytes
  } catch {
    // A function among the values: the work was done, but it cannot be told again.
    return undefined
  }
}

function openStep(
  vault: Vault,
  key: IdempotencyKey,
  step: number,
  sealed: Buffer,
): { readonly fingerprint: string; readonly result: KeptResult } {
  const context = SECRET_CONTEXT.idempotency(key.tokenId, key.key, step)
  const read = JSON.parse(vault.open(context, sealed)) as { fingerprint: string; kept: boolean; bytes?: string }
  const result: KeptResult =
    read.kept && read.bytes !== undefined
      ? { kept: true, value: deserialize(Buffer.from(read.bytes, 'base64')) as unknown }
      : { kept: false }
  return { fingerprint: read.fingerprint, result }
}

/** Deletes what is too old, and the oldest of what is too much. @returns how many */
export async function forgetIdempotency(sql: Pick<Sql, 'run'>): Promise<number> {
  return sql.run({
    name: 'forget-idempotency',
    text: `delete from idempotency where created_at < greatest(
             now() - make_interval(hours => $1),
             (select created_at from idempotency order by created_at desc offset $2 limit 1))`,
    values: [IDEMPOTENCY_HOURS, ROWS_MAX],
  })
}
