/** One pass over a document within bounds: what trees and SOAP messages are both read by. */
import { SaxesParser, type SaxesTagPlain } from 'saxes'

/** Why a document was refused. `line` counts from 1. */
export interface XmlProblem {
  readonly code: 'malformed' | 'doctype' | 'too-large' | 'too-deep' | 'too-many'
  readonly message: string
  readonly line: number
}

/** Bounds of one walk; attributes are those of one element. */
export interface XmlBounds {
  readonly maxDepth: number
  readonly maxElements: number
  readonly maxAttributes: number
}

/** An element as it begins: names with their prefixes. */
export interface XmlTag {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly isSelfClosing: boolean
}

/** Hears what stands in the root element, in document order; nothing more after the first problem. */
export interface XmlListener {
  open(tag: XmlTag): void
  close(): void
  /** A piece of character data with its escapes translated, CDATA too; neighbours are not joined. */
  text(piece: string): void
  comment(text: string): void
}

/** Where the walk is, and how to end it. */
export interface XmlPlace {
  readonly line: number
  /** Nothing more is heard, and the walk ends within one piece, without a problem of its own. */
  stop(): void
}

// The parser reports each fault and reads on. Between pieces of this size we look whether to stop, so a document
// of nothing but faults costs no more than the faults of one piece.
const PIECE_CHARS = 2048

/**
 * Walks over one document. What stands before the root is skipped as in `prologEnd`; a document type is refused, so there are
 * no entities but the five of XML and numeric ones. Never throws by itself; time is linear in the text.
 */
export function walkXml(
  text: string,
  bounds: XmlBounds,
  listen: (place: XmlPlace) => XmlListener,
): XmlProblem | undefined {
  const start = prologEnd(text)
  const walk = new Walk(bounds, countNewlines(text, start), listen)
  for (let at = start; at < text.length && !walk.ended; at += PIECE_CHARS) {
    walk.parser.write(text.slice(at, at + PIECE_CHARS))
  }
  if (!walk.ended) walk.parser.close()
  return walk.problem
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

type Parser = Pick<SaxesParser<{ readonly xmlns: false }>, 'on' | 'write' | 'close' | 'line'>
// As the type of the parser keeps its handlers private, they cannot be declared below without hiding it.
const PlainParser = SaxesParser as unknown as new (options: { readonly xmlns: false }) => Parser

/**
 * The parser, with a place for each handler from the start. `on` adds them under computed names, and an object that grows so
 * is soon kept as a hash table, in which each step of the parser takes about eight times as long. A name that the
 * parser does not know would cost that speed and nothing else.
 */
export class QuickParser extends PlainParser {
  readonly errorHandler = undefined
  readonly doctypeHandler = undefined
  readonly openTagHandler = undefined
  readonly closeTagHandler = undefined
  readonly textHandler = undefined
  readonly cdataHandler = undefined
  readonly commentHandler = undefined
  readonly attributeHandler = undefined
}

/** Sets all handlers, always the same in the same order: one shape for all parsers. */
export function listenTo(
  parser: Parser,
  handlers: {
    readonly error: (fault: Error) => void
    readonly doctype: () => void
    readonly opentag: (tag: SaxesTagPlain) => void
    readonly closetag: () => void
    readonly text: (piece: string) => void
    readonly comment: (text: string) => void
    readonly attribute: () => void
  },
): void {
  parser.on('error', handlers.error)
  parser.on('doctype', handlers.doctype)
  parser.on('opentag', handlers.opentag)
  parser.on('closetag', handlers.closetag)
  parser.on('text', handlers.text)
  parser.on('cdata', handlers.text)
  parser.on('comment', handlers.comment)
  parser.on('attribute', handlers.attribute)
}

/** Keeps the bounds and the first problem, and hands on the rest. */
class Walk implements XmlPlace {
  problem: XmlProblem | undefined
  ended = false
  readonly parser = new QuickParser({ xmlns: false })
  private readonly bounds: XmlBounds
  private readonly linesBefore: number
  private readonly listener: XmlListener
  private depth = 0
  private elementCount = 0
  private attributeCount = 0

  constructor(bounds: XmlBounds, linesBefore: number, listen: (place: XmlPlace) => XmlListener) {
    this.bounds = bounds
    this.linesBefore = linesBefore
    this.listener = listen(this)
    listenTo(this.parser, {
      error: (fault) => this.refuse('malformed', withoutPosition(fault.message)),
      doctype: () => this.refuse('doctype', 'a document type is not accepted'),
      opentag: (tag) => this.open(tag),
      closetag: () => this.close(),
      text: (piece) => {
        if (!this.ended && this.depth > 0) this.listener.text(piece)
      },
      comment: (text) => {
        if (!this.ended && this.depth > 0) this.listener.comment(text)
      },
      attribute: () => this.countAttribute(),
    })
  }

  get line(): number {
    return this.parser.line + this.linesBefore
  }

  stop(): void {
    this.ended = true
  }

  private refuse(code: XmlProblem['code'], message: string): void {
    if (this.ended) return
    this.ended = true
    this.problem = { code, message: `Cannot read XML: ${message}`, line: this.line }
  }

  private countAttribute(): void {
    this.attributeCount += 1
    const { maxAttributes } = this.bounds
    if (this.attributeCount > maxAttributes) this.refuse('too-many', `expected at most ${maxAttributes} attributes`)
  }

  private open(tag: XmlTag): void {
    this.attributeCount = 0
    if (this.ended) return
    this.elementCount += 1
    this.depth += 1
    const { maxElements, maxDepth } = this.bounds
    if (this.elementCount > maxElements) this.refuse('too-many', `expected at most ${maxElements} elements`)
    else if (this.depth > maxDepth) this.refuse('too-deep', `expected at most ${maxDepth} levels`)
    else this.listener.open(tag)
  }

  private close(): void {
    if (this.ended) return
    this.depth -= 1
    this.listener.close()
  }
}

/** The parser writes `line:column: ` in front; the problem has its own place, and the text is cut to a fair length. */
function withoutPosition(message: string): string {
  return message.replace(/^\d+:\d+: /, '').slice(0, 120)
}
