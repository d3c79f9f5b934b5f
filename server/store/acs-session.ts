/** What a session has to store before its next answer leaves, in one transaction. */
import type { MacAddress } from '../../protocol/identity.ts'
import { assertNever, type Millis } from '../../protocol/result.ts'
import type { AcsWrite, TaskFault, TaskKind } from '../tr069/mod.ts'
import { forgetBelow, recordParameters } from './acs-parameters.ts'
import { forgetLearned, type InformSeen, recordInforms } from './acs-state.ts'
import { insertTasks } from './acs-tasks.ts'
import { type EventRecord, recordEvents } from './events.ts'
import { jsonOf } from './json.ts'
import type { Sql } from './sql.ts'
import { SECRET_CONTEXT, type Vault } from './vault.ts'

/** Whose session it is, and when. */
export interface SessionPlace {
  readonly mac: MacAddress
  readonly accountId: string | undefined
  readonly trust: EventRecord['trust']
  readonly now: Millis
}

/**
 * Writes in their order, as far as it matters; what another process has ended meanwhile stays as it is.
 * @returns tasks that were to be sent, but are in other hands or over
 */
export async function recordSession(
  sql: Sql,
  vault: Vault,
  place: SessionPlace,
  writes: readonly AcsWrite[],
  inform?: InformSeen,
): Promise<readonly string[]> {
  if (inform !== undefined) await recordInforms(sql, [inform])
  const taken: string[] = []
  const told: Told[] = []
  for (const write of writes) {
    if (isTold(write)) {
      told.push(write)
      continue
    }
    // Only tasks have nothing to do with what is told besides.
    if (!write.kind.startsWith('task-')) await recordTold(sql, place, told.splice(0))
    if (write.kind !== 'task-sent') await recordOne(sql, vault, place, write)
    else if (!(await sendTask(sql, write.id, place.now))) taken.push(write.id)
  }
  await recordTold(sql, place, told)
  return taken
}

/** What is told of the tree and of the small row, written together: of two of a kind the later one counts. */
type Told = Extract<AcsWrite, { kind: 'parameters' | 'tree-read' | 'batch-max' | 'refused' | 'in-step' }>

function isTold(write: AcsWrite): write is Told {
  return TOLD.has(write.kind)
}

const TOLD: ReadonlySet<AcsWrite['kind']> = new Set<Told['kind']>([
  'parameters',
  'tree-read',
  'batch-max',
  'refused',
  'in-step',
])

async function recordTold(sql: Sql, { mac, now }: SessionPlace, told: readonly Told[]): Promise<void> {
  const last = <K extends Told['kind']>(kind: K) =>
    told.findLast((each): each is Extract<Told, { kind: K }> => each.kind === kind)
  const trees = told.filter((each) => each.kind === 'parameters')
  await recordParameters(
    sql,
    trees.map(({ rows }) => ({ mac, at: now, rows })),
  )
  if (trees.length === told.length) return
  const treeRead = last('tree-read')
  const refused = last('refused')
  const inStep = last('in-step')
  await sql.run({
    name: 'record-acs-told',
    // What was not seen since the session began is not in the tree any more.
    text: `with gone as (delete from acs_parameter where mac = $1 and at < to_timestamp($2::float8 / 1000))
           update acs_state set tree_at = coalesce(to_timestamp($3::float8 / 1000), tree_at),
             batch_max = coalesce($4, batch_max), refused = coalesce($5::jsonb, refused),
             in_step = coalesce($6, in_step), inform_seconds = coalesce($7, inform_seconds)
            where mac = $1`,
    values: [
      mac,
      treeRead?.before ?? null,
      treeRead === undefined ? null : now,
      last('batch-max')?.value ?? null,
      refused === undefined ? null : jsonOf(refused.values),
      inStep?.fingerprint ?? null,
      inStep?.informSeconds ?? null,
    ],
  })
}

type OtherWrite = Exclude<AcsWrite, Told | { kind: 'task-sent' }>

