import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSchedule } from './schedule.ts'

describe('createSchedule', () => {
  it('rings every alarm once, in the order of their times, whatever was set and moved before', async () => {
    const times = fc.array(fc.tuple(fc.nat(50), fc.option(fc.nat(50)), fc.boolean()), { minLength: 1, maxLength: 600 })
    await fc.assert(
      fc.asyncProperty(times, async (rows) => {
        let now = 0
        const schedule = createSchedule(() => now)
        const rung: number[] = []
        const wanted: number[] = []
        const done = new Promise<void>((resolve) => {
          for (const [first, moved, off] of rows) {
            const at = moved ?? first
            const alarm = schedule.alarm(() => rung.push(at))
            alarm.set(first)
            if (moved !== null) alarm.set(moved)
            if (off) alarm.set(undefined)
            else wanted.push(at)
          }
          schedule.alarm(resolve).set(100)
          now = 100
        })
        await done
        schedule.close()
        expect(rung).toEqual(wanted.sort((a, b) => a - b))
      }),
      { numRuns: 50 },
    )
  })

  it('rings alarms of the same time in the order of their setting', async () => {
    let now = 0
    const schedule = createSchedule(() => now)
    const rung: number[] = []
    const last = new Promise<void>((resolve) => {
      for (let index = 0; index < 100; index += 1) schedule.alarm(() => rung.push(index)).set(5)
      schedule.alarm(resolve).set(5)
      now = 5
    })
    await last
    expect(rung).toEqual(Array.from({ length: 100 }, (_, index) => index))
  })

  it('lets later alarms wait when an earlier one rings', async () => {
    let now = 0
    const schedule = createSchedule(() => now)
    const rung: string[] = []
    schedule.alarm(() => rung.push('late')).set(1_000_000)
    const first = new Promise<void>((resolve) => schedule.alarm(resolve).set(5))
    now = 5
    await first
    await new Promise<void>((resolve) => schedule.alarm(resolve).set(5))
    expect(rung).toEqual([])
    schedule.close()
  })

  it('does not ring before its time', async () => {
    const schedule = createSchedule(() => performance.now())
    const at = performance.now() + 30
    await new Promise<void>((resolve) => schedule.alarm(resolve).set(at))
    expect(performance.now()).toBeGreaterThanOrEqual(at)
  })

  it('lets an alarm set itself again while it rings', async () => {
    let now = 0
    const schedule = createSchedule(() => now)
    await new Promise<void>((resolve) => {
      let count = 0
      const alarm = schedule.alarm(() => {
        count += 1
        now += 1
        if (count === 1000) resolve()
        else alarm.set(now)
      })
      alarm.set(0)
    })
    expect(now).toBe(1000)
  })

  it('keeps its heap small when alarms are moved without end', async () => {
    const schedule = createSchedule(() => 0)
    const startedAt = performance.now()
    const rung = new Promise<void>((resolve) => {
      const alarm = schedule.alarm(resolve)
      for (let move = 1; move <= 200_000; move += 1) alarm.set(1_000_000 - move)
      alarm.set(0)
    })
    await rung
    // Without rebuilding the heap the moved entries would all stay.
    expect(performance.now() - startedAt).toBeLessThan(20_000)
  })

  it('forgets everything when it is closed', async () => {
    const schedule = createSchedule(() => 10)
    const rung: string[] = []
    const alarm = schedule.alarm(() => rung.push('closed'))
    alarm.set(5)
    schedule.close()
    await new Promise<void>((resolve) => schedule.alarm(resolve).set(9))
    expect(rung).toEqual([])
  })
})
