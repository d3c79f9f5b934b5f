import { z } from 'zod'
import { type EventName, EVENTS } from '../../events.ts'
import { listEvents } from '../../store/mod.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Event, Mac } from '../contract.ts'

const DeviceParams = z.object({ mac: Mac })

export function eventRoutes(api: Api, ready: ReadyPlatform): void {
  const Query = z.object({
    limit: z.coerce.number().int().min(1).max(1000).default(100),
    before: z.coerce.number().int().min(1).optional().describe('`id` of the last event of the page before'),
  })
  const Events = z.object({ items: z.array(Event), next: z.int().nullable() })
  api.get(
    '/api/v1/devices/:mac/events',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Its timeline, newest first',
        params: DeviceParams,
        querystring: Query,
        response: { 200: Events },
      },
    },
    async (request) => {
      const platform = ready()
      await platform.flush()
      return eventPage(platform, { ...request.query, mac: request.params.mac })
    },
  )
  api.get(
    '/api/v1/events',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'All events, newest first',
        querystring: Query.extend({ accountId: z.string().max(128).optional() }),
        response: { 200: Events },
      },
    },
    async (request) => {
      await ready().flush()
      return eventPage(ready(), request.query)
    },
  )
}

async function eventPage(
  platform: ApiPlatform,
  query: {
    readonly limit: number
    readonly before?: number | undefined
    readonly mac?: string
    readonly accountId?: string | undefined
  },
) {
  const rows = await listEvents(platform.db, {
    mac: query.mac,
    accountId: query.accountId,
    before: query.before,
    limit: query.limit,
  })
  const items = rows.map((row) => ({
    ...row,
    at: row.at.toISOString(),
    text: EVENTS[row.name as EventName]?.text ?? row.name,
    data: { ...row.data },
  }))
  return { items, next: rows.length === query.limit ? (rows.at(-1)?.id ?? null) : null }
}
