/**
 * What a barcode scanner types, put together to boxes: MAC address and serial number on one line or on two. Pure.
 * Source: MPP §3.3 (macros MA and SN), §13.1 (models).
 */
import {
  type MacAddress,
  macWithColons,
  parseMacAddress,
  parseProductName,
  parseSerialNumber,
  type ProductName,
  type SerialNumber,
} from '../../protocol/identity.ts'

export interface ScannedBox {
  readonly mac: MacAddress
  readonly serial: SerialNumber
  readonly model?: ProductName
}

/** One of the two that a box needs. */
export type Half =
  | { readonly kind: 'mac'; readonly value: MacAddress }
  | { readonly kind: 'serial'; readonly value: SerialNumber }

/** What is known between two lines. */
export interface Scanning {
  /** Half of a box, whose other half is to come. */
  readonly waiting: Half | undefined
  /** Which half came first of the last box that took two lines: the other way round is told, since a line may be missing. */
  readonly usuallyFirst: Half['kind'] | undefined
  /** The product name that was scanned last by itself: of every box from there on that brings none of its own. */
  readonly model: ProductName | undefined
}

export const NOTHING_SCANNED: Scanning = { waiting: undefined, usuallyFirst: undefined, model: undefined }

/** What a line meant. */
export type Scan =
  | { readonly kind: 'box'; readonly box: ScannedBox }
  /** `suspicious`: the halves came in the other order until now, so one may have been left out. */
  | { readonly kind: 'half'; readonly half: Half; readonly suspicious: boolean }
  /** The half that waited is forgotten on request; undefined when none waited. */
  | { readonly kind: 'forgotten'; readonly half: Half | undefined }
  /** Of the boxes from here on. */
  | { readonly kind: 'model'; readonly model: ProductName }
  | { readonly kind: 'mistake'; readonly message: string }
  | { readonly kind: 'end' }

/** A scanner that sends no line ends would fill the memory; no label is longer. */
const LINE_CHARACTERS_MAX = 400

const LABELS: Readonly<Record<'mac' | 'serial' | 'model', string>> = {
  mac: 'mac(?:[ _-]?(?:address|addr|id))?',
  serial: String.raw`s\/n|sn|serial(?:[ _-]?(?:number|no|nr))?\.?`,
  model: String.raw`p\/n|pn|pid|model`,
}
/** A label ends with a sign or a blank, a value with a separator. */
const PART = new RegExp(
  String.raw`(?:(?:(?<mac>${LABELS.mac})|(?<serial>${LABELS.serial})|(?<model>${LABELS.model}))(?:\s*[:=#]\s*|\s+))?(?<value>[^\s,;]+)`,
  'giy',
)
const SEPARATORS = /[\s,;]*/y
/** A MAC address in groups with blanks. */
const SPACED_MAC = /(?<![0-9a-z])[0-9a-f]{2}(?: [0-9a-f]{2}){5}(?![0-9a-z])/gi

/** Serial numbers of adapters are hex digits too; no MAC address of the maker begins so (MPP §3.3: 88012BA01234). */
const ATA_SERIAL = /^88[0-9]{3}[A-F]{2}[0-9]{5}$/

/** One word of a line, as what it was read. */
type Part =
  | Half
  | { readonly kind: 'model'; readonly value: ProductName }
  /** Twelve bare hex digits, which may be a serial number too. */
  | { readonly kind: 'either'; readonly mac: MacAddress; readonly serial: SerialNumber }
  | { readonly kind: 'unreadable'; readonly message: string }

/**
 * @param line without its line end, in whatever writing. `q` ends, `x` forgets the half that waits.
 * @returns what it means, in order: a half that got no partner is told before what came instead of it
 */
export function readScan(state: Scanning, line: string): { readonly state: Scanning; readonly scans: readonly Scan[] } {
  const text = line.replace(/[\u0000-\u001f\u007f-\u009f\ufeff]+/g, ' ').trim()
  if (text === '') return { state, scans: [] }
  if (/^(?:q|quit)$/i.test(text)) return { state, scans: [{ kind: 'end' }] }
  if (/^x$/i.test(text)) {
    return { state: { ...state, waiting: undefined }, scans: [{ kind: 'forgotten', half: state.waiting }] }
  }
  if (text.length > LINE_CHARACTERS_MAX) {
    return mistake(state, `The line has ${text.length} characters; expected a MAC address and a serial number`)
  }
  return takeParts(state, partsOf(text))
}

