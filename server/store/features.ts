/** Features of accounts, batches and devices. Every change is a revision, in the same transaction. */
import { type MacAddress, parseMacAddress } from '../../protocol/identity.ts'
import type { ProductName } from '../../protocol/identity.ts'
import type { Feature, FeatureBody, FeatureKind, FeatureScope } from '../profiles/mod.ts'
import { announce } from './changes.ts'
import { recordRevision } from './revisions.ts'
import { featureFromRow, type FeatureRow } from './shared-values.ts'
import type { Sql } from './sql.ts'
import { newId } from './vault.ts'

/** Features of one account, batch or device. */
export const FEATURES_PER_SCOPE_MAX = 200
/** What was taken back and is still reset on phones, of one account, batch or device; the newest are kept. */
const PAST_PER_SCOPE_MAX = 100
/** Kinds of phones in a scope that are told apart: by model and by the extensions that have lines. */
const SHAPES_MAX = 500

export interface StoredFeature extends Feature {
  /** Whose it is. One of a device counts only while that account has the device. */
  readonly accountId: string
  readonly createdAt: Date
  readonly updatedAt: Date
  /** Position in lists. */
  readonly order: number
}

interface StoredRow extends FeatureRow {
  readonly account_id: string
  readonly created_at: Date
  readonly updated_at: Date
  readonly created_order: number
}

const COLUMNS = `id, scope, coalesce(batch_id, device_mac, account_id) as scope_id, revision_id, body, account_id,
  created_at, updated_at, created_order::float8 as created_order`

/** @returns undefined also for a kind that this release does not know */
function storedFeature(row: StoredRow): StoredFeature | undefined {
  const feature = featureFromRow(row)
  if (feature === undefined) return undefined
  const { account_id: accountId, created_at: createdAt, updated_at: updatedAt, created_order: order } = row
  return { ...feature, accountId, createdAt, updatedAt, order }
}

export async function findFeature(sql: Pick<Sql, 'one'>, id: string): Promise<StoredFeature | undefined> {
  const text = `select ${COLUMNS} from feature where id = $1 and retired_at is null`
  const row = await sql.one<StoredRow>({ name: 'find-feature', text, values: [id] })
  return row === undefined ? undefined : storedFeature(row)
}

export interface FeatureFilter {
  /** null: every account. */
  readonly reach: readonly string[] | null
  readonly accountId: string | undefined
  readonly scope: FeatureScope | undefined
  readonly scopeId: string | undefined
  readonly kind: FeatureKind | undefined
  /** `order` of the last one of the page before. */
  readonly after: number | undefined
  readonly limit: number
}

export async function listFeatures(sql: Pick<Sql, 'query'>, filter: FeatureFilter): Promise<readonly StoredFeature[]> {
  const rows = await sql.query<StoredRow>({
    name: 'list-features',
    text: `select ${COLUMNS} from feature
            where retired_at is null and ($1::text[] is null or account_id = any($1)) and ($2::text is null or account_id = $2)
              and ($3::text is null or scope = $3)
              and ($4::text is null or coalesce(batch_id, device_mac, account_id) = $4)
              and ($5::text is null or kind = $5) and ($6::bigint is null or feature.created_order > $6)
            order by feature.created_order limit $7`,
    values: [
      filter.reach,
      filter.accountId ?? null,
      filter.scope ?? null,
      filter.scopeId ?? null,
      filter.kind ?? null,
      filter.after ?? null,
      filter.limit,
    ],
  })
  return rows.flatMap((row) => storedFeature(row) ?? [])
}

/** All of one account, batch or device, older ones first: those that may not contradict each other. */
export function featuresOfScope(sql: Pick<Sql, 'query'>, owner: FeatureOwner): Promise<readonly StoredFeature[]> {
  const { accountId, scope, scopeId } = owner
  const all = { reach: null, kind: undefined, after: undefined, limit: FEATURES_PER_SCOPE_MAX }
  return listFeatures(sql, { ...all, accountId, scope, scopeId })
}

export interface FeatureOwner {
  readonly accountId: string
  readonly scope: FeatureScope
  /** Account id, batch id or MAC, as stored. */
  readonly scopeId: string
}

/**
 * Whose a scope is. A device that is in nobody's hands can have no feature, since it would go to whoever gets it.
 * @returns undefined when there is no such account, batch or device; `accountId` null for a device of nobody
 */
