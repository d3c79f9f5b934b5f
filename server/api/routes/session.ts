import { z } from 'zod'
import {
  changeUser,
  findLogin,
  insertToken,
  recordLogin,
  recordRevision,
  revokeToken,
  scopesOfRole,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ReadyPlatform } from '../context.ts'
import { MadeSession, PasswordInput, Session, SessionInput } from '../contract/tokens.ts'
import { NewPasswordText, User } from '../contract/users.ts'
import { type Passwords, PasswordsBusy } from '../passwords.ts'
import { ApiProblem } from '../problem.ts'
import { userJson } from './users.ts'

/** A working day; then one signs in again. */
const SESSION_SECONDS = 12 * 60 * 60

/** Signing in and out. */
export function sessionRoutes(api: Api, ready: ReadyPlatform, passwords: Passwords): void {
  signIn(api, ready, passwords)
  api.get(
    '/api/v1/session',
    {
      config: { scope: 'read', orScope: 'stage', reach: 'free' },
      schema: { summary: 'Who asks, and what it may', response: { 200: Session } },
    },
    (request) => {
      const { token } = request
      if (token === undefined) throw new Error('A route with a scope has a token')
      const { name, kind, scopes, accountId, userEmail } = token
      return { tokenId: token.id, name, kind, scopes: [...scopes], accountId, userEmail }
    },
  )
  api.delete(
    '/api/v1/session',
    {
      config: { scope: 'read', orScope: 'stage', reach: 'free' },
      schema: { summary: 'Sign out', response: { 204: z.null() } },
    },
    async (request, reply) => {
      const { token } = request
      if (token?.kind !== 'session') throw noSession()
      await ready().change((tx) => revokeToken(tx, actor(request), token.id))
      return reply.code(204).send(null)
    },
  )
  ownPassword(api, ready, passwords)
}

function signIn(api: Api, ready: ReadyPlatform, passwords: Passwords): void {
  api.post(
    '/api/v1/session',
    {
      schema: {
        summary: 'Sign in: a token of 12 hours',
        security: [],
        body: SessionInput,
        response: { 201: MadeSession },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const email = request.body.email.toLowerCase()
      await mustKnow(passwords, email, async () => {
        const known = await findLogin(platform.db, platform.vault, email)
        return passwords.verify(known?.passwordHash, request.body.password)
      })
      const made = await platform.change(async (tx) => {
        const user = (await findLogin(tx, platform.vault, email))?.user
        if (user === undefined) throw wrongPassword()
        const token = await insertToken(tx, {
          name: `session of ${email}`,
          scopes: scopesOfRole(user.role),
          accountId: user.accountId,
          createdBy: `user:${email}`,
          ttlSeconds: SESSION_SECONDS,
          kind: 'session',
          userId: user.id,
        })
        await recordLogin(tx, user.id)
        const after = { tokenId: token.id, peer: request.ip }
        await recordRevision(tx, { who: `user:${email}`, scope: 'user', target: user.id, what: 'signed in', after })
        return { token: token.text, user }
      })
      const expiresAt = new Date(Date.now() + SESSION_SECONDS * 1000).toISOString()
      return reply.code(201).send({ token: made.token, expiresAt, user: userJson(made.user) })
    },
  )
}

function ownPassword(api: Api, ready: ReadyPlatform, passwords: Passwords): void {
  api.put(
    '/api/v1/session/password',
    {
      config: { scope: 'read', orScope: 'stage', reach: 'free' },
      schema: {
        summary: 'Change the own password; all sessions end, this one too',
        body: PasswordInput.extend({ password: NewPasswordText }),
        response: { 200: User },
      },
    },
    async (request) => {
      const platform = ready()
      const { token } = request
      if (token?.kind !== 'session' || token.userEmail === null || token.userId === null) throw noSession()
      const { userEmail: email, userId } = token
      await mustKnow(passwords, email, async () => {
        const known = await findLogin(platform.db, platform.vault, email)
        return passwords.verify(known?.passwordHash, request.body.current)
      })
      const passwordHash = await passwords.hash(request.body.password)
      const changed = await platform.change((tx) =>
        changeUser(tx, platform.vault, actor(request), userId, { passwordHash }),
      )
      if (changed === undefined || changed === 'last-owner') throw noSession()
      return userJson(changed)
    },
  )
}

/** Counts failures by address, whether it has a user or not. Throws 401, 429 or 503. */
async function mustKnow(passwords: Passwords, email: string, verify: () => Promise<boolean>): Promise<void> {
  const waitSeconds = passwords.wait(email, Date.now())
  if (waitSeconds !== undefined) {
    const detail = `Too many wrong passwords; try again in ${waitSeconds} s`
    throw new ApiProblem(429, 'too-many-wrong-passwords', detail, undefined, waitSeconds)
  }
  // Counted before it is looked at: many at once would otherwise all be looked at.
  passwords.failed(email, Date.now())
  try {
    if (!(await verify())) throw wrongPassword()
  } catch (error) {
    if (!(error instanceof PasswordsBusy)) throw error
    throw new ApiProblem(503, 'busy', 'Too many people sign in at once; try again in a moment', undefined, 1)
  }
  passwords.succeeded(email)
}

function wrongPassword(): ApiProblem {
  return new ApiProblem(401, 'wrong-password', 'There is no user with this address and password who may sign in')
}

function noSession(): ApiProblem {
  return new ApiProblem(409, 'no-session', 'This token is no session of a user; sign in with POST /api/v1/session')
}
