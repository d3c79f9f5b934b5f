/** Lines for boxes as they are scanned, so that their labels can be printed before the phones came. */
import type { MacAddress } from '../../protocol/identity.ts'
import { recordEvents } from './events.ts'
import type { Sql } from './sql.ts'

/** A line that a box asks for: by its id, or by its user. */
export interface LineWish {
  readonly lineId: string | undefined
  readonly line: string | undefined
}

interface WishedLine {
  readonly id: string
  readonly userId: string
  readonly mac: string | null
}

/** The line that a wish means, or why it cannot be given. */
export type WishedLines = (
  wish: LineWish,
  mac: MacAddress,
) => { readonly line: WishedLine | undefined } | { readonly code: string; readonly message: string }

/** Locks what is asked for; a line that one box took is in use for the next. */
export async function lockWishedLines(
  sql: Pick<Sql, 'query'>,
  accountId: string,
  wishes: readonly LineWish[],
): Promise<WishedLines> {
  const ids = wishes.flatMap(({ lineId }) => lineId ?? [])
  const users = wishes.flatMap(({ lineId, line }) => (lineId === undefined ? (line ?? []) : []))
  const rows =
    ids.length + users.length === 0
      ? []
      : await sql.query<WishedLine>({
          name: 'lock-wished-lines',
          text: `select id, user_id as "userId", device_mac as mac from line
                  where account_id = $1 and (id = any ($2) or user_id = any ($3)) order by id for update`,
          values: [accountId, ids, users],
        })
  const taken = new Map<string, string>(rows.flatMap(({ id, mac }) => (mac === null ? [] : [[id, mac] as const])))
  return (wish, mac) => {
    const name = wish.lineId ?? wish.line
    if (name === undefined) return { line: undefined }
    const found = rows.filter(({ id, userId }) => (wish.lineId === undefined ? userId === name : id === name))
    const own = found.find(({ id }) => taken.get(id) === mac)
    const [line, another] = own === undefined ? found : [own]
    if (line === undefined) return { code: 'unknown-line', message: `the account has no line "${name}"` }
    if (another !== undefined) {
      const message = `the account has several lines of the user "${name}"; name one by its id`
      return { code: 'ambiguous-line', message }
    }
    const holder = taken.get(line.id)
    if (holder !== undefined && holder !== mac) {
      return { code: 'line-in-use', message: `the line "${line.userId}" is on the phone ${holder}; name a free one` }
    }
    taken.set(line.id, mac)
    return { line: { ...line, mac: holder ?? null } }
  }
}

/** Places that lines have on phones. */
export async function lineIndexes(
  sql: Pick<Sql, 'query'>,
  macs: readonly MacAddress[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const rows = await sql.query<{ mac: string; indexes: readonly number[] }>({
    name: 'line-indexes',
    text: `select device_mac as mac, array_agg(line_index order by line_index) as indexes from line
            where device_mac = any ($1) group by device_mac`,
    values: [[...macs]],
  })
  return new Map(rows.map(({ mac, indexes }) => [mac, indexes]))
}

/**
 * The account's next free lines in the order of their making, locked: two who scan at once never get the same. Lines that
 * somebody else holds just now are passed over.
 */
export async function takeFreeLines(
  sql: Pick<Sql, 'query'>,
  accountId: string,
  count: number,
  without: readonly string[],
): Promise<readonly Pick<WishedLine, 'id' | 'userId'>[]> {
  if (count === 0) return []
  return sql.query({
    name: 'take-free-lines',
    text: `select id, user_id as "userId" from line
            where account_id = $1 and device_mac is null and id <> all ($3)
            order by created_order limit $2 for update skip locked`,
    values: [accountId, count, [...without]],
  })
}

export interface LinePlace {
  readonly lineId: string
  readonly userId: string
  readonly mac: MacAddress
  readonly index: number
}

/** Puts locked lines on phones. */
export async function placeLines(sql: Sql, accountId: string, places: readonly LinePlace[]): Promise<void> {
  if (places.length === 0) return
  await sql.run({
    name: 'place-lines',
    text: `update line l set device_mac = x.mac, line_index = x.index
             from unnest($1::text[], $2::text[], $3::integer[]) as x (id, mac, index) where l.id = x.id`,
    values: [places.map(({ lineId }) => lineId), places.map(({ mac }) => mac), places.map(({ index }) => index)],
  })
  await recordEvents(
    sql,
    places.map(({ mac, index, userId }) => ({
      name: 'line.assigned' as const,
      trust: 'operator' as const,
      mac,
      accountId,
      data: { index, userId },
    })),
  )
}
