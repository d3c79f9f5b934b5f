/** How phones are reached: the SIP proxies, and the registrar that says who is registered. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import {
  dropRegistrarFeed,
  dropSipProxy,
  findAccount,
  findRegistrarFeed,
  findSipProxy,
  PLATFORM_PROXY,
  putRegistrarFeed,
  putSipProxy,
  type StoredSipProxy,
} from '../../store/mod.ts'
import { readOutboundUrl } from '../../outbound/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { RegistrarFeed, RegistrarFeedInput, SipProxy, SipProxyInput } from '../contract/actions.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { mustReachAccount, mustReachAll } from '../reach.ts'

const AccountParams = z.object({ id: z.string().min(1).max(128) })

export function controlSettingRoutes(api: Api, ready: ReadyPlatform): void {
  proxyOfPlatform(api, ready)
  proxyOfAccount(api, ready)
  registrarFeed(api, ready)
}

function proxyOfPlatform(api: Api, ready: ReadyPlatform): void {
  const path = '/api/v1/sip-proxy'
  api.get(
    path,
    {
      config: { scope: 'read' },
      schema: { summary: 'The SIP proxy that carries our NOTIFY', response: { 200: SipProxy } },
    },
    async (request) => {
      await mustReachAll(request, ready())
      return existingProxy(ready(), PLATFORM_PROXY)
    },
  )
  api.put(
    path,
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Set the SIP proxy of the platform; accounts may have their own',
        body: SipProxyInput,
        response: { 200: SipProxy },
      },
    },
    async (request) => {
      await mustReachAll(request, ready())
      return setProxy(request, ready(), PLATFORM_PROXY, request.body)
    },
  )
  api.delete(
    path,
    { config: { scope: 'write' }, schema: { summary: 'Use no SIP proxy', response: { 204: z.null() } } },
    async (request, reply) => {
      await mustReachAll(request, ready())
      await removeProxy(request, ready(), PLATFORM_PROXY)
      return reply.code(204).send(null)
    },
  )
}

function proxyOfAccount(api: Api, ready: ReadyPlatform): void {
  const path = '/api/v1/accounts/:id/sip-proxy'
  api.get(
    path,
    {
      config: { scope: 'read' },
      schema: { summary: 'The account’s own SIP proxy', params: AccountParams, response: { 200: SipProxy } },
    },
    async (request) => {
      await reachedAccount(request, ready(), request.params.id)
      return existingProxy(ready(), request.params.id)
    },
  )
  api.put(
    path,
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Set a SIP proxy for the account and all below it',
        params: AccountParams,
        body: SipProxyInput,
        response: { 200: SipProxy },
      },
    },
    async (request) => {
      await reachedAccount(request, ready(), request.params.id)
      refuseOwnNetwork(ready(), request.body)
      return setProxy(request, ready(), request.params.id, request.body)
    },
  )
  api.delete(
    path,
    {
      config: { scope: 'write' },
      schema: { summary: 'Use the proxy of the account above', params: AccountParams, response: { 204: z.null() } },
    },
    async (request, reply) => {
      await reachedAccount(request, ready(), request.params.id)
      await removeProxy(request, ready(), request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function registrarFeed(api: Api, ready: ReadyPlatform): void {
  const path = '/api/v1/registrar-feed'
  api.get(
    path,
    {
      config: { scope: 'read' },
      schema: { summary: 'The registrar that says which lines are registered', response: { 200: RegistrarFeed } },
    },
    async (request) => {
      await mustReachAll(request, ready())
      const feed = await findRegistrarFeed(ready().db)
      if (feed === undefined) throw new ApiProblem(404, 'not-found', 'No registrar feed is set')
      return feed
    },
  )
  api.put(
    path,
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Set the registrar that is asked; Kamailio by its JSON-RPC over HTTP',
        body: RegistrarFeedInput,
        response: { 200: RegistrarFeed },
      },
    },
    async (request) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const allowed = readOutboundUrl(request.body.url, platform.settings.outboundAllow)
      if (!allowed.ok) throw new ApiProblem(422, allowed.error.code, `Cannot use this feed: ${allowed.error.message}`)
      await platform.change((tx) => putRegistrarFeed(tx, actor(request), request.body))
      return request.body
    },
  )
  api.delete(
    path,
    {
      config: { scope: 'write' },
      schema: { summary: 'Ask no registrar, and forget what it said', response: { 204: z.null() } },
    },
    async (request, reply) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const dropped = await platform.change((tx) => dropRegistrarFeed(tx, actor(request)))
      if (!dropped) throw new ApiProblem(404, 'not-found', 'No registrar feed is set')
      return reply.code(204).send(null)
    },
  )
}

async function reachedAccount(request: FastifyRequest, platform: ApiPlatform, id: string): Promise<void> {
  await mustReachAccount(request, platform, id)
  if ((await findAccount(platform.db, id)) === undefined) throw notFound('account', id)
}

/** The proxy of an account may not make us knock at doors of our own network; what a name leads to is looked at when it is used. */
function refuseOwnNetwork(platform: ApiPlatform, { host, port }: z.infer<typeof SipProxyInput>): void {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  const allowed = readOutboundUrl(`http://${name}:${port}/`, platform.settings.outboundAllow)
  if (!allowed.ok) throw new ApiProblem(422, allowed.error.code, `Cannot use this proxy: ${allowed.error.message}`)
}

async function existingProxy(platform: ApiPlatform, scope: string): Promise<z.infer<typeof SipProxy>> {
  const proxy = await findSipProxy(platform.db, scope)
  if (proxy === undefined) throw noProxy(scope)
  return proxyJson(proxy)
}

async function setProxy(
  request: FastifyRequest,
  platform: ApiPlatform,
  scope: string,
  { host, port, transport, user, password, perSecond }: z.infer<typeof SipProxyInput>,
): Promise<z.infer<typeof SipProxy>> {
  if (password !== undefined && user === undefined) {
    throw new ApiProblem(422, 'user-missing', 'A password for the proxy needs the user that it belongs to')
  }
  const settings = { scope, host, port, transport, user, password, perSecond }
  return proxyJson(await platform.change((tx) => putSipProxy(tx, platform.vault, actor(request), settings)))
}

async function removeProxy(request: FastifyRequest, platform: ApiPlatform, scope: string): Promise<void> {
  const dropped = await platform.change((tx) => dropSipProxy(tx, actor(request), scope))
  if (!dropped) throw noProxy(scope)
}

function noProxy(scope: string): ApiProblem {
  const whose = scope === PLATFORM_PROXY ? 'the platform' : `account "${scope}"`
  return new ApiProblem(404, 'not-found', `No SIP proxy is set for ${whose}`)
}

function proxyJson(proxy: StoredSipProxy): z.infer<typeof SipProxy> {
  return { ...proxy, user: proxy.user ?? null }
}
