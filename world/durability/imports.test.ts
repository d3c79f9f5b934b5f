import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { eventually, kill, Place } from '../life/testing.ts'
import { killDatabase, macNumber, makeProvider, postgresPid, type Provider, serve, withPlatform } from './testing.ts'

vi.setConfig({ testTimeout: 300_000 })

const ROWS = 1000
/**
 * Milliseconds after the request: while the file is read, while rows are written, around the commit. Twice the moment
 * is that of the answer itself.
 */
const MOMENTS = [5, 30, 60, 'answered', 100, 150, 220, 'answered', 300, 400, 550, 800] as const

let place: Place
afterEach(async () => {
  await place.clear()
})

function csvOf(round: number, accountId: string): string {
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const mac = macNumber(round * ROWS + row)
    return `${mac},FCH${mac.slice(4).toUpperCase()},CP-8851-3PCC,${accountId}`
  })
  return ['mac,serial,model,account', ...rows].join('\n')
}

/** @returns the status; undefined when there was no answer */
async function importRound(round: number, provider: Provider): Promise<number | undefined> {
  const url = `http://127.0.0.1:${place.ports.api}/api/v1/import/devices`
  const headers = { authorization: `Bearer ${provider.token}`, 'content-type': 'text/csv' }
  const body = csvOf(round, provider.accounts[0]?.id ?? '')
  return fetch(url, { method: 'POST', headers, body }).then(
    async (answer) => {
      await answer.text()
      return answer.status
    },
    () => undefined,
  )
}

/** Devices of each round that are in the database. */
async function devicesByRound(): Promise<readonly number[]> {
  return withPlatform(place, async ({ db }) => {
    const rows = await db.query<{ mac: string }>({ name: 'test-macs', text: 'select mac from device', values: [] })
    const counts = Array.from({ length: MOMENTS.length }, () => 0)
    for (const { mac } of rows) {
      const round = Math.floor(Number.parseInt(mac.slice(6), 16) / ROWS)
      counts[round] = (counts[round] ?? 0) + 1
    }
    return counts
  })
}

describe('imports', () => {
  it('are whole or not there, whoever is killed at whatever moment; what was answered is there', async () => {
    place = await Place.make()
    const provider = await makeProvider(place, 1, 1)
    let server = await serve(place)
    const answers: (number | undefined)[] = []
    for (const [round, moment] of MOMENTS.entries()) {
      const answer = importRound(round, provider)
      await (moment === 'answered' ? answer : pause(moment))
      if (round % 3 === 2) {
        const before = await postgresPid(place)
        await killDatabase(place)
        await eventually('the database is back', async () => (await postgresPid(place).catch(() => before)) !== before)
        await eventually('the server is well', async () => (await place.health()) === 200)
      } else {
        kill(server.pid)
        await server.ended
        server = await serve(place)
      }
      answers.push(await answer)
    }
    expect((await server.stop('SIGTERM', 'process')).code).toBe(0)
    const counts = await devicesByRound()
    expect(counts.filter((count) => count !== 0 && count !== ROWS)).toEqual([])
    const lost = answers.flatMap((status, round) => (status === 200 && counts[round] !== ROWS ? [round] : []))
    expect(lost).toEqual([])
    // Some were cut off and some were not, or nothing was tried here.
    expect(counts).toContain(0)
    expect(counts).toContain(ROWS)
  })
})
