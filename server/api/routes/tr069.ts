/** TR-069 as an operator sees it: a device's calls, its tree, its messages under trace, and callers nobody knows. */
import { z } from 'zod'
import { acsCredentials } from '../../devices/mod.ts'
import {
  countParameters,
  listMessages,
  listParameters,
  listUnknownCallers,
  loadAcsState,
  recordReveal,
  recordRevision,
  setTrace,
  type ShownMessage,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ReadyPlatform } from '../context.ts'
import { Mac } from '../contract.ts'
import {
  MessagePage,
  MessageQuery,
  ParameterPage,
  ParameterQuery,
  Trace,
  TraceInput,
  Tr069Credentials,
  Tr069Device,
  UnknownPage,
} from '../contract/tr069.ts'
import { ApiProblem } from '../problem.ts'
import { PageQuery } from '../query.ts'
import { mustReachAll } from '../reach.ts'
import { shownSince, tr069Json } from '../tr069-device.ts'
import { treeJson } from '../tr069-tree.ts'
import { reachedFacts } from './reports.ts'
import { tr069TaskRoutes } from './tr069-tasks.ts'

const DeviceParams = z.object({ mac: Mac })

export function tr069Routes(api: Api, ready: ReadyPlatform): void {
  summaryRoute(api, ready)
  parametersRoute(api, ready)
  messagesRoute(api, ready)
  traceRoutes(api, ready)
  credentialsRoute(api, ready)
  unknownRoute(api, ready)
  tr069TaskRoutes(api, ready)
}

function summaryRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/devices/:mac/tr069',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What it said when it called by TR-069, what it lacks, and how it can be reached',
        params: DeviceParams,
        response: { 200: Tr069Device },
      },
    },
    async (request) => {
      const platform = ready()
      await platform.flush()
      return tr069Json(request, platform, await reachedFacts(request, platform, request.params.mac))
    },
  )
}

function parametersRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/devices/:mac/tr069/parameters',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Its tree as last seen, each value beside the wished one',
        description:
          'In the order of paths. `below` names an object, with its dot; `q` finds text in paths and values. Secrets are never shown, nor found by their value.',
        params: DeviceParams,
        querystring: ParameterQuery,
        response: { 200: ParameterPage },
      },
    },
    async (request) => {
      const platform = ready()
      const facts = await reachedFacts(request, platform, request.params.mac)
      const { below, q, after, limit } = request.query
      const { mac } = facts.device
      const since = await shownSince(request, platform, facts)
      if (since === undefined) return { items: [], next: null, total: 0 }
      const rows = await listParameters(platform.db, mac, { below, q, after, limit })
      const refused = (await loadAcsState(platform.db, mac))?.refused ?? {}
      const shown = rows.filter(({ at }) => at >= since)
      return {
        items: [...(await treeJson(platform, facts, shown, { q, refused }))],
        next: rows.length === limit ? (rows.at(-1)?.path ?? null) : null,
        total: await countParameters(platform.db, mac),
      }
    },
  )
}

function messagesRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/devices/:mac/tr069/messages',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Sessions with their messages, kept while the device was under trace; the last 500 are kept',
        params: DeviceParams,
        querystring: MessageQuery,
        response: { 200: MessagePage },
      },
    },
    async (request) => {
      const platform = ready()
      const facts = await reachedFacts(request, platform, request.params.mac)
      const { before, limit } = request.query
      const since = await shownSince(request, platform, facts)
      if (since === undefined) return { items: [], next: null }
      const page = { before: before === undefined ? undefined : Number(before), limit }
      const rows = await listMessages(platform.db, facts.device.mac, page)
      const last = rows.length === limit ? rows.at(-1) : undefined
      return {
        items: sessionsOf(rows.filter(({ at }) => at >= since)),
        next: last === undefined ? null : String(last.id),
      }
    },
  )
}

/** @param rows newest first */
function sessionsOf(rows: readonly ShownMessage[]): z.infer<typeof MessagePage>['items'] {
  const sessions = new Map<string, ShownMessage[]>()
  for (const row of rows) sessions.set(row.session, [row, ...(sessions.get(row.session) ?? [])])
  return [...sessions].map(([session, messages]) => ({
    session,
    firstAt: messages[0]?.at.toISOString() ?? '',
    lastAt: messages.at(-1)?.at.toISOString() ?? '',
    messages: messages.map(({ id, at, sender, kind, text }) => ({ id, at: at.toISOString(), sender, kind, text })),
  }))
}

function traceRoutes(api: Api, ready: ReadyPlatform): void {
  api.put(
    '/api/v1/devices/:mac/tr069/trace',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Keep its messages for a while, without secrets',
        params: DeviceParams,
        body: TraceInput,
        response: { 200: Trace },
      },
    },
    async (request) => {
      const platform = ready()
      const { mac } = (await reachedFacts(request, platform, request.params.mac)).device
      const until = Date.now() + request.body.seconds * 1000
      const tracedUntil = await platform.change(async (tx) => {
        if (!(await setTrace(tx, mac, until))) return null
        const text = new Date(until).toISOString()
        const what = 'TR-069 messages traced'
        await recordRevision(tx, { who: actor(request), scope: 'device', target: mac, what, after: { until: text } })
        return text
      })
      if (tracedUntil === null) {
        throw new ApiProblem(
          409,
          'never-called',
          `Cannot trace ${mac}: it has never called by TR-069. Trace it after its first call.`,
        )
      }
      return { mac, tracedUntil }
    },
  )
  api.delete(
    '/api/v1/devices/:mac/tr069/trace',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Keep no more of its messages; those that are kept stay',
        params: DeviceParams,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { mac } = (await reachedFacts(request, platform, request.params.mac)).device
      await platform.change(async (tx) => {
        if (!(await setTrace(tx, mac, undefined))) return
        const what = 'TR-069 messages traced no more'
        await recordRevision(tx, { who: actor(request), scope: 'device', target: mac, what })
      })
      return reply.code(204).send(null)
    },
  )
}

function credentialsRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/devices/:mac/tr069/credentials',
    {
      config: { scope: 'secrets' },
      schema: {
        summary: 'What a TR-069 client that has no profile of ours is set to by hand; who looked is written down',
        params: DeviceParams,
        response: { 200: Tr069Credentials },
      },
    },
    async (request) => {
      const platform = ready()
      const facts = await reachedFacts(request, platform, request.params.mac)
      const { mac } = facts.device
      const credentials = acsCredentials(facts)
      if (credentials === undefined) {
        throw new ApiProblem(
          409,
          'no-passwords',
          `Cannot show the credentials of ${mac}: it was never bound, so it has none. Bind it first.`,
        )
      }
      await recordReveal(platform.db, actor(request), 'device', mac)
      return { mac, acsUrl: platform.facts().acsUrl ?? null, ...credentials, secret: true as const }
    },
  )
}

function unknownRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/tr069/unknown',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Devices that proved who they are and that nobody has registered',
        querystring: PageQuery,
        response: { 200: UnknownPage },
      },
    },
    async (request) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const { after, limit } = request.query
      const rows = await listUnknownCallers(platform.db, { after, limit })
      return {
        items: rows.map((row) => ({ ...row, firstAt: row.firstAt.toISOString(), lastAt: row.lastAt.toISOString() })),
        next: rows.length === limit ? (rows.at(-1)?.mac ?? null) : null,
      }
    },
  )
}
