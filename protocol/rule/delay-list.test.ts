import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { delayAt, type DelayList, DELAYS_MAX, isOff, parseDelayList } from './delay-list.ts'

function list(text: string): DelayList {
  const parsed = parseDelayList(text)
  if (!parsed.ok) throw new Error(`not a delay list: ${text}`)
  return parsed.value
}

/** text ¦ delays for use 0 to 5 with the least and with (almost) the most chance ¦ clause */
const USES = `
  1800,3600,7200,14400           ¦ 1800 3600 7200 14400 14400 14400   ¦ 1800 3600 7200 14400 14400 14400  ¦ the last one repeats   [MPP §5.2]
  1800+300,3600+600,7200+900     ¦ 1800 3600 7200 7200 7200 7200      ¦ 2100 4200 8100 8100 8100 8100     ¦ each has its chance    [MPP §5.2]
  14400+3600                     ¦ 14400 14400 14400 14400 14400 14400 ¦ 18000 18000 18000 18000 18000 18000 ¦ every 4 to 5 hours   [MPP §5.2]
  600,1200,300                   ¦ 600 1200 300 300 300 300           ¦ 600 1200 300 300 300 300          ¦ walked once            [MPP §5.2]
  60                             ¦ 60 60 60 60 60 60                  ¦ 60 60 60 60 60 60                 ¦ one for ever           [MPP §14]
  60 , 120 + 5                   ¦ 60 120 120 120 120 120             ¦ 60 125 125 125 125 125            ¦ spaces are tolerated   [MPP §14]
  0,60                           ¦ 0 60 60 60 60 60                   ¦ 0 60 60 60 60 60                  ¦ zero first is at once  [MPP §5.2]
  0+30                           ¦ 0 0 0 0 0 0                        ¦ 30 30 30 30 30 30                 ¦ chance alone is not off [MPP §5.2]
`

const rows = USES.trim()
  .split('\n')
  .map((line) => line.split('¦').map((cell) => cell.trim().replace(/ {2,}/g, ' ')))

describe('delay lists', () => {
  it.each(rows)('%s waits %s up to %s: %s', (text = '', least = '', most = '') => {
    const waits = (chance: number): string =>
      [0, 1, 2, 3, 4, 5].map((use) => Math.round(delayAt(list(text), use, () => chance))).join(' ')
    expect([waits(0), waits(0.999_999_9)]).toEqual([least, most])
    expect(isOff(list(text))).toBe(false)
  })

  it.each(['', '  ', '0', ' 0 ', '0+0'])('%j is switched off [MPP §5.2]', (text) => {
    expect(isOff(list(text))).toBe(true)
    expect(delayAt(list(text), 0, () => 0.5)).toBe(Number.POSITIVE_INFINITY)
  })

  it.each([
    'x',
    '60,',
    ',60',
    '60;120',
    '-1',
    '1.5',
    '60+',
    '+60',
    '60++5',
    '0x10',
    '99999999999',
    '4294967296',
    '60+x',
  ])('refuses %j [MPP §14]', (text) => {
    expect(parseDelayList(text).ok).toBe(false)
  })

  it('shows where a list is wrong and refuses one that is too long', () => {
    const wrong = parseDelayList('60,soon,120')
    expect(wrong.ok ? undefined : [wrong.error.code, wrong.error.start, wrong.error.end]).toEqual(['bad-delay', 3, 7])
    expect(parseDelayList('1,'.repeat(DELAYS_MAX) + '1').ok).toBe(false)
  })

  it('stays within its delay for any chance and any use [MPP §5.2]', () => {
    const delays = fc.array(fc.tuple(fc.nat(100_000), fc.nat(5000)), { minLength: 1, maxLength: DELAYS_MAX })
    fc.assert(
      fc.property(delays, fc.nat(200), fc.double({ min: 0, max: 0.999, noNaN: true }), (pairs, use, chance) => {
        const parsed = list(pairs.map(([seconds, random]) => `${seconds}+${random}`).join(','))
        fc.pre(!isOff(parsed))
        const [seconds, random] = pairs[Math.min(use, pairs.length - 1)] ?? [0, 0]
        const wait = delayAt(parsed, use, () => chance)
        expect(wait).toBeGreaterThanOrEqual(seconds)
        expect(wait).toBeLessThanOrEqual(seconds + random)
      }),
    )
  })
})
