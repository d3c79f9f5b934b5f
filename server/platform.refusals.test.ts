import { describe, expect, it, vi } from 'vitest'
import { certificateOf, freshMac, openTestPlatform, requestOf, servedTo } from './testing.ts'

// A platform without its background work, which asks the database whatever phones do.
const { platform } = await openTestPlatform()
const { db } = platform

const UNKNOWN = [
  '/cisco-init',
  `/cisco-init/${'y'.repeat(27)}`,
  `/s/${'0'.repeat(32)}.cfg`,
  '/nowhere',
  '/firmware/none.loads',
  `/report/${'0'.repeat(32)}`,
]

describe('refusals', () => {
  it('of keys that nobody knows ask the database nothing', async () => {
    const certificate = certificateOf(freshMac())
    await servedTo(platform, requestOf('/cisco-init', { certificate }))
    await platform.flush()
    const spies = [vi.spyOn(db.hot, 'query'), vi.spyOn(db.pool, 'query'), vi.spyOn(db.pool, 'connect')] as const
    try {
      for (const path of UNKNOWN) {
        expect((await servedTo(platform, requestOf(path, { certificate }))).kind).toBe('refusal')
        expect((await servedTo(platform, requestOf(path))).kind).toBe('refusal')
      }
      // What is noted about them comes in batches, apart from the requests.
      // A call of connect with a callback belongs to a statement of the pool, which is counted itself.
      const calls = spies.flatMap(({ mock }) => mock.calls.map(([call]: readonly unknown[]) => call))
      const asked = calls
        .filter((call) => typeof call !== 'function')
        .map((call) => (call as { readonly name?: string } | undefined)?.name ?? 'transaction')
      expect(asked.filter((name) => !/record-events|seen-/.test(name))).toEqual([])
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
  })

  it('are counted by spies that do see a statement', async () => {
    const spy = vi.spyOn(db.hot, 'query')
    try {
      await platform.directory.device(freshMac())
      expect(spy.mock.calls.length).toBe(0)
      await db.one({ name: 'test-any', text: 'select 1 as one', values: [] })
      expect(spy.mock.calls.length).toBe(1)
    } finally {
      spy.mockRestore()
    }
  })
})
