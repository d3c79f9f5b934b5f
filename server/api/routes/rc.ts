/** What has to be entered at the vendor's redirect service, which sealed phones ask, and what was entered there. */
import { stringify } from 'csv-stringify/sync'
import { z } from 'zod'
import { permanentRule } from '../../profiles/mod.ts'
import { accountsBelow, listRcEntries, markRcEntries, type RcEntryRow } from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { RcEntry, RcEntryQuery, RcMarkInput } from '../contract/rc.ts'
import { mustReachAccount, reachOf } from '../reach.ts'

const CSV_COLUMNS = ['mac', 'serial', 'productName', 'profileRule'] as const

export function rcRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/rc/entries',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What to enter at the vendor’s redirect service for sealed phones, and what was entered',
        querystring: RcEntryQuery,
        response: { 200: z.object({ items: z.array(RcEntry), next: z.string().nullable() }) },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { accountId, batchId, state, limit, after, format } = request.query
      if (accountId !== undefined) await mustReachAccount(request, platform, accountId)
      const rows = await listRcEntries(platform.db, {
        reach: await reachOf(request, platform),
        accountIds: accountId === undefined ? undefined : await accountsBelow(platform.db, accountId),
        batchId,
        state,
        rule: ruleNow(platform),
        after,
        limit,
      })
      const items = rows.map((row) => entryJson(row, ruleNow(platform)))
      const next = rows.length === limit ? (rows.at(-1)?.mac ?? null) : null
      if (format === 'json') return { items, next }
      const csv = stringify(items, { header: true, columns: [...CSV_COLUMNS] })
      return reply
        .type('text/csv; charset=utf-8')
        .serializer(() => csv)
        .send({ items: [], next: null })
    },
  )
  api.post(
    '/api/v1/rc/entries',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Note that phones were entered at the redirect service, or taken out of it',
        body: RcMarkInput,
        response: { 200: z.object({ marked: z.array(z.string()), unknown: z.array(z.string()) }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { macs, entered, profileRule: rule = ruleNow(platform) } = request.body
      const reach = await reachOf(request, platform)
      const marked = await platform.change((tx) => markRcEntries(tx, actor(request), { macs, entered, rule, reach }))
      return { marked: [...marked], unknown: macs.filter((mac) => !marked.includes(mac)) }
    },
  )
}

/** The same for every phone: the certificate says which one it is. */
function ruleNow(platform: ApiPlatform): string {
  return permanentRule(platform.facts())
}

function entryJson(row: RcEntryRow, rule: string): z.infer<typeof RcEntry> {
  return {
    mac: row.mac.toUpperCase(),
    serial: row.serial,
    productName: row.model,
    profileRule: rule,
    accountId: row.accountId,
    batchId: row.batchId,
    enteredAt: row.enteredAt?.toISOString() ?? null,
    enteredBy: row.enteredBy,
    changed: row.rule !== null && row.rule !== rule,
    firstSeenAt: row.firstSeenAt?.toISOString() ?? null,
  }
}
