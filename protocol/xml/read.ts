import { err, ok, type Result } from '../result.ts'
import type { XmlElement, XmlNode } from './tree.ts'
import { walkXml, type XmlListener, type XmlProblem, type XmlTag } from './walk.ts'

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
  const builder = new TreeBuilder()
  const bounds = {
    maxDepth: limits.maxDepth ?? XML_DEPTH_MAX,
    maxElements: limits.maxElements ?? XML_ELEMENTS_MAX,
    // No more than its characters leave room for.
    maxAttributes: maxChars,
  }
  const problem = walkXml(text, bounds, () => builder)
  if (problem !== undefined) return err(problem)
  if (builder.root === undefined)
    return err({ code: 'malformed', message: 'Cannot read XML: no root element', line: 1 })
  return ok(builder.root)
}

interface OpenElement {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: XmlNode[]
  readonly selfClosing: boolean
}

/** Collects what the walk reports into a tree. */
class TreeBuilder implements XmlListener {
  root: XmlElement | undefined
  private readonly stack: OpenElement[] = []

  open(tag: XmlTag): void {
    const attributes = attributesOf(tag)
    this.stack.push({ name: tag.name, attributes, children: [], selfClosing: tag.isSelfClosing })
  }

  close(): void {
    const closed = this.stack.pop()
    if (closed === undefined) return
    const element: XmlElement = { kind: 'element', ...closed }
    const parent = this.stack.at(-1)
    if (parent === undefined) this.root = element
    else parent.children.push(element)
  }

  text(piece: string): void {
    const siblings = this.stack.at(-1)?.children
    const last = siblings?.at(-1)
    if (siblings === undefined) return
    if (last?.kind === 'text') siblings[siblings.length - 1] = { kind: 'text', text: last.text + piece }
    else if (piece !== '') siblings.push({ kind: 'text', text: piece })
  }

  comment(text: string): void {
    this.stack.at(-1)?.children.push({ kind: 'comment', text })
  }
}

function attributesOf(tag: XmlTag): ReadonlyMap<string, string> {
  const entries = Object.entries(tag.attributes)
  return entries.length === 0 ? NO_ATTRIBUTES : new Map(entries)
}
