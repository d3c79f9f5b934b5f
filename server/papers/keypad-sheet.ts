/**
 * What a person at a phone needs to provision it by its keys: the rule to type, and the way to where it is typed.
 * Source: guide "Manually Provision a Phone from the Keypad", "Phone Provisioning Practices"; MPP §7.5.
 */
import { type MacAddress, macWithColons } from '../../protocol/identity.ts'
import { printable } from './printable.ts'
import { BOLD, bytesOf, EXACT, fitted, type Font, openSheet, points, REGULAR, type Sheet, writeLine } from './sheet.ts'

export interface KeypadSheet {
  readonly customer: string
  /** The only phone that the code is for; undefined: any one phone. */
  readonly phone: { readonly mac: MacAddress; readonly model: string } | undefined
  /** The text to type, e.g. `https://phones.example.com/cisco-init/1234567890`. */
  readonly rule: string
  /** The digits at its end. */
  readonly code: string
  readonly expiresAt: Date
  readonly steps: readonly string[]
}

/** @returns what to do at the phone, in order */
export function keypadSteps(sheet: Pick<KeypadSheet, 'rule' | 'expiresAt' | 'phone'>): readonly string[] {
  const { rule, expiresAt, phone } = sheet
  const which = phone === undefined ? 'the phone' : `the phone with MAC address ${labelMac(phone.mac)}`
  return [
    `Press Settings on ${which} (the key may be called Applications).`,
    'Select Device administration, then Profile Rule.',
    `Clear what is there and type, exactly: ${rule}`,
    'Press Resync. The phone gets its settings and may restart.',
    'Look at Status > Phone Status > Provisioning, or at Provisioning Status in the Status tab of its web page.',
    `If it failed, compare what you typed and press Resync again, until ${minuteOf(expiresAt)}. After that you need a new sheet.`,
  ]
}

/** The sheet as plain text, lines of any length, with a newline at its end. */
export function keypadSheetText(sheet: KeypadSheet): string {
  const steps = sheet.steps.map((step, index) => `${index + 1}. ${step}`)
  return [
    TITLE,
    '',
    ...facts(sheet),
    '',
    'Type this:',
    '',
    `  ${sheet.rule}`,
    '',
    ...steps,
    '',
    ...notes(sheet),
    '',
  ].join('\n')
}

/**
 * The same on one page of A4.
 * @param at what the document says of when it was made
 */
export async function keypadSheetPdf(sheet: KeypadSheet, at: Date): Promise<Uint8Array> {
  const page = await openSheet(TITLE, at)
  page.addPage()
  let y = points(MARGIN_MM)
  y = paragraph(page, TITLE, TITLE_FONT, y) + GAP
  for (const fact of facts(sheet)) y = paragraph(page, cut(page, fact, FONT), FONT, y)
  y = paragraph(page, 'Type this:', HEAD_FONT, y + GAP) + GAP / 2
  y = drawRule(page, sheet, y) + GAP * 1.5
  for (const [index, step] of sheet.steps.entries()) {
    writeLine(page, `${index + 1}.`, HEAD_FONT, LEFT, y)
    y = paragraph(page, step, FONT, y, STEP_INDENT) + GAP / 2
  }
  y += GAP
  for (const note of notes(sheet)) y = paragraph(page, note, FONT, y)
  return bytesOf(page)
}

const TITLE = 'Provision a phone from its keypad'
function notes({ phone }: KeypadSheet): readonly string[] {
  return [
    'The rule is one line without spaces. Without https:// in front the phone would ask by TFTP, and get nothing.',
    phone === undefined
      ? 'The code at the end is a secret: whoever types it into a phone gets the settings. Destroy this sheet after use.'
      : 'The code at the end is good for this phone alone. Another one gets nothing for it.',
  ]
}

