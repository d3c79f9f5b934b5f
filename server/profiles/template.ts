/**
 * Profiles of devices that share layers differ in a few elements only. A template is what they have in common: the runs
 * of their text that are the same, and between them gaps for the elements that something of one device alone may touch.
 * It is kept under the identities of all that is shared and the names of all that is not, so it cannot be stale.
 */
import { catalogue, wrapLines } from '../../protocol/profile/mod.ts'
import type { DeviceFacts } from '../devices/types.ts'
import type { Prepared } from './prepared.ts'
import { HOSTS_ELEMENT, layOn, resolveHosts, sayings } from './resolve.ts'
import { hostsIn, mayNameHosts, type NamedHosts } from './restricted-hosts.ts'
import { type Source, sourcesOf } from './sources.ts'
import type { PlatformFacts, ResolvedParameter, ResolvedProfile } from './types.ts'
import { byOrder, freshLineOf, lineOf } from './written.ts'

/** Carries the profile's version; known when all else is. */
export const MARKER_ELEMENT = 'GPP_P'

/** A part of a profile's text in UTF-8. A shared one is the same object in every profile that has it. */
export interface Piece {
  readonly bytes: Uint8Array
  readonly shared: boolean
}

type Slot =
  | { readonly kind: 'run'; readonly piece: Piece }
  /** Elements in their order; a device need not have all of them. */
  | { readonly kind: 'gap'; readonly elements: readonly string[] }

interface Template {
  /** What each shared source says about elements in the gaps; undefined for sources of one device. */
  readonly below: readonly (readonly Prepared[] | undefined)[]
  readonly slots: readonly Slot[]
  /** Who names hosts, in order: what the common elements name, and elements in the gaps. */
  readonly named: readonly (NamedHosts | string)[]
  readonly byteCount: number
}

/** A device's own values with the template that they go into. */
export interface FilledTemplate {
  readonly slots: readonly Slot[]
  /** By element; at least those that something of this device alone touches. */
  readonly own: ResolvedProfile
  /** Their lines. */
  readonly texts: ReadonlyMap<string, string>
}

export function fillTemplate(facts: DeviceFacts, platform: PlatformFacts): FilledTemplate {
  const sources = sourcesOf(facts, platform)
  const template = templateOf(sources, facts, platform)
  const own = new Map<string, ResolvedParameter>()
  for (const [at, source] of sources.entries()) {
    layOn(own, template.below[at] ?? sayings(source, facts), source.origin, facts)
  }
  resolveHosts(own, platform, () =>
    template.named.map((each) => (typeof each === 'string' ? hostsIn(each, own.get(each)?.value ?? '') : each)),
  )
  const texts = new Map<string, string>()
  for (const [element, parameter] of own) texts.set(element, lineOf(element, parameter).text)
  return { slots: template.slots, own, texts }
}

/** @param choose what stands for an element of the device, given its line or nothing */
export type Choice = (element: string, text: string) => string

const encoder = new TextEncoder()

export function piecesOf(filled: FilledTemplate, choose: Choice): readonly Piece[] {
  const gaps = gapTexts(filled, choose)
  const bytes = encodeEach(gaps)
  const pieces: Piece[] = []
  let gap = 0
  for (const slot of filled.slots) {
    if (slot.kind === 'run') pieces.push(slot.piece)
    else {
      const own = bytes[gap++]
      if (own !== undefined && own.length > 0) pieces.push({ bytes: own, shared: false })
    }
  }
  return pieces
}

/** Longer texts than nearly every profile has get memory of their own. */
const scratch = new Uint8Array(128 * 1024)

/** The whole text for what takes it at once, as a hash does. @param use must not keep the bytes: the next text goes there */
export function useText(filled: FilledTemplate, choose: Choice, use: (text: Uint8Array) => void): void {
  const gaps = gapTexts(filled, choose)
  let bytesMax = 0
  for (const slot of filled.slots) if (slot.kind === 'run') bytesMax += slot.piece.bytes.length
  for (const text of gaps) bytesMax += 3 * text.length
  const all = bytesMax <= scratch.length ? scratch : new Uint8Array(bytesMax)
  let at = 0
  let gap = 0
  for (const slot of filled.slots) {
    if (slot.kind === 'run') {
      all.set(slot.piece.bytes, at)
      at += slot.piece.bytes.length
    } else at += encoder.encodeInto(gaps[gap++] ?? '', all.subarray(at)).written
  }
  use(all.subarray(0, at))
  all.fill(0, 0, at)
}

