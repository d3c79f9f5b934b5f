import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Change, changeLine, changesBetween, type Goal, isReached, leftLines, leftUntil } from './stage-changes.ts'
import { testBox, testStaging, testStranger } from './stage-testing.ts'
import { type Box, type Stage, STAGES, type Staging } from './stage-words.ts'

const PROBLEM = { code: 'wrong-serial', message: 'Its certificate says FCH2305DMH9.' }

function told(before: Staging | undefined, after: Staging): readonly string[] {
  return changesBetween(before, after).map((change) => changeLine(change, '10:31:02'))
}

describe('changes between two looks at a batch', () => {
  const before = testStaging({ boxes: [testBox(1), testBox(2, { stage: 'seen' })], strangers: [testStranger(9)] })

  it('are all that is there at the first look', () => {
    expect(told(undefined, before)).toEqual([
      '10:31:02  .  00:0e:08:00:00:01  FCH23050001  missing',
      '10:31:02  >  00:0e:08:00:00:02  FCH23050002  seen',
      '10:31:02  ?  00:0e:08:00:00:09  FCH23050009  stranger  CP-8851-3PCC at 192.0.2.9 (certificate)',
    ])
  })

  it('are none when nothing changed but the time', () => {
    expect(told(before, { ...before, at: '2026-11-29T10:05:00.000Z' })).toEqual([])
  })

  it.each<[string, Partial<Parameters<typeof testStaging>[0]>, readonly string[]]>([
    [
      'a stage',
      { boxes: [testBox(1, { stage: 'bound', name: 'lobby' }), testBox(2, { stage: 'seen' })] },
      ['10:31:02  >  00:0e:08:00:00:01  FCH23050001  missing -> bound  lobby'],
    ],
    [
      'a problem',
      { boxes: [testBox(1), testBox(2, { stage: 'wrong-serial', problem: PROBLEM })] },
      ['10:31:02  !  00:0e:08:00:00:02  FCH23050002  seen -> wrong-serial  Its certificate says FCH2305DMH9.'],
    ],
    ['a box less', { boxes: [testBox(1)] }, ['10:31:02  -  00:0e:08:00:00:02  FCH23050002  taken out of the batch']],
    [
      'a box more',
      { boxes: [testBox(1), testBox(2, { stage: 'seen' }), testBox(3, { stage: 'registered' })] },
      ['10:31:02  *  00:0e:08:00:00:03  FCH23050003  registered'],
    ],
    [
      'a stranger more',
      { strangers: [testStranger(8, { serial: null, productName: null, source: 'dhcp' }), testStranger(9)] },
      ['10:31:02  ?  00:0e:08:00:00:08  -  stranger  at 192.0.2.8 (dhcp)'],
    ],
    ['a stranger less', { strangers: [] }, []],
  ])('are told of %s', (_, more, lines) => {
    const after = testStaging({ boxes: before.boxes, strangers: before.strangers, ...more })
    expect(told(before, after)).toEqual(lines)
  })

  it('bring whoever applies them from one look to the next', () => {
    const boxes = fc
      .uniqueArray(fc.tuple(fc.nat(20), fc.constantFrom(...STAGES)), { selector: ([number]) => number })
      .map((list) => list.map(([number, stage]) => testBox(number, { stage })))
    const stages = (list: readonly Box[]): ReadonlyMap<string, Stage> =>
      new Map(list.map((box) => [box.mac, box.stage]))
    fc.assert(
      fc.property(boxes, boxes, (one, other) => {
        const known = new Map(stages(one))
        for (const change of changesBetween(testStaging({ boxes: one }), testStaging({ boxes: other }))) {
          if (change.kind === 'removed') known.delete(change.mac)
          if (change.kind === 'box') {
            expect(known.get(change.mac) ?? null).toBe(change.from)
            known.set(change.mac, change.stage)
          }
        }
        expect(known).toEqual(stages(other))
      }),
    )
  })

  it('show no control character of what a phone or a person said', () => {
    const evil = '\u001b[2J\nx\u0007'
    const change: Change = {
      kind: 'box',
      at: '',
      mac: evil,
      serial: evil,
      model: evil,
      name: evil,
      from: null,
      stage: 'seen',
      problem: { code: evil, message: evil },
    }
    expect(changeLine(change, '10:31:02')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
  })
})

describe('what is left until all boxes have come as far as wished', () => {
  const boxes = STAGES.map((stage, index) => testBox(index, { stage }))

  it.each<[Goal, number]>([
    ['registered', 1],
    ['applied', 2],
    ['bound', 3],
  ])('for %s counts the boxes that are there or farther: %d', (goal, there) => {
    const left = leftUntil(testStaging({ boxes, expected: 10 }), goal)
    expect(left).toMatchObject({ there, total: 10, unscanned: 2 })
    expect(left.boxes).toHaveLength(8 - there)
    expect(left.boxes[0]?.stage).toBe('wrong-serial')
  })

  it.each<[string, Staging, boolean]>([
    ['all registered', testStaging({ boxes: [testBox(1, { stage: 'registered' })], expected: 1 }), true],
    ['as many as were expected and one more', testStaging({ boxes: [testBox(1, { stage: 'registered' })] }), true],
    ['one not scanned', testStaging({ boxes: [testBox(1, { stage: 'registered' })], expected: 2 }), false],
    ['one only applied', testStaging({ boxes: [testBox(1, { stage: 'applied' })] }), false],
    ['one with a wrong serial number', testStaging({ boxes: [testBox(1, { stage: 'wrong-serial' })] }), false],
    ['nothing in the batch', testStaging({}), false],
  ])('with %s', (_, staging, reached) => {
    expect(isReached(leftUntil(staging, 'registered'))).toBe(reached)
  })

  it('is named box by box, with the wrong serial numbers first', () => {
    const staging = testStaging({
      boxes: [
        testBox(1, { stage: 'registered' }),
        testBox(2),
        testBox(3, { stage: 'wrong-serial', problem: PROBLEM, name: 'lobby' }),
      ],
      expected: 5,
    })
    expect(leftLines(leftUntil(staging, 'registered'), 'registered')).toEqual([
      '1 of 5 boxes are registered',
      '  2 that were expected are not scanned',
      '  00:0e:08:00:00:03  FCH23050003  wrong-serial  lobby: Its certificate says FCH2305DMH9.',
      '  00:0e:08:00:00:02  FCH23050002  missing',
    ])
  })
})
