import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createTestDatabase } from '../../server/database/testing.ts'
import { issueDeviceCertificate } from '../../server/pki/mod.ts'
import { plant } from '../../server/testing.ts'
import { Place } from '../life/testing.ts'
import { type Answer, get, identityOf, macNumber, makeProvider, serve, whatItSays } from './testing.ts'

vi.setConfig({ testTimeout: 120_000 })

/** What one process has done is in force in the other within this time. */
const IN_FORCE_MS = 1000
const ROUNDS = 10

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function twoProcesses() {
  const database = await createTestDatabase({ migrations: 'none' })
  closing.push(() => database.drop())
  const places = [await Place.make(), await Place.make()] as const
  for (const place of places) closing.push(() => place.clear())
  const env = { OFFHOOK_DATABASE_URL: database.url, OFFHOOK_MASTER_KEY: plant(randomBytes(32).toString('hex')) }
  const provider = await makeProvider(places[0], 1, ROUNDS, env)
  for (const place of places) await serve(place, env)
  return { places, provider }
}

describe('two server processes on one database', () => {
  it('a binding, a new key and a disablement by one are in force in the other within a second', async () => {
    const { places, provider } = await twoProcesses()
    const [first, second] = places
    const [account] = provider.accounts
    const took: number[] = []

    for (let round = 0; round < ROUNDS; round++) {
      const mac = macNumber(round)
      const pair = await issueDeviceCertificate(provider.labCa, identityOf(mac), Date.now())
      const ask = (place: Place, path = '/cisco-init') => get(place, provider, pair, path)
      const order = async (what: string): Promise<void> => {
        const answer = await fetch(`http://127.0.0.1:${first.ports.api}/api/v1/devices/${mac}/${what}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${provider.token}` },
        })
        expect([what, answer.status]).toEqual([what, 200])
      }
      /** Milliseconds until the other process answers so. */
      const inForce = async (holds: (answer: Answer) => boolean): Promise<void> => {
        const since = performance.now()
        for (;;) {
          const answer = await ask(second)
          const ms = performance.now() - since
          if (answer !== undefined && holds(answer)) return void took.push(ms)
          if (ms > 10 * IN_FORCE_MS) throw new Error(`Not in force after ${Math.round(ms)} ms: ${answer?.status}`)
        }
      }

      const bound = await ask(first, `/cisco-init/${account?.code}`)
      expect(bound?.status).toBe(200)
      const { profileKey } = whatItSays(bound?.body ?? '')
      await inForce(({ status, body }) => status === 200 && whatItSays(body).profileKey === profileKey)
      await order('rotate-key')
      await inForce(({ status, body }) => status === 200 && whatItSays(body).profileKey !== profileKey)
      await order('disable')
      await inForce(({ status, body }) => status === 404 || body.includes('<Line_Enable_1_>No<'))
    }
    expect(took.length).toBe(3 * ROUNDS)
    expect(Math.max(...took)).toBeLessThan(IN_FORCE_MS)
  })
})
