/** The small row of each TR-069 device, and the work that waits for it. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import type { AcsState, OpenTask, RefusedValue, TaskRequest } from '../tr069/mod.ts'
import type { Sql } from './sql.ts'
import { SECRET_CONTEXT, type Vault } from './vault.ts'

/** Says to every process that something waits for a device; the payload is its MAC. */
export const ACS_CHANNEL = 'offhook_acs'

/** Beyond so many devices it is only said that there is something. */
const NAMED_MAX = 100

/** The small rows of these devices, or what waits for them, have changed: every process hears of it. */
export async function tellAcs(sql: Pick<Sql, 'notify'>, macs: readonly MacAddress[]): Promise<void> {
  if (macs.length > NAMED_MAX) await sql.notify(ACS_CHANNEL, '*')
  else for (const mac of macs) await sql.notify(ACS_CHANNEL, mac)
}

interface StateRow {
  readonly mac: MacAddress
  readonly informHash: string
  readonly root: string
  readonly treeAt: number | null
  readonly inStep: string | null
  readonly configVersion: string | null
  readonly caVersion: string | null
  readonly batchMax: number
  readonly refused: Readonly<Record<string, RefusedValue>>
  readonly informSeconds: number | null
  readonly software: string | null
  readonly tracedUntil: number | null
  readonly wakeFrom: number | null
  readonly wakeWay: string | null
  readonly openTasks: number
}

function ms(column: string): string {
  return `extract(epoch from ${column})::float8 * 1000`
}

const STATE = `s.mac, s.inform_hash as "informHash", s.root, ${ms('s.tree_at')} as "treeAt", s.in_step as "inStep",
  s.config_version as "configVersion", s.ca_version as "caVersion", s.batch_max as "batchMax", s.refused,
  s.inform_seconds as "informSeconds", s.software, ${ms('s.traced_until')} as "tracedUntil",
  ${ms('s.wake_from')} as "wakeFrom", s.wake_way as "wakeWay",
  (select count(*)::int from acs_task t where t.mac = s.mac and t.ended_at is null) as "openTasks"`

/** @returns undefined for a device that has never called */
export async function loadAcsState(sql: Pick<Sql, 'one'>, mac: MacAddress): Promise<AcsState | undefined> {
  const row = await sql.one<StateRow>({
    name: 'load-acs-state',
    text: `select ${STATE} from acs_state s where s.mac = $1`,
    values: [mac],
  })
  return row === undefined ? undefined : stateOf(row)
}

function stateOf(row: StateRow): AcsState {
  const { treeAt, inStep, configVersion, caVersion, informSeconds, software, tracedUntil, wakeFrom, wakeWay } = row
  return {
    ...row,
    treeAt: treeAt ?? undefined,
    inStep: inStep ?? undefined,
    configVersion: configVersion ?? undefined,
    caVersion: caVersion ?? undefined,
    informSeconds: informSeconds ?? undefined,
    software: software ?? undefined,
    tracedUntil: tracedUntil ?? undefined,
    wakeFrom: wakeFrom ?? undefined,
    wakeWay: wakeWay ?? undefined,
  }
}

interface TaskRow {
  readonly id: string
  readonly asked: Buffer
  readonly commandKey: string
  readonly state: OpenTask['state']
  readonly tries: number
  readonly dueAt: number
  readonly sentAt: number | null
}

/** Tasks worked on in one session; what is beyond waits for the next. */
const TASKS_MAX = 100

/** Those that are not over, oldest first, with their secrets. */
export async function loadOpenTasks(
  sql: Pick<Sql, 'query'>,
  vault: Vault,
  mac: MacAddress,
): Promise<readonly OpenTask[]> {
  const rows = await sql.query<TaskRow>({
    name: 'load-open-tasks',
    text: `select id, asked, command_key as "commandKey", state, tries, ${ms('due_at')} as "dueAt",
                  ${ms('sent_at')} as "sentAt"
             from acs_task where mac = $1 and ended_at is null order by seq limit ${TASKS_MAX}`,
    values: [mac],
  })
  return rows.map(({ asked, sentAt, ...row }) => ({
    ...row,
    sentAt: sentAt ?? undefined,
    request: JSON.parse(vault.open(SECRET_CONTEXT.acsTask(row.id), asked)) as TaskRequest,
  }))
}

/** What one Inform said. */
export interface InformSeen {
  readonly mac: MacAddress
  readonly at: Millis
  readonly from: string
  readonly secure: boolean
  readonly manufacturer: string
  readonly oui: string
  readonly productClass: string
  readonly root: string
  readonly namespace: string
  readonly events: readonly string[]
  readonly software: string | undefined
  readonly parameterKey: string | undefined
  readonly connectionRequestUrl: string | undefined
  readonly informHash: string
}

