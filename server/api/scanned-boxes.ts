/** Reads what a scanner or a file says of boxes; what cannot be is said of each box alone. */
import {
  type MacAddress,
  macWithColons,
  parseMacAddress,
  parseProductName,
  parseSerialNumber,
} from '../../protocol/identity.ts'
import { modelInfo } from '../../protocol/profile/mod.ts'
import { z } from 'zod'
import { BOXES_MAX, type BoxRefusal, type ScannedBox } from '../store/mod.ts'
import { readCsv, refuseNotUtf8 } from './bulk/read.ts'
import { type Column, Problems, type Row } from './bulk/row.ts'
import type { BoxInput } from './contract/staging.ts'
import { ApiProblem } from './problem.ts'

export interface SentBox {
  readonly input: z.infer<typeof BoxInput>
  /** Of the file; null: it came as JSON. */
  readonly line: number | null
  /** Why its row cannot be read. */
  readonly problem?: Pick<BoxRefusal, 'code' | 'message'>
}

export interface ReadBoxes {
  readonly boxes: readonly ScannedBox[]
  readonly refused: readonly BoxRefusal[]
}

export function readBoxes(sent: readonly SentBox[]): ReadBoxes {
  const boxes: ScannedBox[] = []
  const refused: BoxRefusal[] = []
  for (const [index, { input, problem }] of sent.entries()) {
    const read = problem ?? readBox(index, input)
    if ('code' in read) refused.push({ index, ...read })
    else boxes.push(read)
  }
  return { boxes, refused }
}

/** Characters of a value that a message repeats. */
const SHOWN_MAX = 64
/** As on a device. */
const NAME_MAX = 100

/** A value as a message repeats it: short, and without what would disturb a terminal. */
export function shownText(text: string): string {
  return text.slice(0, SHOWN_MAX).replaceAll(/\p{C}/gu, '?')
}

type Refused = Omit<BoxRefusal, 'index'>

function refuse(code: string, message: string): Refused {
  return { code, message: `Cannot take the box: ${message}.` }
}

/** Zeros are what a phone has that never got one; an odd first octet means several stations. Source: IEEE 802, 8.2.2. */
function isOfOne(mac: MacAddress): boolean {
  return !/^0{12}$/.test(mac) && Number.parseInt(mac.slice(0, 2), 16) % 2 === 0
}

function readBox(index: number, input: z.infer<typeof BoxInput>): ScannedBox | Refused {
  const [mac, serial] = [parseMacAddress(input.mac), parseSerialNumber(input.serial)]
  const [macText, serialText] = [shownText(input.mac.trim()), shownText(input.serial.trim())]
  const swapped = mac === undefined ? parseMacAddress(input.serial) : undefined
  if (swapped !== undefined) {
    const place = `"${serialText}" is a MAC address and stands where the serial number should`
    return refuse(
      'swapped',
      `${place}, and "${macText}" where the MAC should. Scan the MAC first, then the serial number`,
    )
  }
  if (macText === '') return refuse('no-mac', 'it has no MAC address; scan the one on its label')
  if (mac === undefined) return refuse('bad-mac', `"${macText}" is no MAC address; expected 12 hex digits`)
  const box = macWithColons(mac)
  if (!isOfOne(mac)) return refuse('bad-mac', `${box} is the MAC address of no phone; scan the one on its label`)
  if (serialText === '') return refuse('no-serial', `${box} has no serial number; scan the one on its label`)
  if (serial === undefined) {
    return refuse('bad-serial', `"${serialText}" of ${box} is no serial number; expected 4 to 32 letters and digits`)
  }
  if (parseMacAddress(input.serial) === mac) {
    return refuse('bad-serial', `the MAC ${box} was scanned twice; scan the serial number after it`)
  }
  const words = readWords(input, box)
  return 'code' in words ? words : { index, mac, serial, ...words }
}

