import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { readOutboundUrl } from '../../outbound/mod.ts'
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  findAccount,
  findDelivery,
  findWebhook,
  listDeliveries,
  listWebhooks,
  newWebhookSecret,
  nextMark,
  queueDelivery,
  type StoredDelivery,
  type StoredWebhook,
  WEBHOOKS_MAX,
  type WebhookChange,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Delivery, MadeWebhook, Webhook, WebhookInput, WebhookPatch } from '../contract/webhooks.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { badMark, PageQuery, Search, sorted, withoutAbsent } from '../query.ts'
import { mustReachAccount, mustReachAll, reachOf } from '../reach.ts'

const WebhookParams = z.object({ id: z.string().max(128) })
const DeliveryParams = z.object({ id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) })

export function webhookRoutes(api: Api, ready: ReadyPlatform): void {
  listRoutes(api, ready)
  makeRoute(api, ready)
  changeRoutes(api, ready)
  testRoute(api, ready)
  deliveryRoutes(api, ready)
}

function listRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/webhooks',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Who is told of events',
        querystring: PageQuery.extend(Search.shape).extend(sorted('createdAt', 'url').shape),
        response: { 200: z.object({ items: z.array(Webhook), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { limit, after, q, sort } = request.query
      const rows = await listWebhooks(platform.db, await reachOf(request, platform), { limit, after, q, sort })
      if (rows === undefined) throw badMark(after)
      return { items: rows.map(webhookJson), next: nextMark(rows, limit, (index) => rows[index]?.id ?? '') }
    },
  )
  api.get(
    '/api/v1/webhooks/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'One webhook', params: WebhookParams, response: { 200: Webhook } },
    },
    async (request) => webhookJson(await existing(request, ready())),
  )
}

function makeRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/webhooks',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Be told of events; the secret of the signatures is told once',
        body: WebhookInput,
        response: { 201: MadeWebhook },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { url, events } = request.body
      refuseUrl(platform, url)
      const accountId = request.body.accountId ?? request.token?.accountId ?? null
      if (accountId === null) await mustReachAll(request, platform)
      else {
        await mustReachAccount(request, platform, accountId)
        if ((await findAccount(platform.db, accountId)) === undefined) throw notFound('account', accountId)
      }
      const made = await platform.change(async (tx) => {
        const secret = newWebhookSecret()
        const webhook = { url, events, accountId, secret }
        return { secret, webhook: await createWebhook(tx, platform.vault, actor(request), webhook) }
      })
      if (made.webhook === undefined) {
        throw new ApiProblem(
          409,
          'too-many-webhooks',
          `Cannot make the webhook: there are ${WEBHOOKS_MAX} already, and no more may be. Delete one first.`,
        )
      }
      return reply.code(201).send({ ...webhookJson(made.webhook), secret: made.secret })
    },
  )
}

function changeRoutes(api: Api, ready: ReadyPlatform): void {
  api.patch(
    '/api/v1/webhooks/:id',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Change a webhook',
        params: WebhookParams,
        body: WebhookPatch,
        response: { 200: MadeWebhook },
      },
    },
    async (request) => {
      const platform = ready()
      const { newSecret, ...rest } = request.body
      const before = await existing(request, platform)
      if (rest.url !== undefined) refuseUrl(platform, rest.url)
      const made = await platform.change(async (tx) => {
        const secret = newSecret === true ? newWebhookSecret() : undefined
        const change = withoutAbsent<WebhookChange>({ ...rest, secret })
        return { secret, webhook: await changeWebhook(tx, platform.vault, actor(request), before, change) }
      })
      if (made.webhook === undefined) throw notFound('webhook', before.id)
      return { ...webhookJson(made.webhook), ...(made.secret === undefined ? {} : { secret: made.secret }) }
    },
  )
  api.delete(
    '/api/v1/webhooks/:id',
    {
      config: { scope: 'write' },
      schema: { summary: 'Delete a webhook', params: WebhookParams, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const platform = ready()
      const before = await existing(request, platform)
      const deleted = await platform.change((tx) => deleteWebhook(tx, actor(request), before))
      if (!deleted) throw notFound('webhook', before.id)
      return reply.code(204).send(null)
    },
  )
}

function testRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/webhooks/:id/test',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Send a test, once; the delivery tells how it went',
        params: WebhookParams,
        response: { 202: Delivery },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const webhook = await existing(request, platform)
      refuseDisabled(webhook)
      const queued = await platform.change((tx) => queueDelivery(tx, testDelivery(webhook)))
      if (queued === undefined) throw queueFull(webhook.id)
      return reply.code(202).send(deliveryJson(queued))
    },
  )
}

function testDelivery(webhook: StoredWebhook): Parameters<typeof queueDelivery>[1] {
  const view = {
    id: 0,
    at: new Date().toISOString(),
    name: 'webhook.test',
    text: 'A test, asked for by a person',
    trust: 'operator',
    mac: null,
    accountId: webhook.accountId,
    peer: null,
    data: { webhook: webhook.id },
  }
  return { webhookId: webhook.id, eventId: null, eventName: view.name, body: JSON.stringify(view) }
}

function deliveryRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/webhooks/:id/deliveries',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What was sent to it and what waits, newest first',
        params: WebhookParams,
        querystring: PageQuery.extend({ state: z.enum(['queued', 'delivered', 'failed']).optional() }),
        response: { 200: z.object({ items: z.array(Delivery), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { limit, after, state } = request.query
      if (after !== undefined && !/^\d{1,15}$/.test(after)) throw badMark(after)
      const { id } = await existing(request, platform)
      const page = { limit, after: after === undefined ? undefined : Number(after), state }
      const rows = await listDeliveries(platform.db, id, page)
      const last = rows.length === limit ? rows.at(-1) : undefined
      return { items: rows.map(deliveryJson), next: last === undefined ? null : String(last.id) }
    },
  )
  api.post(
    '/api/v1/deliveries/:id/redeliver',
    {
      config: { scope: 'write' },
      schema: { summary: 'Send it once more', params: DeliveryParams, response: { 202: Delivery } },
    },
    async (request, reply) => {
      const platform = ready()
      const reach = await reachOf(request, platform)
      const { id } = request.params
      const delivery = await findDelivery(platform.db, reach, id)
      if (delivery === undefined) throw notFound('delivery', String(id))
      const webhook = await findWebhook(platform.db, reach, delivery.webhookId)
      if (webhook === undefined) throw notFound('delivery', String(id))
      refuseDisabled(webhook)
      const queued = await platform.change((tx) => queueDelivery(tx, delivery))
      if (queued === undefined) throw queueFull(webhook.id)
      return reply.code(202).send(deliveryJson(queued))
    },
  )
}

async function existing(request: FastifyRequest, platform: ApiPlatform): Promise<StoredWebhook> {
  const { id } = request.params as z.infer<typeof WebhookParams>
  const webhook = await findWebhook(platform.db, await reachOf(request, platform), id)
  if (webhook === undefined) throw notFound('webhook', id)
  return webhook
}

/** What can be said now; where a name leads is looked at whenever something is sent. */
function refuseUrl(platform: ApiPlatform, url: string): void {
  const read = readOutboundUrl(url, platform.settings.outboundAllow)
  if (!read.ok) throw new ApiProblem(422, read.error.code, `${read.error.message}.`)
}

function refuseDisabled(webhook: StoredWebhook): void {
  if (webhook.enabled) return
  throw new ApiProblem(
    409,
    'webhook-disabled',
    `Webhook "${webhook.id}" is disabled (${webhook.disabledReason ?? 'by a person'}). Enable it first.`,
  )
}

function queueFull(id: string): ApiProblem {
  return new ApiProblem(409, 'queue-full', `Webhook "${id}" has as many deliveries waiting as it may. Try again later.`)
}

function webhookJson(webhook: StoredWebhook): z.infer<typeof Webhook> {
  return {
    ...webhook,
    events: [...webhook.events],
    failingSince: webhook.failingSince?.toISOString() ?? null,
    createdAt: webhook.createdAt.toISOString(),
  }
}

function deliveryJson(delivery: StoredDelivery): z.infer<typeof Delivery> {
  return {
    ...delivery,
    nextAt: delivery.state === 'queued' ? delivery.nextAt.toISOString() : null,
    createdAt: delivery.createdAt.toISOString(),
    endedAt: delivery.endedAt?.toISOString() ?? null,
  }
}
