/** Entries at the vendor's redirect service: which devices have one, and what it says. */
import type { MacAddress } from '../../protocol/identity.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'

export type RcEntryState = 'to-enter' | 'entered' | 'changed' | 'seen'

export interface RcEntryRow {
  readonly mac: MacAddress
  readonly serial: string
  readonly model: string
  readonly accountId: string
  readonly batchId: string | null
  readonly rule: string | null
  readonly enteredAt: Date | null
  readonly enteredBy: string | null
  readonly firstSeenAt: Date | null
}

export interface RcEntryFilter {
  /** null: every account. */
  readonly reach: readonly string[] | null
  readonly accountIds: readonly string[] | undefined
  readonly batchId: string | undefined
  readonly state: RcEntryState | undefined
  /** The rule that would be entered now. */
  readonly rule: string
  readonly after: string | undefined
  readonly limit: number
}

/**
 * Devices that belong to an account, by MAC. `to-enter`: registered and not entered; `changed`: entered with another rule
 * than the one of now; `seen`: entered, and the phone has come.
 */
export async function listRcEntries(sql: Pick<Sql, 'query'>, filter: RcEntryFilter): Promise<readonly RcEntryRow[]> {
  return sql.query<RcEntryRow>({
    name: 'list-rc-entries',
    text: `
select d.mac, d.serial, d.model, d.account_id as "accountId", d.batch_id as "batchId", r.rule,
       r.entered_at as "enteredAt", r.entered_by as "enteredBy", s.first_at as "firstSeenAt"
  from device d left join rc_entry r on r.mac = d.mac left join device_seen s on s.mac = d.mac
 where d.account_id is not null and (d.state = 'known' or r.mac is not null)
   and ($1::text[] is null or d.account_id = any ($1)) and ($2::text[] is null or d.account_id = any ($2))
   and ($3::text is null or d.batch_id = $3)
   and ($4::text is null
     or ($4 = 'to-enter' and r.mac is null)
     or ($4 = 'entered' and r.mac is not null)
     or ($4 = 'changed' and r.rule <> $5)
     or ($4 = 'seen' and r.mac is not null and s.first_at is not null))
   and ($6::text is null or d.mac > $6)
 order by d.mac limit $7`,
    values: [
      filter.reach,
      filter.accountIds ?? null,
      filter.batchId ?? null,
      filter.state ?? null,
      filter.rule,
      filter.after ?? null,
      filter.limit,
    ],
  })
}

/**
 * Notes that devices were entered with this rule, or that their entries were taken out.
 * @returns the MACs that were noted: those of the list that have an account within reach
 */
export async function markRcEntries(
  sql: Sql,
  who: string,
  mark: {
    readonly macs: readonly string[]
    readonly entered: boolean
    readonly rule: string
    readonly reach: readonly string[] | null
  },
): Promise<readonly string[]> {
  const found = await sql.query<{ mac: string }>({
    name: 'rc-entry-devices',
    text: `select mac from device where mac = any ($1) and account_id is not null
             and ($2::text[] is null or account_id = any ($2)) order by mac for update`,
    values: [mark.macs, mark.reach],
  })
  const macs = found.map(({ mac }) => mac)
  if (mark.entered) {
    await sql.run({
      name: 'enter-rc',
      text: `insert into rc_entry (mac, rule, entered_by) select unnest($1::text[]), $2, $3
             on conflict (mac) do update set rule = excluded.rule, entered_by = excluded.entered_by, entered_at = now()`,
      values: [macs, mark.rule, who],
    })
  } else {
    await sql.run({ name: 'leave-rc', text: 'delete from rc_entry where mac = any ($1)', values: [macs] })
  }
  const what = mark.entered ? 'entered at the redirect service' : 'taken out of the redirect service'
  for (const mac of macs) {
    await recordRevision(sql, {
      who,
      scope: 'device',
      target: mac,
      what,
      ...(mark.entered ? { after: { rule: mark.rule } } : {}),
    })
  }
  return macs
}
