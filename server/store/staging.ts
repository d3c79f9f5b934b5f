/** How far each phone of a batch has come, from what is known of it. One statement for all of them; reads only. */
import type { MacAddress } from '../../protocol/identity.ts'
import { type DeviceState, type Sighting, type Stage, STAGES } from '../devices/mod.ts'
import { networkOf } from './sightings.ts'
import type { Sql } from './sql.ts'

export { type Stage, STAGES }

/** Boxes of a batch that staging takes and shows: an answer of a few megabytes. */
export const STAGED_MAX = 10_000

/** A phone may turn up before its batch is made, but what was seen of it in an earlier life does not count. */
const SEEN_BEFORE_MS = 24 * 60 * 60 * 1000

/** Times are milliseconds since 1970. */
interface SightingRow {
  readonly source: Sighting['source']
  readonly reporter: string
  readonly address: string
  readonly serial: string | null
  readonly problem: string | null
  readonly profileAt: number | null
  readonly firstAt: number
  readonly lastAt: number
}

interface LineRow {
  readonly userId: string
  readonly displayName: string
  /** What the registrar said last; null: it was not asked. */
  readonly registered: boolean | null
  readonly askedAt: number | null
  readonly changedAt: number | null
}

/** All that is known of one box. Times are milliseconds since 1970. */
export interface StagingRow {
  readonly mac: MacAddress
  readonly serial: string
  readonly model: string
  readonly name: string
  readonly state: DeviceState
  readonly keyIssued: number
  readonly keyConfirmed: number
  readonly runningVersion: string | null
  readonly servedVersion: string | null
  /** How its account lets profiles travel; only sealed ones name their key when they are asked for. */
  readonly delivery: 'https' | 'sealed'
  readonly boundAt: number | null
  readonly createdAt: number
  readonly scannedAt: number | null
  /** Of requests that proved who sent them. */
  readonly firstBelievedAt: number | null
  readonly believedAt: number | null
  readonly believedFrom: string | null
  readonly claimedAt: number | null
  readonly claimedFrom: string | null
  /** Seconds since its first line lost its registration; 0 while it has one (MPP §3.3, REGTMR1). */
  readonly registrationSeconds: number | null
  readonly acsFirstAt: number | null
  readonly acsAt: number | null
  readonly acsFrom: string | null
  readonly acsSecure: boolean | null
  /** Whether TR-069 has brought it to what is wished. */
  readonly acsInStep: boolean | null
  /** When TR-069 last said that its first line is up; null: it did not. */
  readonly acsUpAt: number | null
  readonly lines: readonly LineRow[]
  readonly sightings: readonly SightingRow[]
}

const ms = (expression: string): string => `(extract(epoch from ${expression}) * 1000)::float8`

/** Where a device says by TR-069 whether its first line is up, below its root. */
const ACS_LINE_STATUS = 'Services.VoiceService.1.VoiceProfile.1.Line.1.Status'

/** A part of a batch: those boxes whose MACs end in the same two hex digits. */
export function partOf(mac: string): string {
  return mac.slice(-2)
}

/** A part as it was when it was looked at. */
export interface StagingMark {
  /** Two hex digits. */
  readonly part: string
  /** Its boxes; a part without any has no mark. */
  readonly boxes: number
  /** Another one as soon as `stagingRows` would tell something else of one of its boxes. */
  readonly mark: string
}

/**
 * What it takes to see which boxes must be looked at again: a fraction of what looking at them takes. In the order of the
 * parts. It must hash whatever `stagingRows` reads.
 * @param reach accounts whose word counts beside our own; null: all
 */