export async function ownerOfScope(
  sql: Pick<Sql, 'one'>,
  scope: FeatureScope,
  id: string,
): Promise<(Omit<FeatureOwner, 'accountId'> & { readonly accountId: string | null }) | undefined> {
  const scopeId = scope === 'device' ? parseMacAddress(id) : id
  if (scopeId === undefined) return undefined
  const row = await sql.one<{ account_id: string | null }>({ ...OWNERS[scope], values: [scopeId] })
  return row === undefined ? undefined : { accountId: row.account_id, scope, scopeId }
}

const OWNERS: Readonly<Record<FeatureScope, { readonly name: string; readonly text: string }>> = {
  account: { name: 'feature-owner-account', text: 'select id as account_id from account where id = $1' },
  batch: { name: 'feature-owner-batch', text: 'select account_id from batch where id = $1' },
  device: { name: 'feature-owner-device', text: 'select account_id from device where mac = $1' },
}

export interface FeatureChange {
  readonly who: string
  readonly why: string | undefined
  readonly body: FeatureBody
}

export async function createFeature(sql: Sql, owner: FeatureOwner, change: FeatureChange): Promise<StoredFeature> {
  const id = newId('feat')
  const { accountId, scope, scopeId } = owner
  const revision = await featureRevision(sql, { id, ...owner }, 'created', change, { after: change.body })
  const row = await sql.one<StoredRow>({
    name: 'create-feature',
    text: `insert into feature (id, account_id, scope, batch_id, device_mac, kind, body, revision_id)
           values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${COLUMNS}`,
    values: [
      id,
      accountId,
      scope,
      scope === 'batch' ? scopeId : null,
      scope === 'device' ? scopeId : null,
      change.body.kind,
      JSON.stringify(change.body),
      revision,
    ],
  })
  await announceFeature(sql, owner)
  return mustBeStored(row)
}

export async function changeFeature(sql: Sql, feature: StoredFeature, change: FeatureChange): Promise<StoredFeature> {
  const states = { before: feature.body, after: change.body }
  const revision = await featureRevision(sql, feature, 'changed', change, states)
  await retire(sql, feature, revision)
  const row = await sql.one<StoredRow>({
    name: 'change-feature',
    text: `update feature set kind = $2, body = $3, revision_id = $4, updated_at = now()
            where id = $1 returning ${COLUMNS}`,
    values: [feature.id, change.body.kind, JSON.stringify(change.body), revision],
  })
  await announceFeature(sql, feature)
  return mustBeStored(row)
}

export async function deleteFeature(
  sql: Sql,
  feature: StoredFeature,
  change: Omit<FeatureChange, 'body'>,
): Promise<void> {
  const revision = await featureRevision(sql, feature, 'deleted', change, { before: feature.body })
  await retire(sql, feature, revision)
  await sql.run({ name: 'delete-feature', text: 'delete from feature where id = $1', values: [feature.id] })
  await announceFeature(sql, feature)
}

/** Notes what it said as past; what was said in the same words before is forgotten, and so is what is too long ago. */
async function retire(sql: Sql, feature: StoredFeature, revision: number): Promise<void> {
  const { accountId, scope, scopeId, body } = feature
  await sql.run({
    name: 'retire-feature',
    text: `insert into feature (id, account_id, scope, batch_id, device_mac, kind, body, revision_id, retired_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, now())`,
    values: [
      newId('past'),
      accountId,
      scope,
      scope === 'batch' ? scopeId : null,
      scope === 'device' ? scopeId : null,
      body.kind,
      JSON.stringify(body),
      revision,
    ],
  })
  await sql.run({
    name: 'forget-past-features',
    text: `delete from feature f
            using (select id, row_number() over (order by created_order desc) as nth,
                          row_number() over (partition by body order by created_order desc) as same
                     from feature
                    where account_id = $1 and scope = $2 and coalesce(batch_id, device_mac, account_id) = $3
                      and retired_at is not null) p
            where f.id = p.id and (p.nth > $4 or p.same > 1)`,
    values: [accountId, scope, scopeId, PAST_PER_SCOPE_MAX],
  })
}

/** Serialises those who change one scope, so that two contradicting features cannot pass each other's check. */
export async function lockFeatures(sql: Pick<Sql, 'one'>, owner: Omit<FeatureOwner, 'accountId'>): Promise<void> {
  await sql.one({
    name: 'lock-features',
    text: 'select pg_advisory_xact_lock(727006, hashtext($1))',
    values: [`${owner.scope}/${owner.scopeId}`],
  })
}

