import { SaxesParser, type SaxesTagPlain } from 'saxes'

import { err, ok, type Result } from '../result.ts'
import type { XmlElement, XmlNode } from './tree.ts'

/** Why a document was refused. `line` counts from 1. */
export interface XmlProblem {
  readonly code: 'malformed' | 'doctype' | 'too-large' | 'too-deep' | 'too-many'
  readonly message: string
  readonly line: number
}

/** Bounds of one document; the maxima below are used for those left out. */
export interface XmlLimits {
  readonly maxChars?: number
  readonly maxDepth?: number
  readonly maxElements?: number
}

/** A whole profile of any model is under 200 kB (MPP §1.1). */
export const XML_CHARS_MAX = 1024 * 1024
/** Profiles need two levels, SOAP about eight. */
export const XML_DEPTH_MAX = 32
/** The largest model has fewer than 4000 parameters; comments and repeats included this is ample. */
export const XML_ELEMENTS_MAX = 50_000

// The parser reports each fault and reads on. Between pieces of this size we look whether to stop, so a document
// of nothing but faults costs no more than the faults of one piece.
const PIECE_CHARS = 2048

const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map()

/**
 * Reads one XML document into a tree.
 * Any `<?…?>` before the root is skipped, wherever it stands and whatever it says (MPP §1.1); a document type is
 * refused, so there are no entities but the five of XML and numeric ones. Never throws; time is linear in the text.
 */
export function parseXml(text: string, limits: XmlLimits = {}): Result<XmlElement, XmlProblem> {
  const maxChars = limits.maxChars ?? XML_CHARS_MAX
  if (text.length > maxChars) {
    const message = `Cannot read XML of ${text.length} characters: expected at most ${maxChars}`
    return err({ code: 'too-large', message, line: 1 })
  }
  const start = prologEnd(text)
  const linesBefore = countNewlines(text, start)
  const builder = new TreeBuilder(limits.maxDepth ?? XML_DEPTH_MAX, limits.maxElements ?? XML_ELEMENTS_MAX)
  for (let at = start; at < text.length && builder.problem === undefined; at += PIECE_CHARS) {
    builder.write(text.slice(at, at + PIECE_CHARS))
  }
  const root = builder.close()
  if (builder.problem !== undefined) return err({ ...builder.problem, line: builder.problem.line + linesBefore })
  if (root === undefined) return err({ code: 'malformed', message: 'Cannot read XML: no root element', line: 1 })
  return ok(root)
}

/** Where the byte order mark, white space and `<?…?>` at the start of `text` end. */
export function prologEnd(text: string): number {
  let at = text.startsWith('\ufeff') ? 1 : 0
  for (;;) {
    while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at += 1
    if (!text.startsWith('<?', at)) return at
    const end = text.indexOf('?>', at + 2)
    if (end < 0) return at
    at = end + 2
  }
}

function countNewlines(text: string, end: number): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) count += 1
  return count
}

interface OpenElement {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: XmlNode[]
  readonly selfClosing: boolean
}

/** Collects what the parser reports into a tree; keeps the first problem and then ignores the rest. */
class TreeBuilder {
  problem: XmlProblem | undefined
  private root: XmlElement | undefined
  private elementCount = 0
  private readonly open: OpenElement[] = []
  private readonly parser = new SaxesParser({ position: true, xmlns: false })
  private readonly maxDepth: number
  private readonly maxElements: number

  constructor(maxDepth: number, maxElements: number) {
    this.maxDepth = maxDepth
    this.maxElements = maxElements
    this.parser.on('error', (fault) => this.refuse('malformed', `Cannot read XML: ${withoutPosition(fault.message)}`))
    this.parser.on('doctype', () => this.refuse('doctype', 'Cannot read XML: a document type is not accepted'))
    this.parser.on('opentag', (tag) => this.openElement(tag))
    this.parser.on('closetag', () => this.closeElement())
    this.parser.on('text', (text) => this.addText(text))
    this.parser.on('cdata', (text) => this.addText(text))
    this.parser.on('comment', (text) => this.open.at(-1)?.children.push({ kind: 'comment', text }))
  }

  write(piece: string): void {
    this.parser.write(piece)
  }

  close(): XmlElement | undefined {
    if (this.problem === undefined) this.parser.close()
    return this.root
  }

  private refuse(code: XmlProblem['code'], message: string): void {
    this.problem ??= { code, message, line: this.parser.line }
  }

  private openElement(tag: SaxesTagPlain): void {
    if (this.problem !== undefined) return
    this.elementCount += 1
    if (this.elementCount > this.maxElements) {
      this.refuse('too-many', `Cannot read XML: expected at most ${this.maxElements} elements`)
    } else if (this.open.length >= this.maxDepth) {
      this.refuse('too-deep', `Cannot read XML: expected at most ${this.maxDepth} levels`)
    } else {
      const attributes = attributesOf(tag)
      this.open.push({ name: tag.name, attributes, children: [], selfClosing: tag.isSelfClosing })
    }
  }

  private closeElement(): void {
    if (this.problem !== undefined) return
    const closed = this.open.pop()
    if (closed === undefined) return
    const element: XmlElement = { kind: 'element', ...closed }
    const parent = this.open.at(-1)
    if (parent === undefined) this.root = element
    else parent.children.push(element)
  }

  private addText(text: string): void {
    const siblings = this.open.at(-1)?.children
    if (siblings === undefined || this.problem !== undefined) return
    const last = siblings.at(-1)
    if (last?.kind === 'text') siblings[siblings.length - 1] = { kind: 'text', text: last.text + text }
    else if (text !== '') siblings.push({ kind: 'text', text })
  }
}

function attributesOf(tag: SaxesTagPlain): ReadonlyMap<string, string> {
  const entries = Object.entries(tag.attributes)
  return entries.length === 0 ? NO_ATTRIBUTES : new Map(entries)
}

/** The parser writes `line:column: ` in front; the problem has its own place, and the text is cut to a fair length. */
function withoutPosition(message: string): string {
  return message.replace(/^\d+:\d+: /, '').slice(0, 120)
}