export async function stagingMarks(
  sql: Pick<Sql, 'query'>,
  batchId: string,
  reach: readonly string[] | null,
): Promise<readonly StagingMark[]> {
  return sql.query<StagingMark>({
    name: 'staging-marks',
    text: `select right(mac, 2) as part, sum(boxes)::integer as boxes, bit_xor(hash)::text as mark from (
             select d.mac, 1 as boxes, hash_record_extended((d.mac, d.serial, d.model, d.label, d.state, d.key_issued,
                      d.key_confirmed, d.running_version, d.served_version, c.settings->>'delivery', d.bound_at, d.created_at,
                      x.seq, x.scanned_at, s.first_at, s.believed_at, s.believed_from, s.claimed_at, s.claimed_from,
                      s.registration_seconds, a.first_at, a.last_at, a.last_from, a.secure, a.in_step is not null), 1) as hash
               from device d
               left join account c on c.id = d.account_id
               left join batch_box x on x.mac = d.mac and x.batch_id = d.batch_id
               left join device_seen s on s.mac = d.mac
               left join acs_state a on a.mac = d.mac
              where d.batch_id = $1
             union all
             select d.mac, 0, hash_record_extended((d.mac, p.at), 2)
               from device d join acs_state a on a.mac = d.mac join acs_parameter p on p.mac = d.mac and p.value = 'Up'
                 and p.path = a.root || '${ACS_LINE_STATUS}'
              where d.batch_id = $1
             union all
             select d.mac, 0, hash_record_extended((d.mac, l.id, l.line_index, l.user_id, l.display_name, r.registered,
                      r.changed_at, r.seen_at > coalesce(d.bound_at, d.created_at)), 3)
               from device d join line l on l.device_mac = d.mac left join registration r on r.line_id = l.id
              where d.batch_id = $1
             union all
             select d.mac, 0, hash_record_extended(t, 4) from device d join sighting t on t.mac = d.mac
              where d.batch_id = $1 and ($2::text[] is null or t.reporter = '' or t.reporter = any ($2))) all_of_it
            group by 1 order by 1`,
    values: [batchId, reach === null ? null : [...reach]],
  })
}

/**
 * In the order of scanning, those without a scan last.
 * @param which only these MACs, or only these parts; left out: all of the batch
 * @returns at most STAGED_MAX and one more, by which one sees that there are too many
 */
export async function stagingRows(
  sql: Pick<Sql, 'query'>,
  batchId: string,
  { macs, parts }: { readonly macs?: readonly MacAddress[]; readonly parts?: readonly string[] } = {},
): Promise<readonly StagingRow[]> {
  return sql.query<StagingRow>({
    name: 'staging-rows',
    text: `select d.mac, d.serial, d.model, d.label as name, d.state, d.key_issued as "keyIssued",
             d.key_confirmed as "keyConfirmed", d.running_version as "runningVersion", d.served_version as "servedVersion",
             coalesce(c.settings->>'delivery', 'https') as delivery, ${ms('d.bound_at')} as "boundAt",
             ${ms('d.created_at')} as "createdAt", ${ms('x.scanned_at')} as "scannedAt",
             ${ms('s.first_at')} as "firstBelievedAt", ${ms('s.believed_at')} as "believedAt",
             s.believed_from as "believedFrom", ${ms('s.claimed_at')} as "claimedAt", s.claimed_from as "claimedFrom",
             s.registration_seconds as "registrationSeconds",
             ${ms('a.first_at')} as "acsFirstAt", ${ms('a.last_at')} as "acsAt", a.last_from as "acsFrom",
             a.secure as "acsSecure", a.in_step is not null as "acsInStep", ${ms('p.at')} as "acsUpAt",
             coalesce(n.lines, '[]') as lines, coalesce(g.sightings, '[]') as sightings
        from device d
        left join account c on c.id = d.account_id
        left join batch_box x on x.mac = d.mac and x.batch_id = d.batch_id
        left join device_seen s on s.mac = d.mac
        left join acs_state a on a.mac = d.mac
        left join acs_parameter p on p.mac = d.mac and p.value = 'Up'
          and p.path = a.root || '${ACS_LINE_STATUS}'
        left join lateral (
          select json_agg(json_build_object('userId', l.user_id, 'displayName', l.display_name,
                   'registered', r.registered, 'askedAt', ${ms('r.seen_at')}, 'changedAt', ${ms('r.changed_at')})
                   order by l.line_index) as lines
            from line l left join registration r on r.line_id = l.id where l.device_mac = d.mac) n on true
        left join lateral (
          select json_agg(json_build_object('source', t.source, 'reporter', t.reporter, 'address', t.address,
                   'serial', t.serial, 'problem', t.problem, 'profileAt', ${ms('t.profile_at')},
                   'firstAt', ${ms('t.first_at')}, 'lastAt', ${ms('t.last_at')})) as sightings
            from sighting t where t.mac = d.mac) g on true
       where d.batch_id = $1 and ($2::text[] is null or d.mac = any ($2))
         and ($4::text[] is null or right(d.mac, 2) = any ($4))
       order by x.seq nulls last, d.mac limit $3`,
    values: [batchId, macs === undefined ? null : [...macs], STAGED_MAX + 1, parts === undefined ? null : [...parts]],
  })
}

