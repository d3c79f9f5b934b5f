/** What the imports of accounts, lines and devices share: who asks, what is known, what came of it. */
import type { MacAddress } from '../../../protocol/identity.ts'
import { accountsNamed, type KnownAccount, type KnownDevice, type Sql, type Vault } from '../../store/mod.ts'
import { cellProblem, type Column, Problems, type Row } from './row.ts'

export interface Import {
  readonly sql: Sql
  readonly vault: Vault
  readonly who: string
  /** null: every account. */
  readonly reach: readonly string[] | null
  /** `create`: what is there already is a problem. `upsert`: it is changed. */
  readonly mode: 'create' | 'upsert'
  readonly rows: readonly Row[]
  readonly problems: Problems
}

export interface Imported {
  readonly created: number
  readonly updated: number
  readonly unchanged: number
  readonly made: readonly KnownDevice[]
  readonly changed: readonly MacAddress[]
}

export const NOTHING: Imported = { created: 0, updated: 0, unchanged: 0, made: [], changed: [] }

/** Somebody else made one of the rows between our look and our insert: the whole import is asked for again. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken'
}

/** Accounts that the rows name, by what they were named; those out of reach are not there. */
export async function namedAccounts(
  { sql, reach }: Import,
  names: readonly (string | undefined)[],
): Promise<ReadonlyMap<string, KnownAccount>> {
  const wanted = [...new Set(names.filter((name) => name !== undefined))]
  if (wanted.length === 0) return new Map()
  const found = (await accountsNamed(sql, wanted)).filter(({ id }) => reach === null || reach.includes(id))
  return new Map([
    ...found.map((account) => [account.id, account] as const),
    ...found.map((account) => [account.customerId, account] as const),
  ])
}

export function missing(row: Row, column: Column): ReturnType<typeof cellProblem> {
  return cellProblem(row, column, { code: 'missing', message: `The ${column.name} is missing` })
}