/** The features of a device go with it to the phone that takes its place. @returns how many */
export async function moveDeviceFeatures(sql: Sql, from: MacAddress, to: MacAddress): Promise<number> {
  return sql.run({
    name: 'move-features',
    text: 'update feature set device_mac = $2 where device_mac = $1',
    values: [from, to],
  })
}

function mustBeStored(row: StoredRow | undefined): StoredFeature {
  const feature = row === undefined ? undefined : storedFeature(row)
  if (feature === undefined) throw new Error('Cannot store the feature: the row is not there any more')
  return feature
}

function featureRevision(
  sql: Pick<Sql, 'one'>,
  feature: FeatureOwner & { readonly id: string },
  what: 'created' | 'changed' | 'deleted',
  { who, why }: Omit<FeatureChange, 'body'>,
  states: { readonly before?: FeatureBody; readonly after?: FeatureBody },
): Promise<number> {
  const { id, scope, scopeId, accountId } = feature
  const place = { featureScope: scope, featureScopeId: scopeId }
  return recordRevision(sql, {
    who,
    scope: `feature/${scope}`,
    target: id,
    what,
    accountId,
    ...(why === undefined ? {} : { why }),
    ...(states.before === undefined ? {} : { before: { ...place, feature: states.before } }),
    ...(states.after === undefined ? {} : { after: { ...place, feature: states.after } }),
  })
}

async function announceFeature(sql: Sql, { scope, scopeId }: Omit<FeatureOwner, 'accountId'>): Promise<void> {
  const mac = scope === 'device' ? parseMacAddress(scopeId) : undefined
  await announce(sql, mac === undefined ? { kind: 'many' } : { kind: 'device', mac })
}

/** Phones of a scope that are alike for a feature: the model, and which extensions have lines. */
export interface PhoneShape {
  readonly model: ProductName
  readonly lineIndexes: readonly number[]
  readonly deviceCount: number
  /** One of them, to name in a problem. */
  readonly mac: MacAddress
}

const IN_SCOPE = `
with recursive below (id, depth) as (
  select a.id, 0 from account a where $1 = 'account' and a.id = $2
  union all
  select a.id, b.depth + 1 from account a join below b on a.parent_id = b.id where b.depth < 16
), found as (
  select d.mac, d.model from below b join device d on d.account_id = b.id
  union
  select d.mac, d.model from device d where $1 = 'batch' and d.batch_id = $2
  union
  select d.mac, d.model from device d where $1 = 'device' and d.mac = $2
)`

export async function phonesInScope(
  sql: Pick<Sql, 'query'>,
  { scope, scopeId }: Omit<FeatureOwner, 'accountId'>,
): Promise<readonly PhoneShape[]> {
  return sql.query<PhoneShape>({
    name: 'feature-phones',
    text: `${IN_SCOPE}
select s.model, s.lines as "lineIndexes", count(*)::int as "deviceCount", min(s.mac) as mac
  from (select f.mac, f.model,
               coalesce((select array_agg(l.line_index order by l.line_index)
                           from line l where l.device_mac = f.mac), '{}') as lines
          from found f) s
 group by s.model, s.lines order by s.model, count(*) desc limit $3`,
    values: [scope, scopeId, SHAPES_MAX],
  })
}

/** Devices of a scope with a line of one of these users. */
export async function devicesOfUsers(
  sql: Pick<Sql, 'query'>,
  { scope, scopeId }: Omit<FeatureOwner, 'accountId'>,
  userIds: readonly string[],
): Promise<readonly MacAddress[]> {
  const rows = await sql.query<{ mac: MacAddress }>({
    name: 'feature-devices-of-users',
    text: `${IN_SCOPE}
select distinct f.mac from found f join line l on l.device_mac = f.mac
 where l.user_id = any($3::text[]) order by f.mac limit $4`,
    values: [scope, scopeId, userIds, SHAPES_MAX],
  })
  return rows.map(({ mac }) => mac)
}

/** Lines of an account by their users, for the SIP side of hunt groups. */
export async function linesOfUsers(
  sql: Pick<Sql, 'query'>,
  accountId: string,
  userIds: readonly string[],
): Promise<
  readonly { readonly id: string; readonly userId: string; readonly domain: string; readonly mac: string | null }[]
> {
  return sql.query({
    name: 'lines-of-users',
    text: `select id, user_id as "userId", domain, device_mac as mac from line
            where account_id = $1 and user_id = any($2::text[]) order by user_id, created_order`,
    values: [accountId, userIds],
  })
}