export interface StagedProblem {
  readonly code: string
  readonly message: string
}

/** One box as people see it. */
export interface StagedBox {
  readonly row: StagingRow
  readonly stage: Stage
  readonly since: Date
  readonly firstSeenAt: Date | undefined
  readonly last: { readonly at: Date; readonly address: string; readonly source: Sighting['source'] } | undefined
  readonly keysConfirmed: boolean
  readonly problem: StagedProblem | undefined
  /** Networks in which it proved its MAC and the serial number that was scanned. */
  readonly networks: readonly string[]
  /** The network of a phone that proved this MAC and another serial number. */
  readonly otherAt: string | undefined
}

/** What a batch says about the word of its boxes. */
export interface StagingView {
  readonly batchCreatedAt: Date
  /** Accounts whose word counts beside our own; null: of all. */
  readonly reach: readonly string[] | null
}

/** Where and when a phone was seen. */
interface Seen {
  readonly at: number
  readonly firstAt: number
  readonly address: string
  readonly source: Sighting['source']
}

/** Reads one row. Pure. */
export function stagedBox(row: StagingRow, view: StagingView): StagedBox {
  const began = lifeBegan(row)
  const after = Math.max(began, view.batchCreatedAt.getTime() - SEEN_BEFORE_MS)
  const counts = (at: number): boolean => at >= after
  const sightings = row.sightings.filter(
    ({ reporter, lastAt }) => counts(lastAt) && (reporter === '' || view.reach?.includes(reporter) !== false),
  )
  const self = seenBySelf(row).filter(({ at }) => counts(at))
  const seen = [...self, ...sightings.map((each) => ({ ...each, at: each.lastAt }))]
  const last = seen.reduce<Seen | undefined>((best, each) => (isBetter(each, best) ? each : best), undefined)
  const first = seen.length === 0 ? undefined : Math.max(began, Math.min(...seen.map(({ firstAt }) => firstAt)))
  const certified = sightings.find(({ source }) => source === 'certificate')
  const { stage, since, problem } = stageOf(row, { certified, sightings, first, began })
  const proofs = [...self, ...sightings.filter(({ serial }) => serial === row.serial)]
  return {
    row,
    stage,
    since: new Date(since),
    firstSeenAt: first === undefined ? undefined : new Date(first),
    last: last === undefined ? undefined : { at: new Date(last.at), address: last.address, source: last.source },
    keysConfirmed: hasNewestKey(row),
    problem,
    networks: proofs.flatMap(({ source, address }) => (source === 'certificate' ? (networkOf(address) ?? []) : [])),
    otherAt: stage === 'wrong-serial' && certified !== undefined ? networkOf(certified.address) : undefined,
  }
}

/**
 * Where a phone was, and when, while another account had it is not for the account that has it now: of one that had keys
 * before, only what came after its scan counts, or after its binding.
 */
function lifeBegan({ state, keyIssued, boundAt, scannedAt }: StagingRow): number {
  const bound = state === 'bound'
  if (keyIssued <= (bound ? 1 : 0)) return 0
  return Math.min(scannedAt ?? Infinity, (bound ? boundAt : null) ?? Infinity)
}

/**
 * The same for whoever is limited to some accounts. Who knows a MAC alone learns neither the serial number that belongs to
 * it nor where that phone is, unless it stands in a network where another box of the batch has proved itself.
 * @param networks of all boxes of the batch
 */
