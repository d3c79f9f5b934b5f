import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { MacAddress } from '../../protocol/identity.ts'
import { code128 } from './barcode.ts'
import {
  keypadSheetPdf,
  keypadSheetText,
  keypadSteps,
  LABEL_LAYOUTS,
  type Label,
  type LabelLayout,
  labelsPdf,
} from './mod.ts'
import { printable } from './printable.ts'

const AT = new Date('2026-03-01T10:00:00Z')

function label(index: number, more: Partial<Label> = {}): Label {
  const mac = (0x000e08aabb00 + index).toString(16).padStart(12, '0') as MacAddress
  const serial = `FCH2305D${String(index).padStart(3, '0')}`
  const lines = [`${1001 + index} Ann`]
  return { mac, serial, model: 'CP-8851-3PCC', name: `Desk ${index}`, lines, customer: 'Example Ltd', ...more }
}

/** What Debian's reader finds on each page, laid out as on the paper. */
function pagesOf(pdf: Uint8Array): readonly string[] {
  const text = execFileSync('pdftotext', ['-layout', '-', '-'], { input: pdf, encoding: 'utf8' })
  return text.split('\f').slice(0, -1)
}

/** Every match of a pattern, in reading order. */
function found(page: string, pattern: RegExp): readonly string[] {
  return [...page.matchAll(pattern)].map(([all]) => all)
}

const MACS = /(?:[0-9A-F]{2}:){5}[0-9A-F]{2}/g

