import pg from 'pg'
import { describe, expect, it } from 'vitest'

import { BATCH_ATTEMPTS_MAX, type BatchTimers, createBatch } from './batch.ts'

/** Timers that fire when the test says so. */
function handTimers(): BatchTimers & { fire(): void; readonly waits: readonly number[] } {
  const set = new Map<number, () => void>()
  const waits: number[] = []
  return {
    waits,
    set(callback, afterMs) {
      waits.push(afterMs)
      set.set(waits.length, callback)
      return waits.length
    },
    clear: (timer) => set.delete(timer as number),
    fire() {
      const due = [...set.values()]
      set.clear()
      for (const callback of due) callback()
    },
  }
}

/** A store that remembers its flushes and fails when told to. */
function store(limits: { readonly maxRows?: number; readonly queueMax?: number } = {}) {
  const flushes: (readonly number[])[] = []
  const errors: unknown[] = []
  const timers = handTimers()
  let failure: (rows: readonly number[]) => Error | undefined = () => undefined
  const batch = createBatch<number>({
    flush(rows) {
      const error = failure(rows)
      if (error !== undefined) return Promise.reject(error)
      flushes.push([...rows])
      return Promise.resolve()
    },
    maxRows: limits.maxRows ?? 3,
    maxWaitMs: 100,
    queueMax: limits.queueMax ?? 20,
    onError: (error) => errors.push(error),
    timers,
  })
  return {
    batch,
    flushes,
    errors,
    timers,
    failWith: (when: typeof failure) => {
      failure = when
    },
  }
}

function faultOfData(): Error {
  const error = new pg.DatabaseError('bad value', 1, 'error')
  error.code = '22003'
  return error
}

describe('createBatch', () => {
  it('waits for more, and stores what came when the time is up', async () => {
    const { batch, flushes, timers } = store()
    batch.add(1)
    batch.add(2)
    expect(flushes).toEqual([])
    expect(timers.waits).toEqual([100])
    timers.fire()
    await batch.flush()
    expect(flushes).toEqual([[1, 2]])
  })

  it('stores at once when enough rows wait, never more in one go, and in their order', async () => {
    const { batch, flushes } = store()
    for (let row = 1; row <= 8; row++) batch.add(row)
    await batch.flush()
    expect(flushes).toEqual([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8],
    ])
    expect(batch.waitingCount).toBe(0)
  })

  it('drops the oldest beyond its bound, and counts them', async () => {
    const { batch, flushes, failWith } = store({ maxRows: 3, queueMax: 5 })
    failWith(() => new Error('away'))
    for (let row = 1; row <= 3; row++) batch.add(row)
    await batch.flush()
    for (let row = 4; row <= 9; row++) batch.add(row)
    expect(batch.waitingCount).toBe(5)
    expect(batch.droppedCount).toBe(4)
    failWith(() => undefined)
    await batch.flush()
    expect(flushes.flat()).toEqual([5, 6, 7, 8, 9])
  })

  it('keeps rows while the database is away, asks less and less often, and stores them when it is back', async () => {
    const { batch, flushes, errors, timers, failWith } = store()
    failWith(() => new Error('away'))
    batch.add(1)
    await batch.flush()
    expect(errors).toHaveLength(BATCH_ATTEMPTS_MAX)
    expect(timers.waits.at(-1)).toBe(100 * 2 ** BATCH_ATTEMPTS_MAX)
    failWith(() => undefined)
    timers.fire()
    await batch.flush()
    expect(flushes).toEqual([[1]])
    expect(batch.droppedCount).toBe(0)
  })

  it('drops the one row that the database finds fault with, and stores the others', async () => {
    const { batch, flushes, errors, failWith } = store()
    failWith((rows) => (rows.includes(2) ? faultOfData() : undefined))
    for (const row of [1, 2, 3]) batch.add(row)
    await batch.flush()
    expect(flushes).toEqual([[1], [3]])
    expect(errors).toHaveLength(1)
    expect(batch.droppedCount).toBe(1)
  })

  it('never runs two flushes at once', async () => {
    let running = 0
    let most = 0
    const stored: number[] = []
    const batch = createBatch<number>({
      async flush(rows) {
        most = Math.max(most, ++running)
        await new Promise((done) => setImmediate(done))
        stored.push(...rows)
        running--
      },
      maxRows: 2,
      maxWaitMs: 1,
      queueMax: 100,
      onError: () => undefined,
    })
    for (let row = 0; row < 20; row++) batch.add(row)
    await Promise.all([batch.flush(), batch.flush(), batch.close()])
    expect(most).toBe(1)
    expect(stored).toEqual(Array.from({ length: 20 }, (_, row) => row))
  })

  it('counts what it could not store when it closed, and what came too late', async () => {
    const { batch, failWith } = store()
    failWith(() => new Error('away'))
    batch.add(1)
    await batch.close()
    batch.add(2)
    expect(batch.droppedCount).toBe(2)
    expect(batch.waitingCount).toBe(0)
  })
})
