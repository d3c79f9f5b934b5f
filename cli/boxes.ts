/** Reads the list of boxes for `offhook fleet --boxes`: a CSV file with a header line, as a warehouse scans it. */
import { readFileSync } from 'node:fs'
import { type Box, FLEET_MAX } from '../phone/fleet/mod.ts'
import { PhoneProblem } from '../phone/shell/mod.ts'
import { parseMacAddress, parseProductName, parseSerialNumber } from '../protocol/identity.ts'

const COLUMNS = ['mac', 'serial', 'model'] as const
type Column = (typeof COLUMNS)[number]

/** @throws PhoneProblem that names the file, the line, what stands there and what was expected */
export function readBoxes(path: string): readonly Box[] {
  try {
    return parseBoxes(readFileSync(path, 'utf8'))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new PhoneProblem(`Cannot read boxes from "${path}": ${why}`, { cause })
  }
}

/**
 * @param text  columns mac, serial and model in any order, separated by commas, semicolons or tabs; others are left out.
 * A model may be written as on the box, with `-K9` or `-K9=` behind it. Throws PhoneProblem for the first line that cannot be.
 */
export function parseBoxes(text: string): readonly Box[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)
  const rows = lines.map((line, index) => ({ line, number: index + 1 })).filter(({ line }) => line.trim() !== '')
  const [header, ...boxes] = rows
  const separator = /[;\t,]/.exec(header?.line ?? '')?.[0] ?? ','
  const names = fieldsOf(header?.line ?? '', separator).map((name) => name.toLowerCase())
  const missing = COLUMNS.find((column) => !names.includes(column))
  if (missing !== undefined) {
    throw new PhoneProblem(`the first line has no column "${missing}": expected the header mac,serial,model`)
  }
  if (boxes.length === 0) throw new PhoneProblem('there is no box below the header')
  if (boxes.length > FLEET_MAX) throw new PhoneProblem(`${boxes.length} boxes are too many: at most ${FLEET_MAX}`)
  return boxes.map(({ line, number }) => {
    const fields = fieldsOf(line, separator)
    return boxOf((column) => fields[names.indexOf(column)] ?? '', number)
  })
}

function boxOf(field: (column: Column) => string, line: number): Box {
  const mac = parseMacAddress(field('mac'))
  if (mac === undefined) throw wrong(line, 'mac', field('mac'), '12 hex digits')
  const serial = parseSerialNumber(field('serial'))
  if (serial === undefined) throw wrong(line, 'serial', field('serial'), '4 to 32 letters and digits')
  const productName = parseProductName(field('model').replace(/-K9=?$/i, ''))
  if (productName === undefined) throw wrong(line, 'model', field('model'), 'a product name like CP-8851-3PCC')
  return { mac, serial, productName }
}

function wrong(line: number, column: Column, value: string, expected: string): PhoneProblem {
  return new PhoneProblem(`line ${line}, ${column} "${value}" cannot be: expected ${expected}`)
}

/** No value of a box has a separator in it, so quotes only stand around. */
function fieldsOf(line: string, separator: string): readonly string[] {
  return line.split(separator).map((field) =>
    field
      .trim()
      .replace(/^"(.*)"$/, '$1')
      .trim(),
  )
}
