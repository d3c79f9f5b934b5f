import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createRefusals, REFUSAL_AFTER_MS } from './refusals.ts'

describe('refusals', () => {
  let now = 0
  beforeEach(() => {
    now = 1000
    vi.useFakeTimers()
  })
  afterEach(() => void vi.useRealTimers())

  function advance(ms: number): void {
    now += ms
    vi.advanceTimersByTime(ms)
  }

  it('are sent the same time after their request, however long each took to decide', () => {
    const refusals = createRefusals(() => now)
    const sent: [name: string, at: number][] = []
    const add = (name: string, cameAt: number): void => refusals.add(cameAt, () => sent.push([name, now]))
    add('a', 1000)
    advance(3)
    add('c', 1003)
    // Took 2 ms in the database.
    add('b', 1001)
    for (let step = 0; step < 10; step++) advance(1)
    expect(sent).toEqual([
      ['a', 1000 + REFUSAL_AFTER_MS],
      ['b', 1001 + REFUSAL_AFTER_MS],
      ['c', 1003 + REFUSAL_AFTER_MS],
    ])
  })

  it('are never early, never lost, and sent once, whatever comes between', () => {
    const refusals = createRefusals(() => now)
    const times = new Map<number, number[]>()
    for (let number = 0; number < 1000; number++) {
      const cameAt = now - (number % 7)
      const due = Math.max(now, cameAt + REFUSAL_AFTER_MS)
      refusals.add(cameAt, () => times.set(number, [...(times.get(number) ?? []), now - due]))
      if (number % 3 === 0) advance(1)
    }
    for (let step = 0; step < 20; step++) advance(1)
    expect(times.size).toBe(1000)
    // One is due at once and waits for the timer's least: a millisecond.
    for (const late of times.values()) expect(late).toEqual([expect.toSatisfy((ms: number) => ms >= 0 && ms <= 1)])
  })

  it('that wait go on when one adds another', () => {
    const refusals = createRefusals(() => now)
    const sent: number[] = []
    refusals.add(now, () => refusals.add(now, () => sent.push(now)))
    for (let step = 0; step < 12; step++) advance(1)
    expect(sent).toEqual([1000 + 2 * REFUSAL_AFTER_MS])
  })
})