function gapTexts({ slots, texts }: FilledTemplate, choose: Choice): readonly string[] {
  const gaps: string[] = []
  for (const slot of slots) {
    if (slot.kind !== 'gap') continue
    let text = ''
    for (const element of slot.elements) text += choose(element, texts.get(element) ?? '')
    gaps.push(text)
  }
  return gaps
}

/** Into one buffer where possible: many small ones keep the garbage collector busy. */
function encodeEach(texts: readonly string[]): readonly Uint8Array[] {
  const joined = texts.join('')
  const bytes = encoder.encode(joined)
  if (bytes.length !== joined.length) return texts.map((text) => encoder.encode(text))
  let at = 0
  return texts.map((text) => bytes.subarray(at, (at += text.length)))
}

/** Templates that are kept: a few more than a provider has models and large layers. */
const TEMPLATES_MAX = 512
const TEMPLATE_BYTES_MAX = 16 * 1024 * 1024

const templates = new Map<string, Template>()
let keptBytes = 0

function templateOf(sources: readonly Source[], facts: DeviceFacts, platform: PlatformFacts): Template {
  const key = keyOf(sources, facts, platform)
  const known = templates.get(key)
  if (known !== undefined) {
    // A map keeps its order: what was just used moves to the end, so the first is the longest unused.
    templates.delete(key)
    templates.set(key, known)
    return known
  }
  const made = makeTemplate(sources, facts)
  keep(key, { ...made, byteCount: made.byteCount + key.length })
  return made
}

function keep(key: string, template: Template): void {
  templates.set(key, template)
  keptBytes += template.byteCount
  for (const [oldest, { byteCount }] of templates) {
    if (templates.size <= TEMPLATES_MAX && keptBytes <= TEMPLATE_BYTES_MAX) return
    templates.delete(oldest)
    keptBytes -= byteCount
  }
}

/** Which elements a source of one device touches follows from the names that it says and from the model. */
function keyOf(sources: readonly Source[], { device }: DeviceFacts, platform: PlatformFacts): string {
  let key = `${device.model} ${numberOf(platform)}`
  for (const source of sources) {
    if (source.shared) key += ` ${numberOf(source)}`
    else key += ` ${source.origin.kind}(${[...source.parameters.keys()].join(' ')})`
  }
  return key
}

const numbers = new WeakMap<object, number>()
let lastNumber = 0

/** Never given twice, whatever becomes of the object. */
function numberOf(value: object): number {
  const known = numbers.get(value)
  if (known !== undefined) return known
  lastNumber += 1
  numbers.set(value, lastNumber)
  return lastNumber
}

function makeTemplate(sources: readonly Source[], facts: DeviceFacts): Template {
  const said = sources.map((source) => ({ source, all: sayings(source, facts) }))
  const gaps = new Set([MARKER_ELEMENT, HOSTS_ELEMENT])
  const resolved = new Map<string, ResolvedParameter>()
  for (const { source, all } of said) {
    for (const { element, hasFacts } of all) if (!source.shared || hasFacts) gaps.add(element)
    layOn(resolved, all, source.origin, facts)
  }
  const slots = slotsOf(resolved, gaps)
  return {
    below: said.map(({ source, all }) => (source.shared ? all.filter(({ element }) => gaps.has(element)) : undefined)),
    slots,
    named: [...resolved]
      .filter(([element]) => mayNameHosts(element))
      .map(([element, { value }]) => (gaps.has(element) ? element : hostsIn(element, value))),
    byteCount: slots.reduce((sum, slot) => sum + (slot.kind === 'run' ? 2 * slot.piece.bytes.length : 100), 0),
  }
}

/** What stands around the elements. */
const [HEAD = '', TAIL = ''] = wrapLines(['|']).split('|')

function slotsOf(resolved: ResolvedProfile, gaps: ReadonlySet<string>): readonly Slot[] {
  const entries = [...gaps].map((element) => ({ element, order: catalogue.order(element), text: '' }))
  for (const [element, parameter] of resolved) if (!gaps.has(element)) entries.push(freshLineOf(element, parameter))
  entries.sort(byOrder)
  const slots: Slot[] = []
  let run = HEAD
  let gap: string[] = []
  const endRun = (): void => {
    if (run !== '') slots.push({ kind: 'run', piece: { bytes: encoder.encode(run), shared: true } })
    run = ''
  }
  const endGap = (): void => {
    if (gap.length > 0) slots.push({ kind: 'gap', elements: gap })
    gap = []
  }
  for (const { element, text } of entries) {
    // A line is never empty.
    if (text === '') {
      endRun()
      gap.push(element)
    } else {
      endGap()
      run += text
    }
  }
  endGap()
  run += TAIL
  endRun()
  return slots
}