describe('labels', () => {
  const cases: readonly [LabelLayout, number, number][] = [
    ['a4-24', 24, 3],
    ['a4-8', 8, 7],
    ['roll-62x29', 1, 50],
  ]

  it.each(cases)(
    '%s: MAC, serial, line, name and customer of each phone, in order, %i a page',
    async (layout, perPage, pages) => {
      const labels = Array.from({ length: 50 }, (_, index) => label(index))
      const read = pagesOf(await labelsPdf(labels, layout, AT))
      expect(read).toHaveLength(pages)
      for (const [index, page] of read.entries()) {
        const here = labels.slice(index * perPage, (index + 1) * perPage)
        expect(found(page, MACS)).toEqual(here.map(({ mac }) => mac.toUpperCase().replace(/(..)(?!$)/g, '$1:')))
        expect(found(page, /FCH2305D\d{3}/g)).toEqual(here.map(({ serial }) => serial))
        expect(found(page, /\d{4} Ann/g)).toEqual(here.flatMap(({ lines }) => lines))
        expect(found(page, /Desk \d+/g)).toEqual(here.map(({ name }) => name))
        expect(found(page, /CP-8851-3PCC/g)).toHaveLength(here.length)
        expect(found(page, /Example Ltd/g)).toHaveLength(here.length)
      }
    },
  )

  it.each(LABEL_LAYOUTS)('%s: nothing reaches beyond its label, however long it is', async (layout) => {
    const long = 'Wolfeschlegelsteinhausenbergerdorff '.repeat(6)
    const wide = label(1, { name: long, lines: [long, long, long, long, long, long], customer: long, model: long })
    const pdf = await labelsPdf([wide, label(2), wide, label(3)], layout, AT)
    const boxes = execFileSync('pdftotext', ['-bbox', '-', '-'], { input: pdf, encoding: 'utf8' })
    const words = [...boxes.matchAll(/xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)"/g)]
    expect(words.length).toBeGreaterThan(20)
    const [width, height] = LABEL_MM[layout]
    for (const [, ...numbers] of words) {
      const [left = 0, top = 0, right = 0, bottom = 0] = numbers.map((each) => (Number(each) / 72) * 25.4)
      // The sheets of labels are one millimetre shorter than A4: half of it at the top.
      const shift = layout === 'roll-62x29' ? 0 : 0.5
      expect(Math.floor(left / width)).toBe(Math.floor(right / width))
      expect(Math.floor((top - shift) / height)).toBe(Math.floor((bottom - shift) / height))
    }
    expect(found(pagesOf(pdf).join(''), /…/g).length).toBeGreaterThan(3)
    expect(found(pagesOf(pdf).join(''), MACS)).toHaveLength(4)
  })

  it('a large label has a row for each line, and counts those that have none', async () => {
    const lines = ['1001 Ann', '1002 Bob', '1003 Eve', '1004 Dan', '1005 Kim', '1006 Leo']
    const [page] = pagesOf(await labelsPdf([label(1, { lines })], 'a4-8', AT))
    expect(page?.split('\n').map((row) => row.trim())).toEqual(
      expect.arrayContaining(['1001 Ann', '1002 Bob', '1003 Eve', 'and 3 more']),
    )
    expect(page).not.toContain('1004 Dan')
    const [four] = pagesOf(await labelsPdf([label(1, { lines: lines.slice(0, 4) })], 'a4-8', AT))
    expect(four).toContain('1004 Dan')
  })

  it('a phone without a name is named by its model', async () => {
    const [page] = pagesOf(await labelsPdf([label(1, { name: '' })], 'a4-24', AT))
    expect(found(page ?? '', /CP-8851-3PCC/g)).toHaveLength(2)
  })

  it('no labels are one empty page, which every reader opens', async () => {
    expect(pagesOf(await labelsPdf([], 'a4-24', AT)).map((page) => page.trim())).toEqual([''])
  })

  it('a thousand labels let others have their turn while they are drawn', async () => {
    let turns = 0
    let drawn = false
    const count = () => {
      turns += 1
      if (!drawn) setImmediate(count)
    }
    setImmediate(count)
    await labelsPdf(
      Array.from({ length: 1000 }, (_, index) => label(index)),
      'a4-24',
      AT,
    )
    drawn = true
    expect(turns).toBeGreaterThanOrEqual(50)
  })

  it('equal labels at an equal time are equal bytes; another time is other bytes', async () => {
    const labels = [label(1), label(2)]
    const pdf = await labelsPdf(labels, 'a4-8', AT)
    expect(await labelsPdf(labels, 'a4-8', new Date(AT))).toEqual(pdf)
    expect(await labelsPdf(labels, 'a4-8', new Date(AT.getTime() + 1000))).not.toEqual(pdf)
  })

  it('shows names of any letters without spoiling what stands beside them', async () => {
    const [page] = pagesOf(
      await labelsPdf(
        [label(1, { name: 'Łukasz Dvořák', lines: ['1 Ελένη'], customer: 'Größe & “Söhne” 5 €' })],
        'a4-24',
        AT,
      ),
    )
    for (const shown of ['Lukasz Dvorák', '1 ?????', 'Größe & “Söhne” 5 €', '00:0E:08:AA:BB:01']) {
      expect(page).toContain(shown)
    }
  })
})

const LABEL_MM: Readonly<Record<LabelLayout, readonly [number, number]>> = {
  'a4-24': [70, 37],
  'a4-8': [105, 74],
  'roll-62x29': [62, 29],
}

describe('text for the fonts that every reader has', () => {
  const cases: readonly [string, string][] = [
    ['Ann', 'Ann'],
    ['Größe', 'Größe'],
    ['O\u0308l', 'Öl'],
    ['Škoda, Žižka, œuvre – “x” … €', 'Škoda, Žižka, œuvre – “x” … €'],
    ['Dvořák Őry Ştefan', 'Dvorák Ory Stefan'],
    ['Łódź Đorđe ẞ ı', 'Lódz Dorde SS i'],
    ['a\tb\r\nc\u0000d\u00a0e\u2028f', 'a b c d e f'],
    ['a\u00adb\u200dc\u202ed', 'abcd'],
    ['Москва', '??????'],
    ['山田', '??'],
    ['\u{1f600}!', '?!'],
    ['\ud800x', '?x'],
    ['ﬁn ① ²', 'fin 1 ²'],
    ['\ufe74', '?'],
    ['a\u02d8b', 'a?b'],
    ['\u0081\u009f', ''],
    ['', ''],
  ]
  it.each(cases)('%j becomes %j', (text, shown) => expect(printable(text)).toBe(shown))

  it('never loses a text that has anything to see, and leaves alone what it has made', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const shown = printable(text)
        if (/[\p{L}\p{N}\p{P}\p{S}\p{Co}]/u.test(text)) expect(shown).not.toBe('')
        expect(printable(shown)).toBe(shown)
      }),
      { numRuns: 2000 },
    )
  })

  it('every character that it makes of any other is one that a reader finds in the PDF [ISO 32000-1 Annex D]', async () => {
    const made = new Set<string>()
    for (let point = 0; point < 0x10000; point += 1)
      for (const one of printable(String.fromCodePoint(point))) made.add(one)
    const all = [...made].filter((one) => one !== ' ')
    expect(all.length).toBeGreaterThan(200)
    const names = Array.from({ length: Math.ceil(all.length / 10) }, (_, index) =>
      all.slice(index * 10, index * 10 + 10),
    )
    const labels = names.map((ten, index) => label(index, { name: `<${ten.join('')}>` }))
    const read = pagesOf(await labelsPdf(labels, 'roll-62x29', AT))
    expect(read.map((page) => page.trim().split('\n')[0])).toEqual(labels.map(({ name }) => name))
  })
})

