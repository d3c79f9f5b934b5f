/** Devices for which something waits: who is asked to call now, and by which way. Times are the caller's. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import type { Sql } from './sql.ts'

/** How a device was asked to call. */
export type WakeWay = 'connection-request' | 'sip-resync' | 'sip-reboot' | 'periodic'

/** A device in hand is left alone by all processes for so long. */
const CLAIM_MS = 60_000
/** A task that came while a session was under way gets a call of its own after this. */
const LEFT_OVER_MS = 10_000
/** Devices looked at together. */
const TOGETHER = 1000

/** Devices that wait and that nobody has asked lately; what was left over by a session waits from now on. */
export async function dueWakes(sql: Pick<Sql, 'run' | 'query'>, now: Millis): Promise<readonly MacAddress[]> {
  await sql.run({
    name: 'acs-left-over',
    text: `update acs_state s set wake_from = to_timestamp($1::float8 / 1000)
            where s.wake_from is null and exists (select 1 from acs_task t where t.mac = s.mac and t.ended_at is null
                    and t.state = 'queued' and t.due_at <= to_timestamp($2::float8 / 1000))`,
    values: [now, now - LEFT_OVER_MS],
  })
  const rows = await sql.query<{ mac: MacAddress }>({
    name: 'due-acs-wakes',
    text: `select mac from acs_state where wake_from is not null
              and (wake_at is null or wake_at <= to_timestamp($1::float8 / 1000))
            order by wake_from limit ${TOGETHER}`,
    values: [now - CLAIM_MS],
  })
  return rows.map(({ mac }) => mac)
}

export interface ClaimedWake {
  readonly url: string | null
  /** Where it last called from. */
  readonly lastFrom: string
  /** How it was asked last; null: not yet since something waits. */
  readonly way: WakeWay | null
}

/** @returns undefined when another process has it in hand, or nothing waits any more */
export async function claimWake(sql: Pick<Sql, 'one'>, mac: MacAddress, now: Millis): Promise<ClaimedWake | undefined> {
  return sql.one<ClaimedWake>({
    name: 'claim-acs-wake',
    text: `update acs_state set wake_at = to_timestamp($2::float8 / 1000)
            where mac = $1 and wake_from is not null
              and (wake_at is null or wake_at <= to_timestamp($3::float8 / 1000) or wake_at < wake_from)
           returning connection_request_url as url, last_from as "lastFrom", wake_way as way`,
    values: [mac, now, now - CLAIM_MS],
  })
}

/** It was busy: whoever comes next may ask it again. */
export async function releaseWake(sql: Pick<Sql, 'run'>, mac: MacAddress): Promise<void> {
  await sql.run({
    name: 'release-acs-wake',
    text: 'update acs_state set wake_at = null where mac = $1 and wake_from is not null',
    values: [mac],
  })
}

export async function setWakeWay(sql: Pick<Sql, 'run'>, mac: MacAddress, way: WakeWay): Promise<void> {
  await sql.run({
    name: 'set-acs-wake-way',
    text: 'update acs_state set wake_way = $2 where mac = $1 and wake_from is not null',
    values: [mac, way],
  })
}

/**
 * Devices that TR-069 leads and that were brought to a wished state, in the order of their MACs.
 * @param macs only of these; undefined: of all
 */
export async function listLedByAcs(
  sql: Pick<Sql, 'query'>,
  macs: readonly MacAddress[] | undefined,
  limit: number,
): Promise<readonly MacAddress[]> {
  const rows = await sql.query<{ mac: MacAddress }>({
    name: 'list-led-by-acs',
    text: `select s.mac from acs_state s join device d on d.mac = s.mac join account a on a.id = d.account_id
            where s.in_step is not null and d.state = 'bound' and a.settings ->> 'ledBy' = 'tr069'
              and ($1::text[] is null or s.mac = any($1))
            order by s.mac limit $2`,
    values: [macs === undefined ? null : [...macs], limit],
  })
  return rows.map(({ mac }) => mac)
}
