import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDelayList } from '../../protocol/rule/mod.ts'
import {
  type FleetLoad,
  HANDSHAKES_PER_RUN,
  PLANNED_SHARE,
  RUNS_AFTER_BOOT,
  spreadOf,
  suggestDelays,
} from './delays.ts'

const load = (phones: number, handshakesPerSecond: number, periodSeconds = 86_400): FleetLoad => ({
  phones,
  handshakesPerSecond,
  periodSeconds,
})

describe('the spread of a fleet', () => {
  it('is the fleet divided by what is planned with', () => {
    // 800 handshakes a second, four for a boot, half of it planned: 100 phones a second.
    expect(spreadOf(load(5000, 800))).toMatchObject({ phonesPerSecond: 100, stormSeconds: 12.5, spreadSeconds: 50 })
    expect(spreadOf(load(100_000, 400, 3600)).periodicShare).toBeCloseTo(0.139, 3)
  })

  it('gives delays in the units of the phones [MPP §5.1]', () => {
    expect(suggestDelays(load(5000, 800))).toMatchObject({
      Resync_Random_Delay: '3',
      Resync_At_Random_Delay: '600',
      Resync_Periodic: '60+60,86400+10800',
      Resync_Error_Retry_Delay: '60+50,120+60,240+120,480+240,960+480,1920+960,3600+1800',
    })
    expect(suggestDelays(load(100_000, 100, 3600))).toMatchObject({
      Resync_Random_Delay: '400',
      Resync_At_Random_Delay: '8000',
      Resync_Periodic: '60+60,8000+8000',
    })
    expect(suggestDelays(load(0, 400)).Resync_Random_Delay).toBe('2')
  })

  it('is in range for any fleet, and never lets more phones come in a second than are planned with', () => {
    const any = fc.record({
      phones: fc.nat(10_000_000),
      handshakesPerSecond: fc.double({ min: 0, max: 100_000, noNaN: true }),
      periodSeconds: fc.integer({ min: 60, max: 2_000_000 }),
    })
    fc.assert(
      fc.property(any, (each) => {
        const delays = suggestDelays(each)
        const value = (name: string): number => Number(delays[name])
        for (const name of ['Resync_Random_Delay', 'Resync_At_Random_Delay']) {
          expect(Number.isInteger(value(name)) && value(name) >= 0 && value(name) <= 65_535).toBe(true)
        }
        for (const name of ['Resync_Periodic', 'Resync_Error_Retry_Delay', 'Upgrade_Error_Retry_Delay']) {
          expect(parseDelayList(delays[name] ?? '?').ok || each.handshakesPerSecond < 1).toBe(true)
        }
        const planned = (PLANNED_SHARE * each.handshakesPerSecond) / (HANDSHAKES_PER_RUN * RUNS_AFTER_BOOT)
        const seconds = value('Resync_Random_Delay') * 20
        const fits = value('Resync_Random_Delay') === 65_535 || each.handshakesPerSecond < 0.01
        if (!fits) expect(each.phones / seconds).toBeLessThanOrEqual(planned * 1.001)
      }),
    )
  })
})
