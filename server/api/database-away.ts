/** What a caller is told while the database does not answer: come again, instead of an error of ours. */
import { setTimeout as pause } from 'node:timers/promises'
import { ApiProblem } from './problem.ts'

/** Longer than any row by key takes; whoever watches us gives up soon after. */
const ANSWER_MAX_MS = 2500
const RETRY_AFTER_S = 2

/** Of connections (SQLSTATE class 08), of a database that is stopped or starts (57P0x), of too many clients (53300). */
const AWAY_STATE = /^(?:08[0-9A-Z]{3}|57P0[1-5]|53300)$/
const AWAY_CODE: readonly string[] = ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE', 'ETIMEDOUT']
/** pg's own words, which have no code. */
const AWAY_TEXT = /Query read timeout|Connection terminated|timeout exceeded when trying to connect|the connection/i
const DISK_FULL_STATE = '53100'

/** Rejects with 503 when the work is not done in time; the work itself goes on. */
export async function answered<T>(work: Promise<T>): Promise<T> {
  const given = new AbortController()
  const late = pause(ANSWER_MAX_MS, undefined, { signal: given.signal, ref: false }).then(
    () => {
      throw away()
    },
    // The answer came: nobody waits for this any more.
    () => new Promise<never>(() => undefined),
  )
  try {
    return await Promise.race([work, late])
  } finally {
    given.abort()
    work.catch(() => undefined)
  }
}

/** @returns what an error of the database means to the caller; undefined for errors of another kind */
export function databaseProblem(error: Error & { readonly code?: unknown }): ApiProblem | undefined {
  const code = typeof error.code === 'string' ? error.code : ''
  if (code === DISK_FULL_STATE) {
    return new ApiProblem(
      507,
      'disk-full',
      'The disk of the database is full. Nothing was done; make room and try again',
    )
  }
  const isAway = AWAY_STATE.test(code) || AWAY_CODE.includes(code) || (code === '' && AWAY_TEXT.test(error.message))
  return isAway ? away() : undefined
}

function away(): ApiProblem {
  const words = 'The database does not answer just now. Whether it did what was asked is not known; look, or try again'
  return new ApiProblem(503, 'database-away', words, undefined, RETRY_AFTER_S)
}