export function boxesForLimited(
  boxes: readonly StagedBox[],
  networks: ReadonlySet<string> = new Set(boxes.flatMap((box) => box.networks)),
): readonly StagedBox[] {
  return boxes.map((box) => {
    if (box.stage !== 'wrong-serial' || (box.otherAt !== undefined && networks.has(box.otherAt))) return box
    const message = `A phone with this MAC proved another serial number than "${box.row.serial}", which was scanned; compare both with the label`
    return { ...box, problem: { code: 'wrong-serial', message }, firstSeenAt: undefined, last: undefined }
  })
}

/**
 * A phone with sealed profiles names the key that it opens them with. One that fetches over TLS names none, but the
 * profile that it says it runs holds the key.
 */
function hasNewestKey({ keyIssued, keyConfirmed, delivery, runningVersion, servedVersion }: StagingRow): boolean {
  if (keyIssued === 0) return false
  return (
    keyConfirmed === keyIssued || (delivery === 'https' && runningVersion !== null && runningVersion === servedVersion)
  )
}

/** The newest; of two at one time the proved one. */
function isBetter(each: Seen, best: Seen | undefined): boolean {
  if (best === undefined || each.at > best.at) return true
  return each.at === best.at && each.source === 'certificate'
}

/** What its own row knows of where it was. */
function seenBySelf(row: StagingRow): readonly Seen[] {
  const { believedAt, believedFrom, claimedAt, claimedFrom, acsAt, acsFrom } = row
  const seen: Seen[] = []
  if (believedAt !== null && believedFrom !== null) {
    seen.push({
      at: believedAt,
      firstAt: row.firstBelievedAt ?? believedAt,
      address: believedFrom,
      source: 'certificate',
    })
  }
  if (claimedAt !== null && claimedFrom !== null) {
    seen.push({ at: claimedAt, firstAt: claimedAt, address: claimedFrom, source: 'path' })
  }
  if (acsAt !== null && acsFrom !== null) {
    const source = row.acsSecure === true ? 'certificate' : 'path'
    seen.push({ at: acsAt, firstAt: row.acsFirstAt ?? acsAt, address: acsFrom, source })
  }
  return seen
}

interface Staged {
  readonly stage: Stage
  readonly since: number
  readonly problem: StagedProblem | undefined
}

function stageOf(
  row: StagingRow,
  known: {
    readonly certified: SightingRow | undefined
    readonly sightings: readonly SightingRow[]
    readonly first: number | undefined
    readonly began: number
  },
): Staged {
  const problem = problemOf(row, known.certified)
  if (problem !== undefined) return problem
  const scannedAt = row.scannedAt ?? row.createdAt
  if (row.state === 'bound') return { ...boundStage(row), problem: undefined }
  const profiles = known.sightings.flatMap(({ profileAt }) => profileAt ?? []).filter((at) => at >= known.began)
  if (profiles.length > 0) return { stage: 'first-profile', since: Math.min(...profiles), problem: undefined }
  return known.first === undefined
    ? { stage: 'missing', since: scannedAt, problem: undefined }
    : { stage: 'seen', since: known.first, problem: undefined }
}

function boundStage(row: StagingRow): Pick<Staged, 'stage' | 'since'> {
  const boundAt = row.boundAt ?? row.createdAt
  const registeredAt = registeredSince(row, boundAt)
  if (registeredAt !== undefined) return { stage: 'registered', since: registeredAt }
  return { stage: isApplied(row) ? 'applied' : 'bound', since: boundAt }
}

function isApplied({ runningVersion, acsInStep }: StagingRow): boolean {
  return runningVersion !== null || acsInStep === true
}

/**
 * Since when the phone is registered, as far as it is known: the registrar knows best and of every line, the phone's own
 * word is of its first line. What was said before the binding is of the owner before.
 */
function registeredSince(row: StagingRow, boundAt: number): number | undefined {
  const told = row.lines.filter(({ registered, askedAt }) => registered !== null && (askedAt ?? 0) > boundAt)
  if (told.length > 0) {
    if (!told.every(({ registered }) => registered === true)) return undefined
    return Math.max(boundAt, ...told.map(({ changedAt }) => changedAt ?? 0))
  }
  const says = row.registrationSeconds === 0 && row.runningVersion !== null && (row.believedAt ?? 0) > boundAt
  if (says) return boundAt
  return row.acsUpAt !== null && row.acsUpAt > boundAt ? row.acsUpAt : undefined
}

