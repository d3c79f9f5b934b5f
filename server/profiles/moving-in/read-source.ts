/**
 * Reads one file: what may be shared, what is of the phone alone, which SIP accounts it has, and what is left out and why.
 * Source: MPP §1.5 (empties), §1.8 (exports: secrets in comments or as stars), §13.4 (lines).
 */
import { type MacAddress, macWithColons, parseMacAddress, type ProductName } from '../../../protocol/identity.ts'
import {
  catalogue,
  defaultValueOf,
  type Parameter,
  type ProfileElement,
  readProfile,
} from '../../../protocol/profile/mod.ts'
import { checkLayer } from '../check.ts'
import type { LayerParameter } from '../types.ts'
import { linesOf } from './lines-of.ts'
import { managedReason, PER_DEVICE } from './managed.ts'
import { guessModel } from './models.ts'
import type { LeftOut, LeftOutReason, Source, SourceFile } from './types.ts'

/** @param options.dropDefaults leave out what is as from the factory; absent: for exports of a phone */
export function readSource(file: SourceFile, options: { readonly dropDefaults?: boolean | undefined } = {}): Source {
  const mac = file.mac ?? macInName(file.name)
  const model = file.model ?? modelInName(file.name)
  const leftOut: LeftOut[] = []
  const leave = (element: string, reason: LeftOutReason, message: string): void => {
    leftOut.push({ file: file.name, element, reason, message })
  }
  const read = readProfile(file.text)
  if (!read.ok) {
    leave('', 'unreadable', read.error.message)
    return { file: file.name, mac, model, shareable: new Map(), own: new Map(), lines: [], leftOut }
  }
  const dropDefaults = options.dropDefaults ?? isExport(file.text)
  const kept = new Map<string, LayerParameter>()
  const last = new Map(read.value.elements.map((element) => [element.name, element]))
  for (const element of last.values()) {
    const judged = judge(element, dropDefaults)
    if (judged.kind === 'leave') leave(element.name, judged.reason, judged.message)
    else kept.set(element.name, judged.parameter)
  }
  for (const name of secretsInComments(file.text)) {
    if (!last.has(name)) leave(name, 'secret-not-in-file', 'The phone keeps it to itself; enter it again')
  }
  for (const problem of checkLayer('model', model ?? '', kept)) {
    if (!kept.delete(problem.element)) continue
    const reason = problem.code === 'unknown-element' ? problem.code : 'not-valid'
    leave(problem.element, reason, `${problem.message}. ${problem.advice}`)
  }
  return { file: file.name, mac, model, ...parted(kept, mac, model), leftOut }
}

type Judged =
  | { readonly kind: 'keep'; readonly parameter: LayerParameter }
  | { readonly kind: 'leave'; readonly reason: LeftOutReason; readonly message: string }

function judge(element: ProfileElement, dropDefaults: boolean): Judged {
  const leave = (reason: LeftOutReason, message: string): Judged => ({ kind: 'leave', reason, message })
  const managed = managedReason(element.name)
  if (managed !== undefined) return leave('managed', managed)
  const row = catalogue.find(element.name)
  if (row === undefined)
    return leave('unknown-element', `"${element.name.slice(0, 80)}" is not a parameter of these phones`)
  if (row.settableBy === 'nobody') return leave('no-value', 'It only tells something; nobody can set it')
  const value = valueOf(element, row)
  if (value === undefined) return leave('no-value', 'It gives its parameter no value')
  if (row.secret && /^\*{4,}$/.test(value))
    return leave('secret-not-in-file', 'The file has stars instead of it; enter it again')
  if (value.includes('{{'))
    return leave('braces', 'Double braces mean facts in a layer; enter it by hand if they are meant as text')
  const asMade = (element.ua === undefined || element.ua === row.ua) && element.userPref !== true
  if (dropDefaults && asMade && value === defaultValueOf(element.name, row)) {
    return leave('default', 'It is as from the factory')
  }
  return { kind: 'keep', parameter: { value, ...attributesOf(element, row, dropDefaults) } }
}

/** Every element of an export has its access, mostly that from the factory, which says nothing. */
function attributesOf(
  { ua, userPref }: ProfileElement,
  row: Parameter,
  dropDefaults: boolean,
): Pick<LayerParameter, 'ua' | 'userPref'> {
  return {
    ...(ua === undefined || (dropDefaults && ua === row.ua) ? {} : { ua }),
    ...(userPref === undefined || (dropDefaults && !userPref) ? {} : { userPref }),
  }
}

/** What a phone would store, by the reading of MPP §1.5; undefined where it leaves its value alone. */
function valueOf(element: ProfileElement, row: Parameter): string | undefined {
  if (element.preserveValue) return undefined
  if (element.form === 'text' || element.form === 'empty') return element.value
  if (element.form === 'self-closing' && element.ua === 'rw') return undefined
  return defaultValueOf(element.name, row)
}

/** The phone's own export writes the choices of an element behind it (MPP §1.8). */
function isExport(text: string): boolean {
  return /<!-- ?available options:/.test(text)
}

function secretsInComments(text: string): readonly string[] {
  const names = [...text.matchAll(/<!-- ?<([A-Za-z0-9_.-]{1,80})(?: [^<>]{0,100})?\/> ?-->/g)].map(
    (match) => match[1] ?? '',
  )
  return names.filter((name) => catalogue.find(name)?.secret === true && managedReason(name) === undefined)
}

function parted(
  kept: ReadonlyMap<string, LayerParameter>,
  mac: MacAddress | undefined,
  model: ProductName | undefined,
): Pick<Source, 'shareable' | 'own' | 'lines'> {
  const { lines, rest, ofLines } = linesOf(kept, model)
  const shareable = new Map<string, LayerParameter>()
  const own = new Map<string, LayerParameter>()
  for (const [element, parameter] of rest) {
    const isOwn = ofLines.has(element) || PER_DEVICE.test(element) || namesPhone(parameter.value, mac)
    ;(isOwn ? own : shareable).set(element, parameter)
  }
  return { shareable, own, lines }
}

function namesPhone(value: string, mac: MacAddress | undefined): boolean {
  if (mac === undefined) return false
  const text = value.toLowerCase()
  return text.includes(mac) || text.includes(macWithColons(mac))
}

/** `000e08aabbcc.xml`, `SEP000E08AABBCC.cnf.xml`, `spa000e08aabbcc.cfg`, `cisco-00-0e-08-aa-bb-cc.xml`. */
function macInName(name: string): MacAddress | undefined {
  const base = name.slice(-200).split(/[/\\]/).at(-1) ?? ''
  const match = /(?:^|[^0-9a-f]|sep|spa|cisco)((?:[0-9a-f]{2}[:-]?){5}[0-9a-f]{2})(?![0-9a-f])/i.exec(base)
  return parseMacAddress((match?.[1] ?? '').replace(/[:-]/g, ''))
}

/** `8851-3PCC.xml`, `CP-8841-3PCC.cfg`. */
function modelInName(name: string): ProductName | undefined {
  const match = /((?:CP|DP)-)?([0-9]{4})-3PCC|DP-98[0-9]{2}/i.exec(name.slice(-200))
  const guess = match === null ? undefined : guessModel(match[0])
  return guess?.kind === 'model' ? guess.model : undefined
}