/** One statement for any number of rows; of a device that is there twice the later row counts. */
export async function recordInforms(sql: Pick<Sql, 'run'>, informs: readonly InformSeen[]): Promise<void> {
  const rows = [...new Map(informs.map((each) => [each.mac, each])).values()]
  if (rows.length === 0) return
  await sql.run({ name: 'record-informs', text: RECORD_INFORMS, values: informValues(rows) })
}

const RECORD_INFORMS = `insert into acs_state (mac, first_at, last_at, last_from, secure, manufacturer, oui,
    product_class, root, namespace, events, software, parameter_key, connection_request_url, inform_hash)
  select x.mac, to_timestamp(x.at / 1000.0), to_timestamp(x.at / 1000.0), x.peer, x.secure, x.manufacturer, x.oui,
         x.class, x.root, x.urn, coalesce(string_to_array(nullif(x.events, ''), E'\\n'), '{}'), x.software, x.key,
         x.url, x.hash
    from unnest($1::text[], $2::float8[], $3::text[], $4::bool[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
         as x (mac, at, peer, secure, manufacturer, oui, class, root, urn, events, software, key, url, hash)
    join device d on d.mac = x.mac
  on conflict (mac) do update set last_at = excluded.last_at, last_from = excluded.last_from,
    secure = excluded.secure, manufacturer = excluded.manufacturer, oui = excluded.oui,
    product_class = excluded.product_class, root = excluded.root, namespace = excluded.namespace,
    events = excluded.events, software = coalesce(excluded.software, acs_state.software),
    parameter_key = coalesce(excluded.parameter_key, acs_state.parameter_key),
    connection_request_url = coalesce(excluded.connection_request_url, acs_state.connection_request_url),
    inform_hash = excluded.inform_hash,
    -- What began to wait after this Inform waits on.
    wake_from = case when acs_state.wake_from > excluded.last_at then acs_state.wake_from end,
    wake_at = case when acs_state.wake_from > excluded.last_at then acs_state.wake_at end,
    wake_way = case when acs_state.wake_from > excluded.last_at then acs_state.wake_way end`

const FORGET_LEARNED = `tree_at = null, in_step = null, config_version = null, ca_version = null, refused = '{}',
  batch_max = default, inform_seconds = null`

/** What was learned of a device counts no more. */
export async function forgetLearned(sql: Pick<Sql, 'run'>, mac: MacAddress): Promise<void> {
  await sql.run({
    name: 'acs-forget-learned',
    text: `with gone as (delete from acs_parameter where mac = $1) update acs_state set ${FORGET_LEARNED} where mac = $1`,
    values: [mac],
  })
}

/**
 * The Inform of a device that begins anew: what was learned of it is forgotten.
 * @returns its row as it is then; undefined for a device that is not known any more
 */
export async function recordAnew(sql: Pick<Sql, 'query'>, inform: InformSeen): Promise<AcsState | undefined> {
  const [row] = await sql.query<StateRow>({
    name: 'record-anew',
    text: `with gone as (delete from acs_parameter where mac = any ($1)),
                s as (${RECORD_INFORMS}, ${FORGET_LEARNED} returning *)
           select ${STATE} from s`,
    values: informValues([inform]),
  })
  return row === undefined ? undefined : stateOf(row)
}

function informValues(rows: readonly InformSeen[]): readonly unknown[] {
  return [
    rows.map((row) => row.mac),
    rows.map((row) => row.at),
    rows.map((row) => row.from),
    rows.map((row) => row.secure),
    rows.map((row) => row.manufacturer),
    rows.map((row) => row.oui),
    rows.map((row) => row.productClass),
    rows.map((row) => row.root),
    rows.map((row) => row.namespace),
    rows.map((row) => row.events.join('\n')),
    rows.map((row) => row.software ?? null),
    rows.map((row) => row.parameterKey ?? null),
    rows.map((row) => row.connectionRequestUrl ?? null),
    rows.map((row) => row.informHash),
  ]
}

/** How many devices call here: what the interval of their calls is worked out of. */
export async function countAcsDevices(sql: Pick<Sql, 'one'>): Promise<number> {
  const row = await sql.one<{ count: number }>({
    name: 'count-acs-devices',
    text: 'select count(*)::int as count from acs_state',
    values: [],
  })
  return row?.count ?? 0
}
