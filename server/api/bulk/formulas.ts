/**
 * Spreadsheets run a cell that begins with = + - or @, perhaps behind spaces, as a formula. An export puts an apostrophe in front of such a
 * cell, which spreadsheets show as text, and an import takes it away again. Cells that begin with apostrophes before such
 * a sign get one more, so that every text comes back as it was.
 */
const FORMULA = /^'*\s*[=+\-@\t\r]/

export function guardCell(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text
}

export function restoreCell(text: string): string {
  return text.startsWith("'") && FORMULA.test(text) ? text.slice(1) : text
}
