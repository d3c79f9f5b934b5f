/** An account that is there and within reach of the token, or the 404 that says it is not; and problems that lists share. */
import type { FastifyRequest } from 'fastify'
import { findAccount, type StoredAccount } from '../store/mod.ts'
import type { ApiPlatform } from './context.ts'
import { ApiProblem, notFound } from './problem.ts'
import { mustReachAccount } from './reach.ts'

export async function existingAccount(
  request: FastifyRequest,
  platform: ApiPlatform,
  id: string,
): Promise<StoredAccount> {
  await mustReachAccount(request, platform, id)
  const account = await findAccount(platform.db, id)
  if (account === undefined) throw notFound('account', id)
  return account
}

/** For a page that is asked for with a mark which the list did not give. */
export function badMark(after: string | undefined): ApiProblem {
  return new ApiProblem(
    422,
    'bad-after',
    `"${after ?? ''}" is no mark of this list. Give "next" of the page before, with the same "sort".`,
  )
}