async function recordOne(sql: Sql, vault: Vault, place: SessionPlace, write: OtherWrite): Promise<void> {
  const { mac, now } = place
  switch (write.kind) {
    case 'forget':
      return forgetLearned(sql, mac)
    case 'task-waits':
    case 'task-again':
      return moveTask(sql, write)
    case 'task-noted':
      return noteTask(sql, vault, write)
    case 'task-ended':
      return endTask(sql, place, write)
    case 'task-new':
      await insertTasks(sql, vault, {
        macs: [mac],
        request: write.request,
        commandKey: write.commandKey,
        who: 'offhook',
        now,
        deadlineSeconds: OWN_TASK_SECONDS,
      })
      return undefined
    case 'file-taken':
      return write.file === 'firmware'
        ? undefined
        : setState(sql, place, FILE_TAKEN[write.file], `taken-${write.file}`, [write.version])
    case 'instances-gone':
      return forgetBelow(sql, mac, write.path)
    default:
      return assertNever(write)
  }
}

/** What the server asks of itself is asked anew when it is still wished. */
const OWN_TASK_SECONDS = 86_400

const FILE_TAKEN = {
  configuration: 'config_version = $2, tree_at = null, in_step = null',
  'custom-ca': 'ca_version = $2',
} as const

async function setState(
  sql: Sql,
  { mac }: SessionPlace,
  assignments: string,
  name: string,
  values: readonly unknown[],
): Promise<void> {
  await sql.run({
    name: `acs-state-${name}`,
    text: `update acs_state set ${assignments} where mac = $1`,
    values: [mac, ...values],
  })
}

/** Only one session may send it. */
async function sendTask(sql: Sql, id: string, now: Millis): Promise<boolean> {
  const changed = await sql.run({
    name: 'send-acs-task',
    text: `update acs_task set state = 'sent', tries = tries + 1, sent_at = to_timestamp($2::float8 / 1000)
            where id = $1 and state = 'queued'`,
    values: [id, now],
  })
  return changed > 0
}

async function moveTask(sql: Sql, write: Extract<AcsWrite, { kind: 'task-waits' | 'task-again' }>): Promise<void> {
  const again = write.kind === 'task-again'
  await sql.run({
    name: 'move-acs-task',
    text: `update acs_task set state = $2, due_at = coalesce(to_timestamp($3::float8 / 1000), due_at),
             sent_at = case when $4 then null else sent_at end
            where id = $1 and ended_at is null`,
    values: [write.id, again ? 'queued' : 'waiting', again ? write.dueAt : null, again && write.answered === true],
  })
}

async function noteTask(sql: Sql, vault: Vault, write: Extract<AcsWrite, { kind: 'task-noted' }>): Promise<void> {
  await sql.run({
    name: 'note-acs-task',
    text: 'update acs_task set asked = $2 where id = $1 and ended_at is null',
    values: [write.id, vault.seal(SECRET_CONTEXT.acsTask(write.id), JSON.stringify(write.request))],
  })
}

async function endTask(sql: Sql, place: SessionPlace, write: Extract<AcsWrite, { kind: 'task-ended' }>): Promise<void> {
  const ended = await sql.query<{ kind: TaskKind }>({
    name: 'end-acs-task',
    text: `update acs_task set state = $2, fault = $3::jsonb, result = $4::jsonb, asked = null,
             ended_at = to_timestamp($5::float8 / 1000)
           where id = $1 and ended_at is null returning kind`,
    values: [
      write.id,
      write.state,
      write.fault === undefined ? null : jsonOf(write.fault),
      write.result === undefined ? null : jsonOf(write.result),
      place.now,
    ],
  })
  await recordEvents(
    sql,
    ended.map(({ kind }) => taskEvent(place, write.id, kind, write.state, write.fault)),
  )
}

function taskEvent(
  { mac, accountId, trust }: SessionPlace,
  id: string,
  kind: TaskKind,
  state: 'done' | 'failed',
  fault: TaskFault | undefined,
): EventRecord {
  const name = state === 'done' ? 'tr069.task-done' : 'tr069.task-failed'
  return {
    name,
    trust,
    mac,
    accountId,
    data: { id, kind, ...(fault === undefined ? {} : { code: fault.code, fault: fault.text }) },
  }
}
