import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { Place } from './testing.ts'

/**
 * That it ends at all, and by itself: on a quiet machine it takes 0.1 to 1.5 s. This one runs other tests, and perhaps the
 * making of a database, meanwhile, and was seen to take 9.3 s.
 */
const END_MAX_MS = 40_000

// Many starts on a machine that runs other tests too.
vi.setConfig({ testTimeout: 180_000 })

let place: Place | undefined
afterEach(async () => {
  await place?.clear()
})

/** Before this, Node itself may not have come to our first line yet; then the signal ends it in its own way. */
const LOADED_MS = 1000
/** Milliseconds after the start: while it loads, makes the database, opens the doors, and on the journey. */
const MOMENTS = [
  [60, 'SIGTERM', 'process'],
  [150, 'SIGINT', 'group'],
  [350, 'SIGTERM', 'group'],
  [600, 'SIGINT', 'group'],
  [900, 'SIGINT', 'process'],
  [1200, 'SIGINT', 'group'],
  [1600, 'SIGTERM', 'process'],
  [2200, 'SIGHUP', 'process'],
  [3000, 'SIGINT', 'group'],
  [4500, 'SIGTERM', 'group'],
] as const

describe('a signal to offhook start', () => {
  it('ends it at any moment with exit code 0, leaves no process, and the next start completes it', async () => {
    place = await Place.make()
    for (const [afterMs, signal, whom] of MOMENTS) {
      const run = place.offhook(['start'])
      await pause(afterMs)
      const { code, errors, tookMs } = await run.stop(signal, whom)
      expect({ afterMs, errors }).toEqual({ afterMs, errors: '' })
      expect(code ?? (afterMs < LOADED_MS ? 0 : signal)).toBe(0)
      expect(tookMs).toBeLessThan(END_MAX_MS)
      await place.nothingLeft()
    }
    const complete = place.offhook(['start'])
    await complete.until('Ctrl-C ends everything.')
    expect(complete.output).toContain('(1001) is registered')
    expect((await complete.stop('SIGINT', 'group')).code).toBe(0)
  })

  it('counts once when npm passes on what the terminal has sent already', async () => {
    place = await Place.make()
    const run = place.offhook(['start'])
    await run.until('boots')
    process.kill(run.pid, 'SIGINT')
    const ended = await run.stop('SIGINT', 'process')
    expect({ code: ended.code, errors: ended.errors }).toEqual({ code: 0, errors: '' })
    await place.nothingLeft()
  })
})