const REFUSED_STATES: Readonly<Partial<Record<DeviceState, string>>> = {
  held: 'The phone waits until somebody confirms it',
  released: 'The phone was let go; scan it again or take it out of the batch',
  disabled: 'The phone is disabled; enable it or take it out of the batch',
}

const REFUSALS: Readonly<Record<string, string>> = {
  'wrong-ca': 'The phone proved itself by another authority than at first; release it if its certificate was renewed',
  'expired-certificate': 'The certificate of the phone has ended; its account may accept such ones',
  'identity-mismatch': 'The phone asked for the profile of another phone; look at what its profile rule says',
  'wrong-code': 'The phone came with a code that is wrong, used up or past its time',
  'wrong-customer-id': 'The phone came with a Customer ID outside of any enrolment window',
  'bound-elsewhere': 'The phone came with a code or Customer ID of another account',
  'locked-out': 'The phone sent too many wrong codes; it is heard again within an hour',
}

/** What stands against a phone: its certificate's last word, unless it did better since. */
function problemOf(row: StagingRow, certified: SightingRow | undefined): Staged | undefined {
  const scannedAt = row.scannedAt ?? row.createdAt
  const state = REFUSED_STATES[row.state]
  if (state !== undefined) {
    return { stage: 'refused', since: scannedAt, problem: { code: row.state, message: state } }
  }
  const better = Math.max(row.believedAt ?? 0, row.acsSecure === true ? (row.acsAt ?? 0) : 0)
  if (certified === undefined || certified.lastAt <= better) return undefined
  const since = Math.max(certified.firstAt, scannedAt)
  if (certified.serial !== null && certified.serial !== row.serial) {
    const message = `The phone with this MAC proved the serial number "${certified.serial}", but "${row.serial}" was scanned; compare both with the label`
    return { stage: 'wrong-serial', since, problem: { code: 'wrong-serial', message } }
  }
  const { problem } = certified
  // Its serial number was put right since; what it was refused for before it was scanned says nothing of now.
  if (problem === null || problem === 'foreign-device' || certified.lastAt < scannedAt) return undefined
  const message = REFUSALS[problem] ?? `The phone was refused (${problem}); look at its timeline`
  return { stage: 'refused', since, problem: { code: problem, message } }
}

const TODO: Readonly<Record<Stage, string>> = {
  missing: 'Connect the phone, or look for its box',
  seen: 'Wait, or see whether the network gives it the address of this server',
  'first-profile': 'Wait, or see whether it can reach this server over HTTPS',
  bound: 'Wait until it has taken its profile',
  applied: 'Wait until its line is registered, or look at the line and the registrar',
  registered: 'Nothing',
  'wrong-serial': 'Compare the label with the phone: take the box out of the batch and scan it again',
  refused: 'See why it is refused',
}

/** In one sentence without an end. */
export function todoOf({ stage, problem }: Pick<StagedBox, 'stage' | 'problem'>): string {
  return stage === 'refused' ? (problem?.message ?? TODO.refused) : TODO[stage]
}

/** What keeps a box from being shipped; undefined: it is ready. */
export function unreadyOf(box: StagedBox): StagedProblem | undefined {
  const { row, stage, keysConfirmed, problem } = box
  if (problem !== undefined) return problem
  if (stage === 'missing') return { code: 'missing', message: 'It did not turn up' }
  if (stage !== 'registered') {
    const message =
      row.lines.length === 0 && row.state === 'bound'
        ? 'It has no line: its account has none that is free'
        : `It is not registered; it has come as far as "${stage}"`
    return { code: 'not-registered', message }
  }
  // A phone that TR-069 leads takes no profile, and so uses no key.
  const led = row.runningVersion === null && row.acsInStep === true
  if (!keysConfirmed && !led) {
    return { code: 'key-not-confirmed', message: 'It has not used the newest key of its profile yet' }
  }
  return undefined
}
