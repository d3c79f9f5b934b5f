/**
 * How devices stand that the ACS tells nothing. Such a device may call every few seconds for weeks: its timeline says how
 * it stands when that is new, and once an hour while it goes on.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import type { EventName } from '../events.ts'
import type { Sql } from './sql.ts'

/** How a device stands, as its event says it. */
export interface StandingSeen {
  readonly mac: MacAddress
  /** Whose timeline it is in: another owner has not read it yet. */
  readonly accountId: string | undefined
  readonly name: EventName
  /** The event's `standing`. */
  readonly standing: string
  readonly at: Millis
}

/** The same standing of a device is said again after this. */
export const STANDING_EVERY_MS = 60 * 60_000
/** Standings that this process remembers; of those beyond the database knows. */
const STANDINGS_MAX = 20_000

/**
 * Tells what is news from what the timeline says already, whichever process has written it. Two processes that hear of
 * a device in the same moment may both say it.
 * @returns whether an event is to be written now; a promise where the database has to be asked: once an hour of a device
 */
export function createStandingNews(sql: Pick<Sql, 'one'>): (seen: StandingSeen) => false | Promise<boolean> {
  const said = new Map<string, Millis>()
  return (seen) => {
    const key = JSON.stringify([seen.mac, seen.accountId, seen.name, seen.standing])
    const last = said.get(key)
    if (last !== undefined && seen.at - last < STANDING_EVERY_MS) return false
    said.delete(key)
    if (said.size >= STANDINGS_MAX) said.delete(said.keys().next().value ?? '')
    // Before the database answers, so that the device's next call does not ask as well.
    said.set(key, seen.at)
    return lastSaid(sql, seen).then(
      (at) => {
        if (at !== undefined) said.set(key, at)
        return at === undefined
      },
      (error: unknown) => {
        said.delete(key)
        throw error
      },
    )
  }
}

/** When the timeline last said it, within the hour. */
async function lastSaid(sql: Pick<Sql, 'one'>, seen: StandingSeen): Promise<Millis | undefined> {
  const { mac, accountId, name, standing, at } = seen
  const row = await sql.one<{ at: number }>({
    name: 'last-acs-standing',
    text: `select extract(epoch from at)::float8 * 1000 as at from event
            where mac = $1 and account_id is not distinct from $2 and name = $3 and data ->> 'standing' = $4
              and at > to_timestamp($5::float8 / 1000)
            order by id desc limit 1`,
    values: [mac, accountId ?? null, name, standing, at - STANDING_EVERY_MS],
  })
  return row?.at
}
