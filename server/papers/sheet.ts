import { concatBytes } from '../../protocol/bytes.ts'

/** A PDF document as a value to draw on. Equal drawings at an equal time give equal bytes. Lengths are in points. */
export type Sheet = PDFKit.PDFDocument

export const REGULAR = 'Helvetica'
export const BOLD = 'Helvetica-Bold'
/** All characters equally wide: what has to be typed exactly. */
export const EXACT = 'Courier-Bold'

export interface Font {
  readonly name: typeof REGULAR | typeof BOLD | typeof EXACT
  /** Height, in points. */
  readonly size: number
}

/** What one inch's 25.4 mm are in points: 72. */
export function points(millimetres: number): number {
  return (millimetres / 25.4) * 72
}

/**
 * @param size of its pages, in points, if they are not A4
 * @param at   what the document says of when it was made
 */
export async function openSheet(title: string, at: Date, size?: readonly [number, number]): Promise<Sheet> {
  // Only who prints waits until it is loaded.
  const { default: PDFDocument } = await import('pdfkit')
  return new PDFDocument({
    size: size === undefined ? 'A4' : [size[0], size[1]],
    margin: 0,
    autoFirstPage: false,
    info: { Title: title, Creator: 'Offhook', Producer: 'Offhook', CreationDate: at },
  })
}

/** Ends the document. @returns its bytes */
export function bytesOf(sheet: Sheet): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    sheet.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    sheet.on('error', reject)
    sheet.on('end', () => resolve(concatBytes(chunks)))
    sheet.end()
  })
}

/** One line of text whose upper left corner is at x, y. It is not cut: see `fitted`. */
export function writeLine(sheet: Sheet, text: string, font: Font, x: number, y: number): void {
  if (text !== '') sheet.font(font.name).fontSize(font.size).text(text, x, y, { lineBreak: false })
}

/** @returns the text, or as much of it as is at most so wide, with an ellipsis */
export function fitted(sheet: Sheet, text: string, font: Font, width: number): string {
  sheet.font(font.name).fontSize(font.size)
  if (sheet.widthOfString(text) <= width) return text
  let fits = 0
  let tooLong = text.length
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2)
    if (sheet.widthOfString(shortened(text, middle)) <= width) fits = middle
    else tooLong = middle
  }
  return shortened(text, fits)
}

function shortened(text: string, length: number): string {
  return `${text.slice(0, length).trimEnd()}…`
}
