import { afterEach, describe, expect, it, vi } from 'vitest'
import { eventually, kill, Place } from '../life/testing.ts'
import { bindAll, halfDone, killDatabase, makeProvider, serve, untruths, withPlatform } from './testing.ts'

/** On a machine with two busy cores it was seen to take 445 s. */
vi.setConfig({ testTimeout: 1_200_000 })

const ACCOUNTS = 10
const PHONES_EACH = 1000
const PHONES = ACCOUNTS * PHONES_EACH
const AT_ONCE = 48
/** Thousands of handshakes and commits on a machine that runs other tests too. */
const PATIENCE_MS = 300_000

let place: Place
afterEach(async () => {
  await place.clear()
})

describe('ten thousand bindings', () => {
  it('lose nothing that was answered and leave nothing half-done, whoever is killed meanwhile', async () => {
    place = await Place.make()
    const provider = await makeProvider(place, ACCOUNTS, PHONES_EACH)
    let server = await serve(place)
    const phones = bindAll(place, provider, PHONES_EACH, AT_ONCE)
    const reached = (share: number) =>
      Promise.race([
        eventually(`${share} of the bindings`, () => phones.told.length > PHONES * share, PATIENCE_MS),
        phones.done,
      ])
    for (const share of [0.1, 0.3, 0.45]) {
      await reached(share)
      kill(server.pid)
      await server.ended
      server = await serve(place)
    }
    await reached(0.6)
    kill(server.pid)
    await killDatabase(place)
    await server.ended
    server = await serve(place)
    for (const share of [0.75, 0.9]) {
      await reached(share)
      await killDatabase(place)
    }
    await phones.done
    expect(phones.triedAgain()).toBeGreaterThan(0)
    expect((await server.stop('SIGTERM', 'process')).code).toBe(0)

    expect(phones.told.length).toBe(PHONES)
    await withPlatform(place, async (platform) => {
      expect(await untruths(platform, phones.told)).toEqual([])
      expect(await halfDone(platform)).toEqual({ bound: PHONES, others: 0, keys: 0, lines: 0, uses: 0, events: 0 })
    })
  })
})
