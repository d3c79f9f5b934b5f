/** What the commands of staging read and print alike. Pure. */
import { parseMacAddress, macWithColons } from '../../protocol/identity.ts'
import { type Stage, STAGES } from '../../server/devices/mod.ts'
import { plainText } from './stage-width.ts'

export { type Stage, STAGES }

/** For a person to solve: a box does not come farther by itself. */
export const TO_SOLVE: readonly Stage[] = ['wrong-serial', 'refused']

export interface Note {
  readonly code: string
  readonly message: string
}

export interface Batch {
  readonly id: string
  readonly accountId: string
  readonly name: string
  readonly model: string | null
  readonly expected: number | null
  readonly state: string
  readonly progress: { readonly total: number }
  readonly createdAt: string
  readonly shippedAt: string | null
}

export interface Box {
  readonly mac: string
  readonly serial: string
  readonly model: string
  readonly name: string
  readonly stage: Stage
  readonly since: string
  /** null: put into the batch without a scan. */
  readonly scannedAt: string | null
  readonly lines: readonly { readonly userId: string; readonly displayName: string }[]
  readonly keysConfirmed: boolean
  readonly problem: Note | null
}

export interface Stranger {
  readonly mac: string
  readonly serial: string | null
  readonly productName: string | null
  readonly address: string
  readonly source: string
  readonly firstSeenAt: string
  readonly lastSeenAt: string
  readonly problem: Note | null
}

/** The answer of `GET batches/{id}/staging`. */
export interface Staging {
  readonly batch: Batch
  readonly at: string
  readonly counts: Readonly<Partial<Record<string, number>>>
  readonly boxes: readonly Box[]
  readonly strangers: readonly Stranger[]
}

/** Path of a batch's routes. */
export function batchRoute(id: string, rest = ''): string {
  return `batches/${encodeURIComponent(id)}${rest === '' ? '' : `/${rest}`}`
}

/** `00:0e:08:a1:b2:c3` as on the label; what is no MAC address as it is. */
export function macText(text: string): string {
  const mac = parseMacAddress(text)
  return mac === undefined ? plainText(text) : macWithColons(mac)
}

/** The name of a box and its lines, as its label shows them: `lobby, 1001 Ann`. */
export function nameAndLines({ name, lines }: Pick<Box, 'name' | 'lines'>): string {
  const numbers = lines.map(({ userId, displayName }) =>
    displayName === '' || displayName === userId ? userId : `${userId} ${displayName}`,
  )
  return plainText([...(name === '' ? [] : [name]), ...numbers].join(', '))
}

/** A batch in a list: its id, how many boxes of how many, and its name. */
export function batchLine({ id, state, name, progress, expected, createdAt }: Batch): string {
  const count = expected === null ? String(progress.total) : `${progress.total} of ${expected}`
  return plainText(`${id}  ${state.padEnd(7)}  ${count.padStart(9)}  ${createdAt.slice(0, 10)}  ${name}`)
}
