import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import {
  findAccount,
  findListedToken,
  insertToken,
  type ListedToken,
  listTokens,
  nextMark,
  recordRevision,
  revokeToken,
  type StoredToken,
  type TokenScope,
} from '../../store/mod.ts'
import { actor, hasScope } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { MadeToken, Token, TokenInput } from '../contract/tokens.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { badMark, PageQuery, Search, sorted } from '../query.ts'
import { mustReachAccount, mustReachAll, reachOf } from '../reach.ts'

const TokenParams = z.object({ id: z.string().max(128) })
const Query = PageQuery.extend(Search.shape).extend(sorted('createdAt', 'name').shape)

export function tokenRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/tokens',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Tokens and sessions in force',
        querystring: Query,
        response: { 200: z.object({ items: z.array(Token), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { limit, after, q, sort } = request.query
      const rows = await listTokens(platform.db, await reachOf(request, platform), { limit, after, q, sort })
      if (rows === undefined) throw badMark(after)
      return { items: rows.map(tokenJson), next: nextMark(rows, limit, (index) => rows[index]?.id ?? '') }
    },
  )
  makeRoute(api, ready)
  api.delete(
    '/api/v1/tokens/:id',
    {
      config: { scope: 'admin' },
      schema: { summary: 'End a token or session', params: TokenParams, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const platform = ready()
      const { id } = request.params
      const token = await findListedToken(platform.db, await reachOf(request, platform), id)
      if (token === undefined) throw notFound('token', id)
      if (!(await platform.change((tx) => revokeToken(tx, actor(request), id)))) throw notFound('token', id)
      return reply.code(204).send(null)
    },
  )
}

function makeRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/tokens',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Make a token; it is told once', body: TokenInput, response: { 201: MadeToken } },
    },
    async (request, reply) => {
      const platform = ready()
      const { name } = request.body
      const ttlSeconds = lifeOf(request.token, request.body.ttlSeconds)
      const scopes = [...new Set(request.body.scopes)]
      const more = scopes.find((scope) => !hasScope(request, scope))
      if (more !== undefined) throw moreRights(more)
      const accountId = request.body.accountId ?? request.token?.accountId ?? null
      await mustBeReached(request, platform, accountId)
      const who = actor(request)
      const userId = request.token?.userId ?? null
      const made = await platform.change(async (tx) => {
        const token = await insertToken(tx, {
          name,
          scopes,
          accountId,
          createdBy: who,
          userId,
          ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
        })
        const after = { name, scopes, accountId, ttlSeconds: ttlSeconds ?? null }
        await recordRevision(tx, { who, scope: 'token', target: token.id, what: 'created', after })
        const listed = await findListedToken(tx, null, token.id)
        return { token: token.text, listed }
      })
      if (made.listed === undefined) throw new Error('Cannot read the token that was just made')
      return reply.code(201).send({ ...tokenJson(made.listed), token: made.token })
    },
  )
}

async function mustBeReached(request: FastifyRequest, platform: ApiPlatform, accountId: string | null): Promise<void> {
  if (accountId === null) return mustReachAll(request, platform)
  if ((await findAccount(platform.db, accountId)) === undefined) throw notFound('account', accountId)
  await mustReachAccount(request, platform, accountId)
}

/** A token with an end makes none that outlives it; a person who signed in may. */
function lifeOf(token: StoredToken | undefined, asked: number | undefined): number | undefined {
  if (token === undefined || token.kind === 'session' || token.expiresAt === null) return asked
  const left = Math.max(1, Math.floor((token.expiresAt.getTime() - Date.now()) / 1000))
  return asked === undefined ? left : Math.min(asked, left)
}

function moreRights(scope: TokenScope): ApiProblem {
  return new ApiProblem(
    403,
    'more-rights',
    `Cannot make a token with the scope "${scope}": the token that asks does not have it itself`,
  )
}

function tokenJson(token: ListedToken): z.infer<typeof Token> {
  const { id, name, scopes, accountId, kind, userEmail, createdBy, createdAt, expiresAt, lastUsedAt } = token
  return {
    id,
    name,
    scopes: [...scopes],
    accountId,
    kind,
    userEmail,
    createdBy,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  }
}
