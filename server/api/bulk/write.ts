/** Rows of CSV as spreadsheets read them. */
import { guardCell } from './formulas.ts'

/** One row with its line end. Source: RFC 4180 §2. */
export function csvRow(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

/** Quoted where RFC 4180 §2 wants it, and where spaces at an end would be taken for untidiness. */
function csvCell(cell: string): string {
  const text = guardCell(cell)
  return /[",;\r\n\t]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
