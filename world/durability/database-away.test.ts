import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { eventually, Place } from '../life/testing.ts'
import { makeProvider, postgresPid, serve } from './testing.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Whoever watches a server gives up after five seconds or so. */
const ANSWER_MAX_MS = 5000

let place: Place
afterEach(async () => {
  await place.clear()
})

/** A process and its children. */
async function familyOf(parent: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8')
  return [parent, ...children.trim().split(' ').map(Number)]
}

describe('a database that hangs', () => {
  it('is told to callers of the API within seconds, with when to try again, and is over when it goes on', async () => {
    place = await Place.make()
    const { token } = await makeProvider(place, 1, 1)
    const server = await serve(place)
    const origin = `http://127.0.0.1:${place.ports.api}`
    const ask = async (path: string) => {
      const since = performance.now()
      const answer = await fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${token}` } })
      const { type } = (await answer.json()) as { readonly type?: string }
      const inTime = performance.now() - since < ANSWER_MAX_MS
      return { status: answer.status, type, retry: answer.headers.get('retry-after') !== null, inTime }
    }
    // A process of its own serves each connection.
    const database = await familyOf(await postgresPid(place))
    for (const pid of database) process.kill(pid, 'SIGSTOP')
    try {
      expect(await ask('/api/v1/accounts')).toEqual({ status: 503, type: 'database-away', retry: true, inTime: true })
      expect(await ask('/health')).toMatchObject({ status: 503, inTime: true })
    } finally {
      for (const pid of database) process.kill(pid, 'SIGCONT')
    }
    await eventually('an answer', async () => (await ask('/api/v1/accounts')).status === 200)
    expect((await server.stop('SIGTERM', 'process')).code).toBe(0)
  })
})
