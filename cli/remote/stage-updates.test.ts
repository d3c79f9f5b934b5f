import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testBox, testStaging } from './stage-testing.ts'
import { type Update, updated } from './stage-updates.ts'
import type { Box } from './stage-words.ts'

const SCANNED = '2026-11-29T10:00:00.000Z'
const LATER = '2026-11-29T11:00:00.000Z'
const partOf = ({ mac }: Box) => mac.slice(-2)

function update(boxes: readonly Box[], parts: readonly string[] | null, more: object = {}): Update {
  return { ...testStaging({ boxes, ...more }), parts, cursor: 'c' }
}

describe('what the server tells', () => {
  const [one, two, three] = [testBox(1), testBox(2), testBox(3)]
  const before = testStaging({ boxes: [two, one, three] })

  it('is all of the batch at first, and where it says so', () => {
    expect(updated(undefined, update([one], []))).toEqual(testStaging({ boxes: [one] }))
    expect(updated(before, update([one], null))).toEqual(testStaging({ boxes: [one] }))
  })

  it('takes the place of what was told of its parts, and leaves the others as the objects that they were', () => {
    const changed = { ...one, stage: 'bound' as const }
    const after = updated(before, update([changed], ['01'], { name: 'Tuesday', at: LATER }))
    expect(after.boxes).toEqual([two, changed, three])
    expect(after.boxes[0]).toBe(two)
    expect({ name: after.batch.name, at: after.at }).toEqual({ name: 'Tuesday', at: LATER })
    expect(updated(before, update([], [])).boxes).toBe(before.boxes)
    expect(updated(before, update([], ['02', '03'])).boxes).toEqual([one])
  })

  it('stands in the order of scanning: what comes is last, but for boxes without a scan', () => {
    const put = testBox(4, { scannedAt: null })
    const again = { ...two, scannedAt: LATER }
    const next = testBox(5, { scannedAt: LATER })
    const some = updated(before, update([put], ['04']))
    expect(some.boxes).toEqual([two, one, three, put])
    const first = testBox(0, { scannedAt: null })
    const after = updated(some, update([again, next, first], ['02', '05', '00']))
    expect(after.boxes).toEqual([one, three, again, next, first, put])
  })

  it('comes, however often a batch changes in between, to what the server would tell at once', () => {
    const number = fc.integer({ min: 0, max: 30 })
    const step = fc.record({
      out: fc.array(number, { maxLength: 3 }),
      into: fc.uniqueArray(fc.tuple(number, fc.boolean()), { maxLength: 4, selector: ([each]) => each }),
      changed: fc.array(number, { maxLength: 3 }),
      looks: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let [now, told] = [[] as readonly Box[], testStaging({ boxes: [] })]
        let seen: readonly Box[] = []
        for (const [index, { out, into, changed, looks }] of steps.entries()) {
          now = inOrder(stepped(now, { out, into, changed }, `${SCANNED}+${String(index).padStart(2, '0')}`))
          if (!looks) continue
          const parts = [...new Set([...seen, ...now].map(partOf))].filter(
            (part) => partText(seen, part) !== partText(now, part),
          )
          told = updated(
            told,
            update(
              now.filter((box) => parts.includes(partOf(box))),
              parts,
            ),
          )
          seen = now
          expect(told.boxes).toEqual(now)
        }
      }),
      { seed: 5 },
    )
  })
})

const partText = (boxes: readonly Box[], part: string) => JSON.stringify(boxes.filter((box) => partOf(box) === part))

function stepped(
  boxes: readonly Box[],
  {
    out,
    into,
    changed,
  }: {
    readonly out: readonly number[]
    readonly into: readonly (readonly [number, boolean])[]
    readonly changed: readonly number[]
  },
  at: string,
): readonly Box[] {
  const gone = new Set(out.map((each) => testBox(each).mac))
  const left = boxes.filter(({ mac }) => !gone.has(mac))
  const has = new Set(left.map(({ mac }) => mac))
  const came = into.map(([each, isScanned]) => testBox(each, { scannedAt: isScanned ? at : null }))
  const touched = new Set(changed.map((each) => testBox(each).mac))
  return [...left, ...came.filter(({ mac }) => !has.has(mac))].map((box) =>
    touched.has(box.mac) ? { ...box, name: `${box.name}x` } : box,
  )
}

/** As the server orders them: by their scans, then those without one by their MACs. */
function inOrder(boxes: readonly Box[]): readonly Box[] {
  const unscanned = boxes.filter(({ scannedAt }) => scannedAt === null)
  return [
    ...boxes.filter(({ scannedAt }) => scannedAt !== null),
    ...unscanned.toSorted((a, b) => (a.mac < b.mac ? -1 : 1)),
  ]
}
