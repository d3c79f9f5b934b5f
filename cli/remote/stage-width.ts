/**
 * How many columns of a terminal a text takes, and texts cut and padded to a number of columns. Pure.
 * Source: Unicode Standard Annex 11 (East Asian Width), Annex 29 (grapheme clusters).
 */

/** Of code points that take two columns: the ranges of Annex 11 that hold no narrow ones in use. */
const WIDE: readonly (readonly [from: number, to: number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x17000, 0x18cff],
  [0x1aff0, 0x1b2ff],
  [0x1f200, 0x1f2ff],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
]

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' })
/** Takes no column of its own. */
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u
const WIDE_PICTURE = /^\p{Emoji_Presentation}$/u
/** Shown as a picture though the sign alone would be narrow. */
const AS_PICTURE = /\ufe0f/u
/** Longer texts are cut before they are measured: no terminal has as many columns. */
const TEXT_CHARACTERS_MAX = 2000
/** Marks that are piled upon one letter are no name, and some terminals let them run over other lines. */
const PILED_MARKS = /(\p{M}{4})\p{M}+/gu

/**
 * A text that a terminal shows and does nothing by: control characters and line ends become a blank, what changes the
 * direction of writing or cannot be seen goes, half a surrogate pair becomes `\ufffd`.
 */
export function plainText(text: string): string {
  return text
    .slice(0, TEXT_CHARACTERS_MAX)
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replace(/[\p{Cf}\u{e0000}-\u{e0fff}]/gu, '')
    .replace(/\p{Cs}/gu, '\ufffd')
    .replace(PILED_MARKS, '$1')
}

/** @returns columns of a text that `plainText` made */
export function widthOf(text: string): number {
  // Nothing but ASCII, as nearly always.
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of GRAPHEMES.segment(text)) width += graphemeWidth(segment)
  return width
}

/** @returns the text with at most as many columns; one that is too long ends with `…` */
export function cutTo(text: string, columns: number): string {
  if (columns <= 0) return ''
  if (widthOf(text) <= columns) return text
  let [cut, width] = ['', 0]
  for (const { segment } of GRAPHEMES.segment(text)) {
    const next = width + graphemeWidth(segment)
    if (next > columns - 1) break
    cut += segment
    width = next
  }
  return `${cut}…`
}

/** @returns the text with exactly as many columns, blanks at its end */
export function padTo(text: string, columns: number): string {
  const cut = cutTo(text, columns)
  return cut + ' '.repeat(Math.max(0, columns - widthOf(cut)))
}

/** @returns the text in lines of at most as many columns, broken at blanks where there are any; the last one is cut */
export function wrapped(text: string, columns: number, linesMax: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const [index, word] of text.split(' ').entries()) {
    const longer = index === 0 ? word : `${line} ${word}`
    if (index === 0 || lines.length + 1 >= linesMax || widthOf(longer) <= columns) {
      line = longer
      continue
    }
    lines.push(line)
    line = word
  }
  return [...lines, line].map((each) => cutTo(each, columns))
}

/** Whatever is put together takes one place. */
function graphemeWidth(grapheme: string): number {
  if (AS_PICTURE.test(grapheme)) return 2
  let width = 0
  for (const sign of grapheme) width += signWidth(sign)
  return Math.min(width, 2)
}

function signWidth(sign: string): number {
  if (NO_WIDTH.test(sign)) return 0
  const code = sign.codePointAt(0) ?? 0
  return WIDE_PICTURE.test(sign) || WIDE.some(([from, to]) => code >= from && code <= to) ? 2 : 1
}
