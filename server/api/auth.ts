/** Bearer tokens and their scopes. `admin` may everything; `write` includes `read` and `stage`; `secrets` reveals. */
import type { FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { findToken, hashOfToken, recordTokenUse, type StoredToken, type TokenScope } from '../store/mod.ts'
import type { ApiPlatform, ReadyPlatform } from './context.ts'
import { answered } from './database-away.ts'
import { ApiProblem } from './problem.ts'
import { WrongTokens } from './wrong-tokens.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a token needs for this route; absent: open to everyone. */
    scope?: TokenScope
    /** Another scope that is enough for this route. */
    orScope?: TokenScope
    /** `free`: about no account, so that a limited token may ask too. */
    reach?: 'free'
  }
  interface FastifyRequest {
    token?: StoredToken
  }
}

const INCLUDES: Readonly<Record<TokenScope, readonly TokenScope[]>> = {
  admin: ['admin', 'write', 'read', 'stage', 'secrets'],
  write: ['write', 'read', 'stage'],
  read: ['read'],
  stage: ['stage'],
  secrets: ['secrets'],
}

/** Anything else cannot be one of ours, and asks no database. */
const TOKEN_FORM = /^oh_[A-Za-z0-9_-]{43}$/
const USES_EVERY_MS = 30_000
/** Tokens whose use waits to be written. */
const USES_MAX = 10_000

export interface Authorizer {
  /** Throws 401, 403 or 429 unless the request's token has the scope of its route. */
  authorize(request: FastifyRequest, platform: ApiPlatform): Promise<void>
  /** Writes when which token was used. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** @param wrongMax wrong tokens that one peer may send within a minute */
export function createAuthorizer(options: {
  readonly wrongMax: number
  readonly ready: ReadyPlatform
  readonly log: Logger
}): Authorizer {
  const wrong = new WrongTokens(options.wrongMax)
  let uses = new Map<string, number>()
  async function flush(): Promise<void> {
    if (uses.size === 0) return
    const waiting = uses
    uses = new Map()
    await recordTokenUse(options.ready().db, waiting).catch((error: unknown) =>
      options.log.warn({ err: error }, 'the use of tokens could not be written'),
    )
  }
  const timer = setInterval(() => void flush(), USES_EVERY_MS).unref()
  return {
    async authorize(request, platform) {
      const { scope, orScope } = request.routeOptions.config
      if (scope === undefined) return
      const token = await knownToken(request, platform, wrong)
      request.token = token
      if (uses.size < USES_MAX) uses.set(token.id, Date.now())
      if (orScope === undefined || !hasScope(request, orScope)) requireScope(request, scope)
    },
    flush,
    async close() {
      clearInterval(timer)
      await flush()
    },
  }
}

async function knownToken(request: FastifyRequest, platform: ApiPlatform, wrong: WrongTokens): Promise<StoredToken> {
  const text = bearerOf(request)
  if (text === undefined) throw noToken()
  const mark = TOKEN_FORM.test(text) ? hashOfToken(text).toString('base64') : undefined
  const waitSeconds = wrong.wait(request.ip, mark, Date.now())
  if (waitSeconds !== undefined) {
    const detail = `Too many wrong tokens came from this address; ask again in ${waitSeconds} s`
    throw new ApiProblem(429, 'too-many-wrong-tokens', detail, undefined, waitSeconds)
  }
  const token = mark === undefined ? undefined : await answered(findToken(platform.db, text))
  if (token === undefined || mark === undefined) {
    wrong.wrong(request.ip, mark, Date.now())
    throw noToken()
  }
  wrong.right(mark)
  return token
}

/** The token as it was sent. */
export function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
}

function noToken(): ApiProblem {
  return new ApiProblem(
    401,
    'no-token',
    'Send "Authorization: Bearer TOKEN" with a token made by "offhook token create" or by POST /api/v1/session',
  )
}

export function requireScope(request: FastifyRequest, scope: TokenScope): void {
  if (!hasScope(request, scope))
    throw new ApiProblem(403, 'missing-scope', `This needs a token with the scope "${scope}"`)
}

export function hasScope(request: FastifyRequest, scope: TokenScope): boolean {
  return request.token?.scopes.some((each) => INCLUDES[each].includes(scope)) === true
}

/** Who acts, for revisions: a person who signed in, or a token. */
export function actor(request: FastifyRequest): string {
  const { token } = request
  return token?.kind === 'session' && token.userEmail !== null
    ? `user:${token.userEmail}`
    : `token:${token?.name ?? '-'}`
}
