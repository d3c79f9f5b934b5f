/** Labels for the boxes of phones, on sheets of adhesive labels or from a roll. */
import { type MacAddress, macWithColons } from '../../protocol/identity.ts'
import { type Bars, code128, QUIET_MODULES } from './barcode.ts'
import { printable } from './printable.ts'
import { BOLD, bytesOf, fitted, type Font, openSheet, points, REGULAR, type Sheet, writeLine } from './sheet.ts'

export interface Label {
  readonly mac: MacAddress
  readonly serial: string
  readonly model: string
  /** Of the phone, or of the person whose it will be; empty: its model stands there. */
  readonly name: string
  /** E.g. `1001 Ann`, in the order of its line keys. */
  readonly lines: readonly string[]
  readonly customer: string
}

/** Sheets of 3 by 8 labels of 70 by 37 mm, of 2 by 4 of 105 by 74 mm, and a roll of 62 by 29 mm. */
export type LabelLayout = 'a4-24' | 'a4-8' | 'roll-62x29'

/** All lengths in millimetres but those of fonts, which are in points. */
interface Layout {
  readonly page: readonly [width: number, height: number]
  readonly columns: number
  readonly rows: number
  readonly label: readonly [width: number, height: number]
  /** Around what is printed on a label: no printer prints up to the edge of the paper. */
  readonly padding: readonly [sides: number, top: number]
  readonly name: Font
  /** Rows for the lines of the phone. */
  readonly lineRows: number
  readonly line: Font
  readonly bars: number
  /** Of the narrowest bar: whole dots of printers of 300 and 600 dots an inch. */
  readonly module: number
  readonly mac: Font
  readonly small: Font
}

/** 3 dots of 300 an inch. */
const NARROW_MM = (3 * 25.4) / 300
/** 4 dots of 300 an inch. */
const WIDE_MM = (4 * 25.4) / 300

const LAYOUTS: Readonly<Record<LabelLayout, Layout>> = {
  'a4-24': {
    page: [210, 297],
    columns: 3,
    rows: 8,
    label: [70, 37],
    padding: [5, 4.5],
    name: { name: BOLD, size: 11 },
    lineRows: 1,
    line: { name: REGULAR, size: 9 },
    bars: 7.5,
    module: NARROW_MM,
    mac: { name: BOLD, size: 9.5 },
    small: { name: REGULAR, size: 7 },
  },
  'a4-8': {
    page: [210, 297],
    columns: 2,
    rows: 4,
    label: [105, 74],
    padding: [8, 7],
    name: { name: BOLD, size: 18 },
    lineRows: 4,
    line: { name: REGULAR, size: 12 },
    bars: 13,
    module: WIDE_MM,
    mac: { name: BOLD, size: 13 },
    small: { name: REGULAR, size: 9.5 },
  },
  'roll-62x29': {
    page: [62, 29],
    columns: 1,
    rows: 1,
    label: [62, 29],
    padding: [3, 1.8],
    name: { name: BOLD, size: 10.5 },
    lineRows: 1,
    line: { name: REGULAR, size: 8.5 },
    bars: 6.5,
    module: NARROW_MM,
    mac: { name: BOLD, size: 9 },
    small: { name: REGULAR, size: 6.5 },
  },
}

export const LABEL_LAYOUTS = Object.keys(LAYOUTS) as readonly LabelLayout[]

/** A row of text takes so much of its font's size. */
const LEADING = 1.16
const BARS_GAP_MM = 1

/** Labels that are drawn before others have their turn. */
const TURN = 20

/**
 * In reading order, each page filled before the next. What is too long for its row ends with an ellipsis.
 * @param at what the document says of when it was made; the same labels at the same time are the same bytes
 * @returns a PDF; one empty page for no labels
 */
export async function labelsPdf(labels: readonly Label[], layout: LabelLayout, at: Date): Promise<Uint8Array> {
  const form = LAYOUTS[layout]
  const [width, height] = form.page
  const sheet = await openSheet('Labels', at, [points(width), points(height)])
  const perPage = form.columns * form.rows
  if (labels.length === 0) sheet.addPage()
  for (const [index, label] of labels.entries()) {
    const place = index % perPage
    if (place === 0) sheet.addPage()
    const left = (width - form.columns * form.label[0]) / 2 + (place % form.columns) * form.label[0]
    const top = (height - form.rows * form.label[1]) / 2 + Math.floor(place / form.columns) * form.label[1]
    drawLabel(sheet, form, { ...label, bars: await code128(label.mac.toUpperCase()) }, [left, top])
    // A thousand take a second, and phones do not wait for that.
    if (index % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve))
  }
  return bytesOf(sheet)
}

/** @param at left and top of the label's own paper, in millimetres */
function drawLabel(
  sheet: Sheet,
  form: Layout,
  label: Label & { readonly bars: Bars },
  [left, top]: readonly [number, number],
): void {
  const [sides, above] = form.padding
  const x = points(left + sides)
  const width = points(form.label[0] - 2 * sides)
  let y = points(top + above)
  function row(text: string, font: Font): void {
    writeLine(sheet, fitted(sheet, printable(text), font, width), font, x, y)
    y += font.size * LEADING
  }
  row(label.name === '' ? label.model : label.name, form.name)
  for (const text of lineRows(label.lines, form.lineRows)) row(text, form.line)
  y += points(BARS_GAP_MM)
  drawBars(sheet, form, label.bars, x, y)
  y += points(form.bars + BARS_GAP_MM)
  row(macWithColons(label.mac).toUpperCase(), form.mac)
  row(`${label.model}   SN ${label.serial}`, form.small)
  row(label.customer, form.small)
}

/** @returns exactly so many rows; when there are more lines, the last row has the rest of them, or says how many. */
function lineRows(lines: readonly string[], rows: number): readonly string[] {
  if (rows === 1) return [lines.join(', ')]
  const shown = lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `and ${lines.length - rows + 1} more`]
  return Array.from({ length: rows }, (_, index) => shown[index] ?? '')
}

/** With its quiet zone inside: the bars begin to the right of x. */
function drawBars(sheet: Sheet, form: Layout, bars: Bars, x: number, y: number): void {
  const module = points(form.module)
  const height = points(form.bars)
  // The padding to the left is light as well.
  const quiet = Math.max(0, QUIET_MODULES * module - points(form.padding[0]))
  for (const bar of bars.dark) sheet.rect(x + quiet + bar.at * module, y, bar.width * module, height)
  sheet.fill('black')
}