const MARGIN_MM = 22
const LEFT = points(MARGIN_MM)
const WIDTH = points(210 - 2 * MARGIN_MM)
const STEP_INDENT = points(8)
const GAP = points(5)
const TITLE_FONT: Font = { name: BOLD, size: 20 }
const HEAD_FONT: Font = { name: BOLD, size: 12 }
const FONT: Font = { name: REGULAR, size: 12 }
/** The largest of these in which the rule is one line; if there is none, it is broken in a size that is easy to read. */
const RULE_SIZES: readonly number[] = [22, 20, 18, 16, 14, 12]
const BROKEN_RULE_SIZE = 14
/** Around the rule, inside its frame. */
const RULE_PADDING = points(4)
const LEADING = 1.25

function facts(sheet: KeypadSheet): readonly string[] {
  const { phone } = sheet
  return [
    `Customer: ${sheet.customer}`,
    phone === undefined
      ? 'Phone: any one phone'
      : `Phone: ${phone.model}, MAC address ${labelMac(phone.mac)}, no other`,
    `Code: ${sheet.code}, good until ${minuteOf(sheet.expiresAt)}`,
  ]
}

/** As it is printed on phones, in upper case. */
function labelMac(mac: MacAddress): string {
  return macWithColons(mac).toUpperCase()
}

/** E.g. `2026-01-31 13:45 UTC`: the minute that has begun. */
function minuteOf(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function cut(page: Sheet, text: string, font: Font): string {
  return fitted(page, printable(text), font, WIDTH)
}

/** Text broken at its words. @returns where the next one begins */
function paragraph(page: Sheet, text: string, font: Font, y: number, indent = 0): number {
  let next = y
  for (const line of brokenLines(page, printable(text), font, WIDTH - indent)) {
    writeLine(page, line, font, LEFT + indent, next)
    next += font.size * LEADING
  }
  return next
}

function brokenLines(page: Sheet, text: string, font: Font, width: number): readonly string[] {
  page.font(font.name).fontSize(font.size)
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && page.widthOfString(longer) > width) {
      lines.push(line)
      line = word
    } else line = longer
    // A word that is wider than the page, as the rule of a long host name is.
    const pieces = pieceWise(page, line, width)
    lines.push(...pieces.slice(0, -1))
    line = pieces.at(-1) ?? ''
  }
  return [...lines, line]
}

/** Text broken anywhere, into as few pieces as fit. */
function pieceWise(page: Sheet, text: string, width: number): readonly string[] {
  const pieces: string[] = []
  let piece = ''
  for (const character of text) {
    if (piece !== '' && page.widthOfString(piece + character) > width) {
      pieces.push(piece)
      piece = ''
    }
    piece += character
  }
  return [...pieces, piece]
}

/** In a frame, in letters that cannot be taken for one another. @returns where the frame ends */
function drawRule(page: Sheet, sheet: KeypadSheet, y: number): number {
  const width = WIDTH - 2 * RULE_PADDING
  const size = RULE_SIZES.find((each) => page.font(EXACT).fontSize(each).widthOfString(sheet.rule) <= width)
  const font: Font = { name: EXACT, size: size ?? BROKEN_RULE_SIZE }
  page.font(font.name).fontSize(font.size)
  const lines = size === undefined ? brokenRule(page, sheet, width) : [sheet.rule]
  const height = lines.length * font.size * LEADING + 2 * RULE_PADDING
  page.lineWidth(1).rect(LEFT, y, WIDTH, height).stroke('black')
  for (const [index, line] of lines.entries()) {
    writeLine(page, line, font, LEFT + RULE_PADDING, y + RULE_PADDING + index * font.size * LEADING)
  }
  return y + height
}

/** The digits of the code stay together, on a line of their own. */
function brokenRule(page: Sheet, { rule, code }: KeypadSheet, width: number): readonly string[] {
  return rule.endsWith(code)
    ? [...pieceWise(page, rule.slice(0, -code.length), width), code]
    : pieceWise(page, rule, width)
}
