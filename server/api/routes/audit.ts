import { z } from 'zod'
import { listRevisions, type StoredRevision, spellsOutSecret } from '../../store/mod.ts'
import type { Api, ReadyPlatform } from '../context.ts'
import { Revision } from '../contract/audit.ts'
import { badMark, Moment, PageQuery } from '../query.ts'
import { reachOf } from '../reach.ts'

const text = z.string().min(1).max(256).optional()
const Query = PageQuery.extend({
  who: text.describe('Like `user:ann@example.com` or `token:nightly`'),
  scope: text.describe('Like `device`, `account`, `layer/account`, `user`'),
  target: text.describe('Id, MAC or name of what was changed'),
  since: Moment.optional(),
  until: Moment.optional(),
})

/** Who changed what: every revision, newest first. */
export function auditRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/audit',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Who changed what, when and why, newest first',
        querystring: Query,
        response: { 200: z.object({ items: z.array(Revision), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { limit, after, ...filter } = request.query
      if (after !== undefined && !/^\d{1,15}$/.test(after)) throw badMark(after)
      const rows = await listRevisions(platform.db, {
        ...filter,
        reach: await reachOf(request, platform),
        after: after === undefined ? undefined : Number(after),
        limit,
      })
      const last = rows.length === limit ? rows.at(-1) : undefined
      return { items: rows.map(revisionJson), next: last === undefined ? null : String(last.id) }
    },
  )
}

function revisionJson(row: StoredRevision): z.infer<typeof Revision> {
  return { ...row, at: row.at.toISOString(), before: masked(row.before), after: masked(row.after) }
}

const SECRET_NAME = /^(?:sealed|hash|code|.*(?:password|secret|token|key|pem))$/i
/** Deeper than anything that is written down. */
const DEPTH_MAX = 20

/** Revisions hold secrets only sealed; not even those are shown, nor anything that is called like one. */
export function masked(value: unknown, depth = 0): unknown {
  if (depth > DEPTH_MAX) return '…'
  if (Array.isArray(value)) return value.map((item) => masked(item, depth + 1))
  if (typeof value === 'string') return spellsOutSecret(value) ? '***' : value
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, each]) => {
    if (SECRET_NAME.test(name) && typeof each === 'string') return [name, '***'] as const
    return [name, masked(each, depth + 1)] as const
  })
  return Object.fromEntries(entries)
}