/** The end of all lines. @returns what the half that got no partner means; undefined when none waits */
export function endScan({ waiting }: Scanning): Extract<Scan, { kind: 'mistake' }> | undefined {
  return waiting === undefined ? undefined : { kind: 'mistake', message: leftAlone(waiting) }
}

/** A first line that names columns: what follows is a table, not a scanner. */
export function isCsvHeader(line: string): boolean {
  const names = line
    .replace(/^\ufeff/, '')
    .split(/[,;\t]/)
    .map((name) =>
      name
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .toLowerCase(),
    )
  return names.includes('mac') && names.includes('serial')
}

/** `MAC address 00:0e:08:a1:b2:c3` or `serial number FCH2305DMH0`. */
export function halfText({ kind, value }: Half): string {
  return kind === 'mac' ? `MAC address ${macWithColons(value)}` : `serial number ${value}`
}

/** What the other half is called. */
export function otherHalf({ kind }: Half): string {
  return kind === 'mac' ? 'serial number' : 'MAC address'
}

function mistake(state: Scanning, message: string): { readonly state: Scanning; readonly scans: readonly Scan[] } {
  return { state, scans: [{ kind: 'mistake', message }] }
}

function leftAlone(half: Half): string {
  return `The ${halfText(half)} came without a ${otherHalf(half)}; scan both of this box again`
}

function partsOf(text: string): readonly Part[] {
  const joined = text.replace(SPACED_MAC, (found) => found.replaceAll(' ', ':'))
  const parts: Part[] = []
  for (let at = pastSeparators(joined, 0); at < joined.length; at = pastSeparators(joined, PART.lastIndex)) {
    PART.lastIndex = at
    const groups = PART.exec(joined)?.groups
    if (groups === undefined) break
    parts.push(partOf(groups['value'] ?? '', groups))
  }
  return parts
}

function pastSeparators(text: string, from: number): number {
  SEPARATORS.lastIndex = from
  SEPARATORS.exec(text)
  return SEPARATORS.lastIndex
}

type Labelled = Readonly<Partial<Record<string, string>>>

function partOf(quoted: string, label: Labelled): Part {
  const text = quoted.replace(/^"(.*)"$/, '$1')
  if (label['mac'] !== undefined) {
    const mac = parseMacAddress(text)
    return mac === undefined ? unreadable(text, 'no MAC address') : { kind: 'mac', value: mac }
  }
  if (label['serial'] !== undefined) {
    const serial = parseSerialNumber(text)
    return serial === undefined ? unreadable(text, 'no serial number') : { kind: 'serial', value: serial }
  }
  const model = parseProductName(text.replace(/=$/, '').replace(/-K9$/i, ''))
  if (model !== undefined) return { kind: 'model', value: model }
  if (label['model'] !== undefined) return unreadable(text, 'no product name')
  return bareNumber(text)
}

/** Without a label in front, the form decides. */
function bareNumber(text: string): Part {
  if (isArticleNumber(text)) {
    const message = `"${text}" is the article number of the box (UPC, EAN); scan the MAC address and the serial number, or put "MAC:" or "SN:" in front if it is one`
    return { kind: 'unreadable', message }
  }
  // Words of a person have no digit, serial numbers have.
  const serial = /[0-9]/.test(text) ? parseSerialNumber(text) : undefined
  if (serial !== undefined && ATA_SERIAL.test(serial)) return { kind: 'serial', value: serial }
  const mac = parseMacAddress(text)
  if (mac !== undefined && serial !== undefined) return { kind: 'either', mac, serial }
  if (mac !== undefined) return { kind: 'mac', value: mac }
  if (serial !== undefined) return { kind: 'serial', value: serial }
  return unreadable(text, 'neither a MAC address nor a serial number')
}

function unreadable(text: string, what: string): Part {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text
  return {
    kind: 'unreadable',
    message: `"${shown}" is ${what}; expected one like 000E08A1B2C3 and one like FCH2305DMH0`,
  }
}

