/**
 * What a token may see: everything, or an account and all below it. What is out of reach does not exist for it (404),
 * so that nobody learns what others have.
 */
import type { FastifyRequest } from 'fastify'
import { accountsBelow } from '../store/mod.ts'
import type { ApiPlatform } from './context.ts'
import { ApiProblem, notFound } from './problem.ts'

/** null: every account. Goes into statements as `($1::text[] is null or account_id = any($1))`. */
export type Reach = readonly string[] | null

const known = new WeakMap<FastifyRequest, Promise<Reach>>()

/** For what goes on longer than a request. */
export function freshReach(platform: Pick<ApiPlatform, 'db'>, accountId: string | null): Promise<Reach> {
  return accountId === null ? Promise.resolve(null) : accountsBelow(platform.db, accountId)
}

/** Asked once a request. */
export function reachOf(request: FastifyRequest, platform: ApiPlatform): Promise<Reach> {
  const before = known.get(request)
  if (before !== undefined) return before
  const accountId = request.token?.accountId ?? null
  const reach = freshReach(platform, accountId)
  known.set(request, reach)
  return reach
}

/** Throws the 404 of an account that is not there. */
export async function mustReachAccount(
  request: FastifyRequest,
  platform: ApiPlatform,
  accountId: string,
): Promise<void> {
  const reach = await reachOf(request, platform)
  if (reach !== null && !reach.includes(accountId)) throw notFound('account', accountId)
}

/**
 * Throws the 404 of a device that is not there.
 * @param accountId whose it is or for whom it is held; a device of nobody is seen only by who sees everything
 */
export async function mustReachDevice(
  request: FastifyRequest,
  platform: ApiPlatform,
  mac: string,
  accountId: string | null | undefined,
): Promise<void> {
  const reach = await reachOf(request, platform)
  if (reach !== null && (accountId === null || accountId === undefined || !reach.includes(accountId)))
    throw notFound('device', mac)
}

/** For what belongs to the whole platform: layers of platform, provider and model, CAs, firmware, certificates. */
export async function mustReachAll(request: FastifyRequest, platform: ApiPlatform): Promise<void> {
  if ((await reachOf(request, platform)) !== null) {
    throw new ApiProblem(403, 'out-of-reach', 'This belongs to the whole platform; the token is limited to one account')
  }
}

/**
 * Whether a limited token came to a route that never asked for its reach. Such a route is closed to it: what somebody
 * forgot must not show the devices of others. Routes that are about no account say so by `config.reach: 'free'`.
 */
export function forgetsReach(request: FastifyRequest): boolean {
  const { config } = request.routeOptions
  if (config.scope === undefined || config.reach === 'free') return false
  return typeof request.token?.accountId === 'string' && !known.has(request)
}

export function forgottenReach(): ApiProblem {
  return new ApiProblem(403, 'out-of-reach', 'This is not open to tokens that are limited to one account')
}
