/** Bearer tokens and their scopes. `admin` may everything; `write` includes `read`; `secrets` reveals. */
import type { FastifyRequest } from 'fastify'
import { findToken, type StoredToken, type TokenScope } from '../store/mod.ts'
import type { ApiPlatform } from './context.ts'
import { ApiProblem } from './problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a token needs for this route; absent: open to everyone. */
    scope?: TokenScope
  }
  interface FastifyRequest {
    token?: StoredToken
  }
}

const INCLUDES: Readonly<Record<TokenScope, readonly TokenScope[]>> = {
  admin: ['admin', 'write', 'read', 'secrets'],
  write: ['write', 'read'],
  read: ['read'],
  secrets: ['secrets'],
}

/** Throws 401 or 403 unless the request's token has the scope of its route. */
export async function authorize(request: FastifyRequest, platform: ApiPlatform): Promise<void> {
  const scope = request.routeOptions.config.scope
  if (scope === undefined) return
  const text = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const token = text === undefined ? undefined : await findToken(platform.db, text)
  if (token === undefined) {
    throw new ApiProblem(
      401,
      'no-token',
      'Send "Authorization: Bearer TOKEN" with a token made by "offhook token create"',
    )
  }
  request.token = token
  requireScope(request, scope)
}

export function requireScope(request: FastifyRequest, scope: TokenScope): void {
  const granted = request.token?.scopes.some((each) => INCLUDES[each].includes(scope)) === true
  if (!granted) throw new ApiProblem(403, 'missing-scope', `This needs a token with the scope "${scope}"`)
}

/** Who acts, for revisions. */
export function actor(request: FastifyRequest): string {
  return `token:${request.token?.name ?? '-'}`
}
