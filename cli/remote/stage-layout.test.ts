import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Key, readKeys, scrolled } from './stage-keys.ts'
import { durationText, layoutOf, type WatchView } from './stage-layout.ts'
import { type Staging, STAGES } from './stage-words.ts'
import { testBox, testStaging, testStranger } from './stage-testing.ts'
import { widthOf } from './stage-width.ts'

function view(staging: Staging | undefined, more: Partial<WatchView> = {}): WatchView {
  return { staging, goal: 'registered', offset: 0, notice: undefined, ...more }
}

const WRONG = { code: 'wrong-serial', message: 'Its certificate says FCH2305DMH9. Put the right box here.' }
const BENCH = testStaging({
  boxes: [
    testBox(1, { stage: 'registered', name: 'lobby', lines: [{ userId: '1001', displayName: 'Ann' }] }),
    testBox(2, { stage: 'missing' }),
    testBox(3, { stage: 'wrong-serial', problem: WRONG, name: 'kitchen' }),
    testBox(4, { stage: 'applied', lines: [{ userId: '1004', displayName: '' }] }),
  ],
  strangers: [testStranger(9)],
  expected: 6,
})
const MANY = testStaging({ boxes: Array.from({ length: 50 }, (_, index) => testBox(index + 1)) })

describe('the live view of a batch', () => {
  it('shows the bar, the counts, problems first and strangers at the end', () => {
    expect(layoutOf(16, 100, view(BENCH)).lines).toEqual([
      'Monday  bat_1',
      '[##########--------------------------------------------------] 1 of 6 registered',
      '! wrong-serial 1  ? strangers 1  not scanned 2  missing 1  applied 1  registered 1',
      '   MAC                serial       model         name, lines      stage           since',
      '!  00:0e:08:00:00:03  FCH23050003  CP-8851-3PCC  kitchen          wrong-serial    1 min',
      '    Its certificate says FCH2305DMH9. Put the right box here.',
      '.  00:0e:08:00:00:02  FCH23050002  CP-8851-3PCC                   missing         1 min',
      '>  00:0e:08:00:00:04  FCH23050004  CP-8851-3PCC  1004             applied         1 min',
      '*  00:0e:08:00:00:01  FCH23050001  CP-8851-3PCC  lobby, 1001 Ann  registered      1 min',
      '',
      '? 1 on the bench that no batch has',
      '?  00:0e:08:00:00:09  FCH23050009  CP-8851-3PCC  at 192.0.2.9     by certificate  5 s',
      '',
      '',
      '',
      'q ends  ! problem  . missing  > under way  * there  ? stranger',
    ])
  })

  it('puts a problem beside its row where there is room for all of it', () => {
    const { lines } = layoutOf(16, 150, view(BENCH))
    expect(lines[3]).toMatch(/since +problem$/)
    expect(lines[4]).toMatch(/^! {2}00:0e:08:00:00:03 .* wrong-serial +1 min {2}Its certificate says .* here\.$/)
    expect(lines[5]).toMatch(/^\. {2}00:0e:08:00:00:02/)
  })

  it('counts towards the goal that is wished', () => {
    const { lines } = layoutOf(16, 80, view(BENCH, { goal: 'applied' }))
    expect(lines[1]).toMatch(/^\[#+-+\] 2 of 6 applied$/)
    expect(lines.filter((line) => line.startsWith('*'))).toHaveLength(2)
  })

  it('fills the bar only when all are there', () => {
    const boxes = Array.from({ length: 1000 }, (_, index) => testBox(index, { stage: 'registered' }))
    const bar = (staging: Staging) => layoutOf(24, 100, view(staging)).lines[1]
    expect(bar(testStaging({ boxes, expected: 1001 }))).toMatch(/^\[#{59}-\] 1000 of 1001 registered$/)
    expect(bar(testStaging({ boxes }))).toMatch(/^\[#{60}\] 1000 of 1000 registered$/)
    expect(bar(testStaging({}))).toMatch(/^\[-{60}\] 0 of 0 registered$/)
  })

  it('says what is wrong with looking, and still shows what was known', () => {
    const { lines } = layoutOf(16, 80, view(BENCH, { notice: 'no answer since 10:31:02' }))
    expect(lines[3]).toBe('! no answer since 10:31:02')
    expect(lines.some((line) => line.includes('00:0e:08:00:00:03'))).toBe(true)
    expect(layoutOf(16, 80, view(undefined)).lines).toEqual(['Asking the server …'])
    expect(layoutOf(16, 15, view(undefined, { notice: 'no answer since 10:31:02' })).lines).toEqual([
      '! no answer sin…'.slice(0, 14) + '…',
    ])
  })

  it.each([
    [120, '!  00:0e:08:00:00:03  FCH23050003  CP-8851-3PCC  kitchen          wrong-serial    1 min'],
    [84, '!  00:0e:08:00:00:03  FCH23050003  kitchen          wrong-serial    1 min'],
    [69, '!  00:0e:08:00:00:03  FCH23050003  kitchen       wrong-serial'],
    [60, '!  00:0e:08:00:00:03  FCH23050003  wrong-serial'],
    [44, '!  00:0e:08:00:00:03  wrong-serial'],
    [24, '!  00:0e:08:00:00:03'],
    [10, '!  00:0e:…'],
    [1, '…'],
  ])('does without the less important columns on a terminal of %d', (columns, row) => {
    const { lines } = layoutOf(16, columns, view(BENCH))
    expect(lines[4]).toBe(row)
  })

  it('breaks the text of a problem into lines on a narrow terminal', () => {
    expect(layoutOf(16, 30, view(BENCH)).lines.slice(4, 8)).toEqual([
      '!  00:0e:08:00:00:03',
      '    Its certificate says',
      '    FCH2305DMH9. Put the right',
      '    box here.',
    ])
  })

  it.each([
    [9, [/^Monday/, /^\[/, /^missing 50/, /MAC/, /:01 /, /:02 /, /:03 /, /:04 /, /^q ends/]],
    [7, [/^Monday/, /^\[/, /MAC/, /:01 /, /:02 /, /:03 /, /^q ends/]],
    [6, [/^Monday/, /^\[/, /:01 /, /:02 /, /:03 /, /^q ends/]],
    [5, [/^\[/, /:01 /, /:02 /, /:03 /, /^q ends/]],
    [4, [/^\[/, /:01 /, /:02 /, /:03 /]],
    [2, [/^\[/, /:01 /]],
    [1, [/^\[/]],
  ])('keeps rows of the table on a terminal of %d rows', (rows, expected) => {
    const { lines } = layoutOf(rows, 80, view(MANY))
    expect(lines).toEqual(expected.map((each) => expect.stringMatching(each) as string))
  })

  it('says what is wrong with looking rather than anything else on a terminal of one row', () => {
    expect(layoutOf(1, 80, view(MANY, { notice: 'no answer since 10:31:02' })).lines).toEqual([
      '! no answer since 10:31:02',
    ])
  })

  it('shows the part that it was scrolled to, and never beyond the end', () => {
    const middle = layoutOf(15, 80, view(MANY, { offset: 20 }))
    expect(middle).toMatchObject({ offset: 20, page: 10 })
    expect(middle.lines[4]).toContain('00:0e:08:00:00:21')
    expect(middle.lines.at(-1)).toContain('21-30 of 50')
    const end = layoutOf(15, 80, view(MANY, { offset: 1000 }))
    expect(end.offset).toBe(40)
    expect(end.lines.at(-2)).toContain('00:0e:08:00:00:50')
  })

  it('counts wide characters as two columns, so that the columns stand below each other', () => {
    const boxes = [testBox(1, { name: '会議室' }), testBox(2, { name: 'Küche' }), testBox(3, { name: 'cafe\u0301 ☎️' })]
    const { lines } = layoutOf(12, 100, view(testStaging({ boxes })))
    const columns = lines.slice(4, 7).map((line) => widthOf(line.slice(0, line.indexOf('missing'))))
    expect(columns).toEqual([columns[0], columns[0], columns[0]])
  })
})

const names = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '会議室の電話',
    '\u001b[2J\u001b]0;x\u0007',
    'a\nb\r\tc',
    '\u202eabc',
    'e' + '\u0301'.repeat(50),
    '👩‍👩‍👧',
  ),
)
const problems = fc.option(fc.record({ code: names, message: names }), { nil: null })
const stagings = fc
  .record({
    name: names,
    boxes: fc.array(
      fc.record({
        number: fc.nat(999),
        serial: names,
        model: names,
        name: names,
        stage: fc.constantFrom(...STAGES),
        since: fc.oneof(names, fc.constant('2026-11-29T10:00:00.000Z')),
        lines: fc.array(fc.record({ userId: names, displayName: names }), { maxLength: 2 }),
        problem: problems,
      }),
      { maxLength: 12 },
    ),
    strangers: fc.array(
      fc.record({
        number: fc.nat(99),
        mac: names,
        address: names,
        source: names,
        productName: names,
        problem: problems,
      }),
      { maxLength: 4 },
    ),
    expected: fc.option(fc.nat(50), { nil: undefined }),
  })
  .map(({ boxes, strangers, expected, name }) =>
    testStaging({
      name,
      boxes: boxes.map(({ number, ...more }) => testBox(number, more)),
      strangers: strangers.map(({ number, ...more }) => testStranger(number, more)),
      ...(expected === undefined ? {} : { expected }),
    }),
  )

describe('any batch on any terminal', () => {
  it('fits, and no control character of a name reaches the terminal', () => {
    const sizes = fc.record({ rows: fc.integer({ min: 1, max: 60 }), columns: fc.integer({ min: 1, max: 200 }) })
    fc.assert(
      fc.property(
        stagings,
        sizes,
        fc.nat(80),
        fc.option(names, { nil: undefined }),
        (staging, size, offset, notice) => {
          const laid = layoutOf(size.rows, size.columns, view(staging, { offset, notice }))
          expect(laid.lines.length).toBeLessThanOrEqual(size.rows)
          expect(laid.page).toBeGreaterThan(0)
          for (const line of laid.lines) {
            expect(widthOf(line)).toBeLessThanOrEqual(size.columns)
            expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u)
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('shows every box once when it is scrolled page by page', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 8, max: 30 }), (count, rows) => {
        const boxes = Array.from({ length: count }, (_, index) => testBox(index))
        const seen = new Set<string>()
        let offset = 0
        for (let pages = 0; pages <= count; pages++) {
          const laid = layoutOf(rows, 80, view(testStaging({ boxes }), { offset }))
          for (const line of laid.lines) if (line.startsWith('.')) seen.add(line.slice(3, 20))
          offset = scrolled(laid.offset, 'page-down', laid.page)
        }
        expect(seen.size).toBe(count)
      }),
    )
  })
})

describe('keys of a terminal', () => {
  it.each<[string, readonly Key[]]>([
    ['\u001b[A\u001b[B', ['up', 'down']],
    ['\u001bOA\u001bOB', ['up', 'down']],
    ['\u001b[5~\u001b[6~ ', ['page-up', 'page-down', 'page-down']],
    ['\u001b[H\u001b[F\u001b[1~\u001b[4~\u001bOH\u001bOF', ['home', 'end', 'home', 'end', 'home', 'end']],
    ['q', ['quit']],
    ['Q', ['quit']],
    ['\u0003', ['quit']],
    ['\u001b[1;5q\u001b[200~x\u001b', []],
    ['\u001b[24;80R', []],
  ])('%j are %j', (bytes, keys) => {
    expect(readKeys(bytes)).toEqual(keys)
  })

  it.each<[number, Exclude<Key, 'quit'>, number]>([
    [5, 'up', 4],
    [0, 'up', 0],
    [5, 'down', 6],
    [5, 'page-up', 0],
    [25, 'page-up', 15],
    [5, 'page-down', 15],
    [5, 'home', 0],
    [5, 'end', Number.MAX_SAFE_INTEGER],
  ])('from row %d, %s goes to row %d', (offset, key, expected) => {
    expect(scrolled(offset, key, 10)).toBe(expected)
  })
})

describe('how long a box is in its stage', () => {
  it.each([
    [0, '0 s'],
    [59, '59 s'],
    [60, '1 min'],
    [3599, '59 min'],
    [3600, '1 h'],
    [47 * 3600, '47 h'],
    [48 * 3600, '2 d'],
    [-5, '0 s'],
  ])('after %d seconds is %s', (seconds, text) => {
    const from = Date.UTC(2026, 10, 29)
    expect(durationText(new Date(from).toISOString(), new Date(from + seconds * 1000).toISOString())).toBe(text)
  })

  it('is not said for what is no time', () => {
    expect(durationText('', '2026-11-29T10:00:00.000Z')).toBe('-')
  })
})
