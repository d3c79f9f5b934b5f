/** What a file of statements needs: the database itself, or one transaction on it. */
import type { Transaction } from '../database/mod.ts'

export type Sql = Pick<Transaction, 'one' | 'query' | 'run' | 'notify'>
