/** Lines that a request names must be the account's and free. */
import { linesNamed } from '../store/mod.ts'
import type { ApiPlatform } from './context.ts'
import { ApiProblem } from './problem.ts'

/**
 * Throws unless every line is one of the account's and free.
 * @param mac a device whose own lines count as free
 */
export async function refuseForeignLines(
  platform: ApiPlatform,
  accountId: string,
  lineIds: readonly string[],
  mac?: string,
): Promise<void> {
  if (lineIds.length === 0) return
  const named = await linesNamed(platform.db, lineIds)
  const own = new Map(named.filter((line) => line.accountId === accountId).map((line) => [line.id, line]))
  const foreign = lineIds.find((id) => !own.has(id))
  if (foreign !== undefined) {
    throw new ApiProblem(
      422,
      'unknown-line',
      `Line "${foreign}" is not one of account "${accountId}". List its lines to see their ids.`,
    )
  }
  const taken = lineIds.map((id) => own.get(id)).find((line) => typeof line?.mac === 'string' && line.mac !== mac)
  if (taken !== undefined) {
    throw new ApiProblem(
      409,
      'line-in-use',
      `Line "${taken.id}" (${taken.userId}) is on device ${taken.mac ?? ''}. Release that device first, or name another line.`,
    )
  }
}
