import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import {
  changeUser,
  createUser,
  deleteUser,
  findAccount,
  findUser,
  listUsers,
  needsAccount,
  nextMark,
  scopesOfRole,
  type StoredUser,
  type UserRole,
} from '../../store/mod.ts'
import { actor, hasScope } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { User, UserInput, UserPatch, UserRoleName } from '../contract/users.ts'
import { Passwords } from '../passwords.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { badMark, PageQuery, Search, sorted, withoutAbsent } from '../query.ts'
import { mustReachAccount, mustReachAll, reachOf } from '../reach.ts'
import { sessionRoutes } from './session.ts'

const UserParams = z.object({ id: z.string().max(128) })
const Query = PageQuery.extend(Search.shape)
  .extend(sorted('email', 'name', 'createdAt').shape)
  .extend({ role: UserRoleName.optional() })

export function userRoutes(api: Api, ready: ReadyPlatform): void {
  const passwords = new Passwords()
  listRoute(api, ready)
  makeRoute(api, ready, passwords)
  changeRoutes(api, ready, passwords)
  sessionRoutes(api, ready, passwords)
}

function listRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/users',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'People who may sign in',
        querystring: Query,
        response: { 200: z.object({ items: z.array(User), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { limit, after, q, sort, role } = request.query
      const rows = await listUsers(platform.db, await reachOf(request, platform), { limit, after, q, sort, role })
      if (rows === undefined) throw badMark(after)
      return { items: rows.map(userJson), next: nextMark(rows, limit, (index) => rows[index]?.id ?? '') }
    },
  )
  api.get(
    '/api/v1/users/:id',
    { config: { scope: 'admin' }, schema: { summary: 'One user', params: UserParams, response: { 200: User } } },
    async (request) => userJson(await existing(request, ready())),
  )
}

function makeRoute(api: Api, ready: ReadyPlatform, passwords: Passwords): void {
  api.post(
    '/api/v1/users',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Make a user', body: UserInput, response: { 201: User } },
    },
    async (request, reply) => {
      const platform = ready()
      const { email, name, role, password } = request.body
      const accountId = request.body.accountId ?? request.token?.accountId ?? null
      await mustBeAllowed(request, platform, role, accountId)
      const passwordHash = password === undefined ? undefined : await passwords.hash(password)
      const user = { email, name, role, accountId, passwordHash }
      const made = await platform.change((tx) => createUser(tx, platform.vault, actor(request), user))
      if (made === undefined) {
        throw new ApiProblem(
          409,
          'email-taken',
          `Cannot make the user: "${email}" has one already. Change that one, or use another address.`,
        )
      }
      return reply.code(201).send(userJson(made))
    },
  )
}

function changeRoutes(api: Api, ready: ReadyPlatform, passwords: Passwords): void {
  api.patch(
    '/api/v1/users/:id',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Change a user', params: UserParams, body: UserPatch, response: { 200: User } },
    },
    async (request) => {
      const platform = ready()
      const { password, ...rest } = request.body
      const before = await existing(request, platform)
      const role = rest.role ?? before.role
      const accountId = rest.accountId === undefined ? before.accountId : rest.accountId
      // Whoever may not make such a user may not change one either: a new password would make it theirs.
      await mustBeAllowed(request, platform, before.role, before.accountId)
      await mustBeAllowed(request, platform, role, accountId)
      const passwordHash = password === undefined ? undefined : await passwords.hash(password)
      const change = withoutAbsent<{ passwordHash: string } & typeof rest>({ ...rest, passwordHash })
      const changed = await platform.change((tx) =>
        changeUser(tx, platform.vault, actor(request), before.id, change as Parameters<typeof changeUser>[4]),
      )
      if (changed === undefined) throw notFound('user', before.id)
      if (changed === 'last-owner') throw lastOwner(before.email)
      return userJson(changed)
    },
  )
  api.delete(
    '/api/v1/users/:id',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Delete a user and all its tokens', params: UserParams, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const platform = ready()
      const before = await existing(request, platform)
      await mustBeAllowed(request, platform, before.role, before.accountId)
      const deleted = await platform.change((tx) => deleteUser(tx, actor(request), before.id))
      if (deleted === undefined) throw notFound('user', before.id)
      if (deleted === 'last-owner') throw lastOwner(before.email)
      return reply.code(204).send(null)
    },
  )
}

async function existing(request: FastifyRequest, platform: ApiPlatform): Promise<StoredUser> {
  const { id } = request.params as z.infer<typeof UserParams>
  const user = await findUser(platform.db, await reachOf(request, platform), id)
  if (user === undefined) throw notFound('user', id)
  return user
}

/** Nobody makes or changes a user with more rights or reach than their own. */
async function mustBeAllowed(
  request: FastifyRequest,
  platform: ApiPlatform,
  role: UserRole,
  accountId: string | null,
): Promise<void> {
  const more = scopesOfRole(role).find((scope) => !hasScope(request, scope))
  if (more !== undefined)
    throw new ApiProblem(403, 'more-rights', `A user with the role "${role}" would have more rights than this token`)
  if (accountId === null) {
    await mustReachAll(request, platform)
    if (needsAccount(role))
      throw new ApiProblem(422, 'account-missing', `A user with the role "${role}" needs an accountId`)
    return
  }
  if ((await findAccount(platform.db, accountId)) === undefined) throw notFound('account', accountId)
  await mustReachAccount(request, platform, accountId)
}

function lastOwner(email: string): ApiProblem {
  return new ApiProblem(409, 'last-owner', `"${email}" is the only owner who can sign in. Make another owner first.`)
}

export function userJson(user: StoredUser): z.infer<typeof User> {
  const { id, email, name, role, accountId, disabled, hasPassword, createdBy } = user
  return {
    id,
    email,
    name,
    role,
    scopes: [...scopesOfRole(role)],
    accountId,
    disabled,
    hasPassword,
    createdBy,
    createdAt: user.createdAt.toISOString(),
    lastLoginAt: user.lastLoginAt?.toISOString() ?? null,
  }
}
