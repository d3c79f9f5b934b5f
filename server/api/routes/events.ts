import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import {
  accountOfDevice,
  type EventFilter,
  type EventPlace,
  eventsUntilNow,
  eventView,
  readPlace,
  searchEvents,
} from '../../store/mod.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Event, Mac } from '../contract.ts'
import { DeviceEventFilter, EventFilterQuery } from '../contract/events.ts'
import { EventStreams } from '../event-stream.ts'
import { ApiProblem } from '../problem.ts'
import { mustReachAccount, mustReachDevice, reachOf } from '../reach.ts'

const DeviceParams = z.object({ mac: Mac })
const id = z.coerce.number().int().min(1)
const Page = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: id.optional().describe('`next` of the page before'),
  before: id.optional().describe('The same, by its older name'),
})
const Events = z.object({ items: z.array(Event), next: z.int().nullable() })

export function eventRoutes(api: Api, ready: ReadyPlatform): void {
  deviceEvents(api, ready)
  allEvents(api, ready)
  streamRoute(api, ready)
}

function deviceEvents(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/devices/:mac/events',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Its timeline, newest first',
        params: DeviceParams,
        querystring: DeviceEventFilter.extend(Page.shape),
        response: { 200: Events },
      },
    },
    async (request) => {
      const platform = ready()
      const { mac } = request.params
      const reach = await reachOf(request, platform)
      if (reach !== null) await mustReachDevice(request, platform, mac, await accountOfDevice(platform.db, mac))
      await platform.flush()
      const { limit, after, before, name: names, ...filter } = request.query
      return eventPage(platform, { ...filter, names, mac, reach }, { limit, before: after ?? before })
    },
  )
}

function allEvents(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/events',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'All events, newest first',
        querystring: EventFilterQuery.extend(Page.shape),
        response: { 200: Events },
      },
    },
    async (request) => {
      const platform = ready()
      const { limit, after, before, ...query } = request.query
      const filter = await filterOf(request, platform, query)
      await platform.flush()
      return eventPage(platform, filter, { limit, before: after ?? before })
    },
  )
}

async function filterOf(
  request: FastifyRequest,
  platform: ApiPlatform,
  { name: names, ...query }: z.infer<typeof EventFilterQuery>,
): Promise<EventFilter> {
  if (query.accountId !== undefined) await mustReachAccount(request, platform, query.accountId)
  return { ...query, names, reach: await reachOf(request, platform) }
}

async function eventPage(
  platform: ApiPlatform,
  filter: EventFilter,
  page: { readonly limit: number; readonly before: number | undefined },
): Promise<z.infer<typeof Events>> {
  const rows = await searchEvents(platform.db, filter, page)
  return { items: rows.map(eventView), next: rows.length === page.limit ? (rows.at(-1)?.id ?? null) : null }
}

function streamRoute(api: Api, ready: ReadyPlatform): void {
  const streams = new EventStreams(ready)
  api.addHook('preClose', () => streams.close())
  api.get(
    '/api/v1/events/stream',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Events as they happen (Server-Sent Events)',
        description:
          'Each event comes as JSON in `data`, with an `id`. Send the last `id` as `Last-Event-ID` and the stream goes on behind it, without loss or repetition.',
        querystring: EventFilterQuery.extend({
          after: z.string().max(64).optional().describe('Like Last-Event-ID, for clients that cannot send headers'),
        }),
        response: { 200: { content: { 'text/event-stream': { schema: z.string() } } } },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { after, ...query } = request.query
      const filter = await filterOf(request, platform, query)
      const header = request.headers['last-event-id']
      const place = placeOf(typeof header === 'string' && header !== '' ? header : after)
      const start = place ?? (await eventsUntilNow(platform.db))
      await streams.open(request, reply, { filter, start, print: (row) => JSON.stringify(eventView(row)) })
      return reply
    },
  )
}

function placeOf(text: string | undefined): EventPlace | undefined {
  const place = text === undefined ? undefined : readPlace(text)
  if (text === undefined || place !== undefined) return place
  throw new ApiProblem(422, 'bad-last-event-id', `"${text}" is no id of this stream. Send one that came with an event.`)
}
