/** Asking again while a server is away, as it is while somebody starts it anew. */
import { setTimeout as pause } from 'node:timers/promises'
import { printNote } from '../output.ts'
import { untilStopped } from '../signals.ts'

const AGAIN_MS = 1000

/**
 * Asks until somebody answers, a second between two times, and says on stderr when it begins and when it is over.
 *
 * @param when.isPassing  whether it is worth asking again; any other error is thrown
 * @param when.away  what is said at the first one
 * @returns undefined when somebody asked to end meanwhile
 */
export async function untilAnswered<T>(
  ask: () => Promise<T>,
  when: { readonly isPassing: (error: unknown) => boolean; readonly away: string },
): Promise<T | undefined> {
  for (let isTold = false; !untilStopped.aborted; isTold = true) {
    try {
      const answer = await ask()
      if (isTold && answer !== undefined) printNote('the server is back')
      return answer
    } catch (error) {
      if (!when.isPassing(error)) throw error
      if (!isTold) printNote(when.away)
    }
    // Ends early by the signal: the loop looks at it next.
    await pause(AGAIN_MS, undefined, { signal: untilStopped }).catch(() => undefined)
  }
  return undefined
}
