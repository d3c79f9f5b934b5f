/** A thing that something else still names is not deleted; the answer says what names it. */
import { tableThatNames } from '../store/mod.ts'
import { ApiProblem } from './problem.ts'

/** @param what the thing that is deleted, for the message */
export async function refuseReferenced<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const by = tableThatNames(error)?.replaceAll('_', ' ')
    if (by === undefined) throw error
    throw new ApiProblem(409, 'still-named', `Cannot delete ${what}: a ${by} still names it. Delete that first.`)
  }
}