function readWords(
  input: z.infer<typeof BoxInput>,
  box: string,
): Pick<ScannedBox, 'model' | 'name' | 'lineId' | 'line'> | Refused {
  const modelText = input.model?.trim() ?? ''
  const model = modelText === '' ? undefined : parseProductName(modelText)
  if (modelText !== '' && (model === undefined || modelInfo(model) === undefined)) {
    return refuse(
      'unknown-model',
      `"${shownText(modelText)}" of ${box} is no model that Offhook knows, like CP-8851-3PCC`,
    )
  }
  const name = input.name?.trim()
  if (name !== undefined && (name.length > NAME_MAX || /[\u0000-\u001f\u007f]/.test(name))) {
    const expected = `expected at most ${NAME_MAX} characters without control characters`
    return refuse('bad-name', `"${shownText(name)}" of ${box} is no name; ${expected}`)
  }
  const line = input.line?.trim()
  return { model, name, lineId: input.lineId, line: line === '' ? undefined : line }
}

const BOX_COLUMNS = [
  { name: 'mac', schema: z.string(), expected: '12 hex digits' },
  { name: 'serial', schema: z.string(), expected: '4 to 32 letters and digits, as on the label' },
  { name: 'model', schema: z.string(), expected: 'a product name like CP-8851-3PCC' },
  { name: 'name', schema: z.string(), expected: 'at most 100 characters', free: true },
  { name: 'line', schema: z.string(), expected: 'the user of a free line of the account' },
] as const satisfies readonly Column[]

/** What concerns one row alone. */
const OF_A_ROW = 'bad-row'
/** Characters of a cell. */
const CELL_MAX = 200

/** Throws for a file that cannot be read as a whole; an empty file is one. */
export async function readBoxesCsv(text: string): Promise<readonly SentBox[]> {
  refuseNotUtf8(text)
  const problems = new Problems()
  const rows = await readCsv(text, BOX_COLUMNS, problems)
  const whole = problems.listed.filter(({ code }) => code !== OF_A_ROW)
  const [first] = whole
  if (first !== undefined) {
    throw new ApiProblem(
      422,
      'bad-csv',
      `No box was taken. Line ${first.line}: ${first.message}; expected ${first.expected}.`,
      whole.map(({ code, line, message }) => ({ code, place: `line ${line}`, message })),
    )
  }
  if (rows.length === 0) throw new ApiProblem(422, 'no-rows', 'No box was taken: there is none behind the first line.')
  if (rows.length > BOXES_MAX) {
    const detail = `No box was taken: the file has ${rows.length} rows, and ${BOXES_MAX} are taken at once. Send it in parts.`
    throw new ApiProblem(422, 'too-many-rows', detail)
  }
  const ofRows = new Map(problems.listed.map(({ line, message }) => [line, message]))
  return rows.map((row) => sentOf(row, ofRows.get(row.line)))
}

function sentOf({ line, cells }: Row, problem: string | undefined): SentBox {
  const cell = (name: (typeof BOX_COLUMNS)[number]['name']): string | undefined => cells.get(name)
  const input = {
    mac: cell('mac') ?? '',
    serial: cell('serial') ?? '',
    ...optional('model'),
    ...optional('name'),
    ...optional('line'),
  }
  const long = [...cells].find(([, text]) => text.length > CELL_MAX)
  if (long !== undefined) {
    const message = `the ${long[0]} in line ${line} has ${long[1].length} characters, at most ${CELL_MAX} are read`
    return { input: { mac: '', serial: '' }, line, problem: refuse('bad-row', message) }
  }
  return problem === undefined
    ? { input, line }
    : { input, line, problem: refuse('bad-row', `line ${line}: ${problem}`) }

  function optional(name: 'model' | 'name' | 'line'): Readonly<Partial<Record<'model' | 'name' | 'line', string>>> {
    const text = cell(name)
    return text === undefined ? {} : { [name]: text }
  }
}