describe('Code 128', () => {
  it('begins and ends as the standard says, and holds the weighted checksum [ISO/IEC 15417]', async () => {
    const { dark, modules } = await code128('000E08AABBCC')
    // A run of digits at the start is in set C, so there are fewer than one symbol a character.
    expect(dark).toHaveLength(46)
    expect(modules).toBe(dark.length === 46 ? 167 : 0)
    const edges = dark.flatMap(({ at, width }) => [at, at + width])
    const widths = edges.slice(1).map((edge, index) => edge - (edges[index] ?? 0))
    expect(widths.slice(-7)).toEqual([2, 3, 3, 1, 1, 1, 2])
    expect(decode128(widths)).toBe('000E08AABBCC')
  })

  it('is read back for every MAC by a reader that was made from the table of the standard', async () => {
    await fc.assert(
      fc.asyncProperty(fc.bigInt({ min: 0n, max: 0xffffffffffffn }), async (number) => {
        const text = number.toString(16).padStart(12, '0').toUpperCase()
        const { dark } = await code128(text)
        const edges = dark.flatMap(({ at, width }) => [at, at + width])
        expect(decode128(edges.slice(1).map((edge, index) => edge - (edges[index] ?? 0)))).toBe(text)
      }),
      { numRuns: 200 },
    )
  })
})

/** Widths of the symbols 0 to 105, six digits each. */
const SYMBOLS =
  '212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 211232'.split(
    ' ',
  )

function decode128(widths: readonly number[]): string {
  const values: number[] = []
  for (let at = 0; at + 7 < widths.length; at += 6) values.push(SYMBOLS.indexOf(widths.slice(at, at + 6).join('')))
  const check = values.pop()
  const [start = -1, ...data] = values
  const sum = data.reduce((total, value, index) => total + value * (index + 1), start)
  expect(check).toBe(sum % 103)
  let set = start === 105 ? 'C' : start === 104 ? 'B' : 'A'
  let text = ''
  for (const value of data) {
    if (set === 'C' && value < 100) text += String(value).padStart(2, '0')
    else if (value === 99) set = 'C'
    else if (value === 100) set = 'B'
    else if (value === 101) set = 'A'
    else text += String.fromCharCode(value + 32)
  }
  return text
}

describe('the sheet for a keypad [guide: Manually Provision a Phone from the Keypad]', () => {
  const mac = '000e08aabbcc' as MacAddress
  const rule = 'https://phones.example.com/cisco-init/4071936258'
  const expiresAt = new Date('2026-03-01T10:15:59Z')
  const phone = { mac, model: 'CP-8851-3PCC' }
  const steps = keypadSteps({ rule, expiresAt, phone })
  const sheet = { customer: 'Example Ltd', phone, rule, code: '4071936258', expiresAt, steps }

  it('goes the way of the guide: Settings, Device administration, Profile Rule, the rule, Resync, status', () => {
    const way = [
      'Settings',
      'Device administration',
      'Profile Rule',
      rule,
      'Resync',
      'Status > Phone Status > Provisioning',
    ]
    const places = way.map((word) => steps.join('\n').indexOf(word))
    expect(places.every((place) => place >= 0)).toBe(true)
    expect(places).toEqual([...places].sort((a, b) => a - b))
  })

  it('says which phone, until when, and the rule exactly, as text and as PDF', async () => {
    const text = keypadSheetText(sheet)
    const pages = pagesOf(await keypadSheetPdf(sheet, AT))
    expect(pages).toHaveLength(1)
    for (const paper of [text, pages[0] ?? '']) {
      for (const word of ['Example Ltd', '00:0E:08:AA:BB:CC', 'CP-8851-3PCC', '2026-03-01 10:15 UTC', '4071936258']) {
        expect(paper).toContain(word)
      }
      expect(paper.split('\n').map((row) => row.trim())).toContain(rule)
      expect(found(paper, /^\s*[1-6]\./gm)).toHaveLength(6)
    }
    expect(text.endsWith('\n')).toBe(true)
  })

  it('for an account it is for any one phone', () => {
    const open = { ...sheet, phone: undefined }
    expect(keypadSheetText({ ...open, steps: keypadSteps(open) })).toContain('any one phone')
    expect(keypadSteps(open).join(' ')).not.toContain('MAC')
    // Only such a sheet is a secret: the code of the other is worth nothing at another phone.
    expect(keypadSheetText(open)).toContain('Destroy this sheet')
    expect(keypadSheetText(sheet)).not.toMatch(/secret|Destroy/)
  })

  it('a rule that is too long for a line is broken before its digits, and everything stays on the page', async () => {
    const long = `https://${'provisioning-of-phones.'.repeat(10)}example.com:8443/cisco-init/4071936258`
    const pages = pagesOf(
      await keypadSheetPdf({ ...sheet, rule: long, steps: keypadSteps({ ...sheet, rule: long }) }, AT),
    )
    expect(pages).toHaveLength(1)
    const rows = (pages[0] ?? '').split('\n').map((row) => row.trim())
    expect(rows).toContain('4071936258')
    const from = rows.indexOf('Type this:') + 1
    expect(rows.slice(from, rows.indexOf('4071936258') + 1).join('')).toBe(long)
    expect(pages[0]).toContain('Another one gets nothing')
  })

  it('equal sheets at an equal time are equal bytes', async () => {
    expect(await keypadSheetPdf(sheet, AT)).toEqual(await keypadSheetPdf(sheet, new Date(AT)))
  })
})
