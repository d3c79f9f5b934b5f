/** Messages of TR-069 devices under trace, without secrets, as many as are kept. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import { tellAcs } from './acs-state.ts'
import type { Sql } from './sql.ts'

/** Messages kept of one device. */
export const MESSAGES_MAX = 500
/** A longer message is cut. */
export const MESSAGE_CHARS_MAX = 64 * 1024
/** The longest trace that can be asked for. */
export const TRACE_SECONDS_MAX = 7 * 86_400

export interface TracedMessage {
  readonly mac: MacAddress
  readonly session: string
  readonly at: Millis
  readonly sender: 'CPE' | 'ACS'
  /** Name of the method, `Fault`, or `empty`. */
  readonly kind: string
  readonly text: string
}

export async function recordMessages(sql: Pick<Sql, 'run'>, messages: readonly TracedMessage[]): Promise<void> {
  if (messages.length === 0) return
  await sql.run({
    name: 'record-acs-messages',
    text: `insert into acs_message (mac, session, at, sender, kind, text)
           select x.mac, x.session, to_timestamp(x.at / 1000.0), x.sender, x.kind, x.text
             from unnest($1::text[], $2::text[], $3::float8[], $4::text[], $5::text[], $6::text[])
                  with ordinality as x (mac, session, at, sender, kind, text, place)
             join device d on d.mac = x.mac order by x.place`,
    values: [
      messages.map((each) => each.mac),
      messages.map((each) => each.session),
      messages.map((each) => each.at),
      messages.map((each) => each.sender),
      messages.map((each) => each.kind),
      messages.map((each) => each.text.slice(0, MESSAGE_CHARS_MAX)),
    ],
  })
  await sql.run({
    name: 'forget-acs-messages',
    text: `delete from acs_message m where m.mac = any($1::text[])
              and m.id < (select min(n.id) from (select x.id from acs_message x where x.mac = m.mac
                                                  order by x.id desc limit ${MESSAGES_MAX}) n)`,
    values: [[...new Set(messages.map((each) => each.mac))]],
  })
}

export interface ShownMessage {
  readonly id: number
  readonly session: string
  readonly at: Date
  readonly sender: 'CPE' | 'ACS'
  readonly kind: string
  readonly text: string
}

/** Newest first. @param before id of the last message of the page before */
export async function listMessages(
  sql: Pick<Sql, 'query'>,
  mac: MacAddress,
  page: { readonly before: number | undefined; readonly limit: number },
): Promise<readonly ShownMessage[]> {
  return sql.query<ShownMessage>({
    name: 'list-acs-messages',
    text: `select id::float8 as id, session, at, sender, kind, text from acs_message
            where mac = $1 and ($2::bigint is null or id < $2) order by id desc limit $3`,
    values: [mac, page.before ?? null, page.limit],
  })
}

/** @param until undefined: from now on nothing more is kept. @returns false for a device that has never called */
export async function setTrace(sql: Sql, mac: MacAddress, until: Millis | undefined): Promise<boolean> {
  const changed = await sql.run({
    name: 'set-acs-trace',
    text: 'update acs_state set traced_until = to_timestamp($2::float8 / 1000) where mac = $1',
    values: [mac, until ?? null],
  })
  await tellAcs(sql, [mac])
  return changed > 0
}
