import { describe, expect, it } from 'vitest'
import { interleave, median, percentile } from './rounds.ts'
import { printTable } from './row.ts'

describe('medians and percentiles', () => {
  it.each([
    [[3], 3],
    [[3, 1, 2], 2],
    [[4, 1, 2, 3], 2.5],
    [[], Number.NaN],
  ])('the median of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected)
  })

  it('takes the nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect([percentile(values, 0.95), percentile(values, 0.5), percentile([7], 0.95)]).toEqual([95, 50, 7])
  })
})

describe('rounds in turn', () => {
  it('plays A and B in turn and leaves the first of each out', async () => {
    const played: string[] = []
    const loads = [100, 10, 20, 30]
    function side(name: string, perSecond: () => number) {
      return () => {
        played.push(name)
        return Promise.resolve({ perSecond: perSecond(), cpuMs: 1 })
      }
    }
    const compared = await interleave(
      3,
      side('A', () => loads[played.filter((name) => name === 'A').length - 1] ?? 0),
      side('B', () => 10),
    )
    expect(played.join('')).toBe('ABABABAB')
    expect([compared.ours.perSecond, compared.bound.perSecond, compared.ratio, compared.cpuRatio]).toEqual([
      20, 10, 2, 1,
    ])
  })
})

describe('the table', () => {
  it('shows a missed aim as missed', () => {
    const row = { group: 'g', what: 'w', unit: 'x/s', ours: 12_345, rounds: 3, aim: { text: '≥ 1', met: false } }
    const [, line] = printTable([row]).split('\n')
    expect(line).toMatch(/^g: w +12,345 x\/s .*≥ 1 +missed$/)
  })
})