/** Twelve, thirteen or fourteen digits whose last one is the check digit of the trade: weights 3 and 1 from the right. */
function isArticleNumber(text: string): boolean {
  if (!/^[0-9]{12,14}$/.test(text)) return false
  const digits = text.split('').toReversed().map(Number)
  return digits.reduce((sum, digit, index) => sum + digit * (index % 2 === 0 ? 1 : 3), 0) % 10 === 0
}

function takeParts(state: Scanning, parts: readonly Part[]): ReturnType<typeof readScan> {
  const wrong = parts.find((part) => part.kind === 'unreadable')
  if (wrong !== undefined) return mistake(state, wrong.message)
  const models = parts.flatMap((part) => (part.kind === 'model' ? [part.value] : []))
  const halves = decided(parts.flatMap((part) => (part.kind === 'model' || part.kind === 'unreadable' ? [] : [part])))
  const macs = halves.filter((half) => half.kind === 'mac')
  const serials = halves.filter((half) => half.kind === 'serial')
  if (macs.length > 1 || serials.length > 1 || models.length > 1) {
    const twice = macs.length > 1 ? 'MAC addresses' : serials.length > 1 ? 'serial numbers' : 'product names'
    return mistake(state, `The line has several ${twice}; expected one box a line`)
  }
  const [mac, serial, model] = [macs[0]?.value, serials[0]?.value, models[0]]
  if (mac !== undefined && serial !== undefined) return wholeBox(state, boxOf(mac, serial, model ?? state.model))
  const told = model === undefined ? state : { ...state, model }
  const [half] = halves
  const rest: ReturnType<typeof readScan> = half === undefined ? { state: told, scans: [] } : takeHalf(told, half)
  return model === undefined ? rest : { state: rest.state, scans: [{ kind: 'model', model }, ...rest.scans] }
}

/** Twelve bare hex digits are the MAC address, unless the line has another one that stands before it or can be nothing else. */
function decided(parts: readonly (Half | Extract<Part, { kind: 'either' }>)[]): readonly Half[] {
  const sure = parts.findIndex((part) => part.kind === 'mac')
  const first = sure === -1 ? parts.findIndex((part) => part.kind === 'either') : sure
  return parts.map((part, index) => {
    if (part.kind !== 'either') return part
    return index === first ? { kind: 'mac', value: part.mac } : { kind: 'serial', value: part.serial }
  })
}

function wholeBox(state: Scanning, box: ScannedBox): ReturnType<typeof readScan> {
  const lost: readonly Scan[] =
    state.waiting === undefined ? [] : [{ kind: 'mistake', message: leftAlone(state.waiting) }]
  return { state: { ...state, waiting: undefined }, scans: [...lost, { kind: 'box', box }] }
}

function takeHalf(state: Scanning, half: Half): ReturnType<typeof readScan> {
  const { waiting, usuallyFirst } = state
  const suspicious = usuallyFirst !== undefined && usuallyFirst !== half.kind
  const waits: Scan = { kind: 'half', half, suspicious }
  const next = { ...state, waiting: half }
  if (waiting === undefined) return { state: next, scans: [waits] }
  if (waiting.kind === 'mac' && half.kind === 'serial') return paired(state, waiting.value, half.value)
  if (waiting.kind === 'serial' && half.kind === 'mac') return paired(state, half.value, waiting.value)
  // A scanner that reads one label twice does no harm.
  if (waiting.value === half.value) return { state, scans: [{ ...waits, suspicious: false }] }
  return { state: next, scans: [{ kind: 'mistake', message: leftAlone(waiting) }, waits] }
}

function paired(state: Scanning, mac: MacAddress, serial: SerialNumber): ReturnType<typeof readScan> {
  const next = { ...state, waiting: undefined, usuallyFirst: state.waiting?.kind }
  return { state: next, scans: [{ kind: 'box', box: boxOf(mac, serial, state.model) }] }
}

function boxOf(mac: MacAddress, serial: SerialNumber, model: ProductName | undefined): ScannedBox {
  return { mac, serial, ...(model === undefined ? {} : { model }) }
}
