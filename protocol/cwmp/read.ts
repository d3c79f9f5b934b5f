import { err, ok, type Result } from '../result.ts'
import { walkXml, type XmlListener, type XmlPlace, type XmlTag } from '../xml/mod.ts'
import { type Collector, localName } from './collectors.ts'
import { decodeDocument } from './decode.ts'
import { collectEnvelope, type Envelope } from './envelope.ts'
import { CWMP_NAMESPACE, type CwmpMessage, isCwmpNamespace } from './types.ts'

/** Why a message was refused; `line` counts from 1. */
export interface CwmpProblem {
  readonly code:
    | 'malformed'
    | 'doctype'
    | 'too-large'
    | 'too-deep'
    | 'too-many'
    /** XML, but no envelope with something in its body. */
    | 'not-soap'
    /** A message with an argument that cannot be read: a fault 8003 or 9003 can answer it. */
    | 'bad-argument'
  readonly message: string
  readonly line: number
  /** For the fault that answers; undefined where reading did not come so far. */
  readonly id: string | undefined
  /** The URN to answer with. */
  readonly namespace: string
}

/** Bounds of one message; the maxima below are used for those left out. */
export interface CwmpLimits {
  readonly maxBytes?: number
  readonly maxDepth?: number
  readonly maxElements?: number
  readonly maxAttributes?: number
}

/** All values of the largest model in one answer are under 1 MB; the guide allows 8 MiB [TR-069 §2]. */
export const CWMP_BYTES_MAX = 8 * 1024 * 1024
/** An Inform carries a dozen parameters and those that changed; for the first message of a session [TR-069 §2]. */
export const CWMP_INFORM_BYTES_MAX = 256 * 1024
/** SOAP needs eight levels; the guide allows 32 [TR-069 §3.5]. */
export const CWMP_DEPTH_MAX = 32
/** Of one element: an envelope declares five prefixes [TR-069 §3.5]. */
export const CWMP_ATTRIBUTES_MAX = 64
/** Three for each of 4000 parameters of the largest model, and as much again several times over. */
export const CWMP_ELEMENTS_MAX = 100_000

/**
 * Reads one SOAP message by local names alone. `charset` is that of the Content-Type, if it has one.
 * Tolerant as [TR-069 §3] asks; a document type is refused. Never throws; time is linear in the bytes.
 */
export function readCwmp(
  bytes: Uint8Array,
  charset: string | undefined,
  limits: CwmpLimits = {},
): Result<CwmpMessage, CwmpProblem> {
  const maxBytes = limits.maxBytes ?? CWMP_BYTES_MAX
  if (bytes.length > maxBytes) {
    const message = `Cannot read a message of ${bytes.length} bytes: expected at most ${maxBytes}`
    return err({ code: 'too-large', message, line: 1, id: undefined, namespace: CWMP_NAMESPACE })
  }
  const document = decodeDocument(bytes, charset)
  const bounds = {
    maxDepth: limits.maxDepth ?? CWMP_DEPTH_MAX,
    maxElements: limits.maxElements ?? CWMP_ELEMENTS_MAX,
    maxAttributes: limits.maxAttributes ?? CWMP_ATTRIBUTES_MAX,
  }
  const reader = new MessageReader()
  const problem = walkXml(document, bounds, (place) => reader.at(place))
  return reader.finish(problem)
}

interface Declaration {
  readonly depth: number
  readonly prefix: string
  readonly urn: string
}

type Problem = Pick<CwmpProblem, 'code' | 'message' | 'line'>

/** Follows the walk; holds only the open elements and the values taken so far. */
class MessageReader implements XmlListener {
  private readonly envelope: Envelope = { id: undefined, headers: {}, body: undefined }
  /** Innermost last; undefined: an element that nobody wants. */
  private readonly collectors: (Collector | undefined)[] = []
  private readonly declarations: Declaration[] = []
  private place: XmlPlace | undefined
  private notSoap: Problem | undefined
  private badArgument: Problem | undefined
  private tagName = ''
  /** What the RPC's own prefix stands for, or else the last URN of CWMP that was declared anywhere. */
  private namespaceOfRpc: string | undefined
  private namespaceSeen: string | undefined

  /** Says where the walk is; before it begins. */
  at(place: XmlPlace): this {
    this.place = place
    return this
  }

  finish(found: Problem | undefined): Result<CwmpMessage, CwmpProblem> {
    const { id, headers, body } = this.envelope
    const namespace = this.namespaceOfRpc ?? this.namespaceSeen ?? CWMP_NAMESPACE
    const problem = this.notSoap ?? found
    if (problem !== undefined) return err({ ...problem, id, namespace })
    if (body === undefined) {
      const message = 'Cannot read a message: expected an Envelope with a Body that is not empty'
      return err({ code: 'not-soap', message, line: this.line(), id, namespace })
    }
    if (this.badArgument !== undefined) return err({ ...this.badArgument, id, namespace })
    return ok({ id, namespace, headers, body })
  }

  open(tag: XmlTag): void {
    for (const key in tag.attributes) {
      if (key.startsWith('xmlns')) this.declare(key, tag.attributes[key] ?? '')
    }
    this.tagName = tag.name
    this.collectors.push(this.collectorFor(tag))
  }

  close(): void {
    this.collectors.pop()?.end()
    while ((this.declarations.at(-1)?.depth ?? -1) >= this.collectors.length) this.declarations.pop()
  }

  text(piece: string): void {
    this.collectors.at(-1)?.text(piece)
  }

  comment(): void {
    // Nobody reads comments in messages.
  }

  private line(): number {
    return this.place?.line ?? 1
  }

  private collectorFor(tag: XmlTag): Collector | undefined {
    const name = localName(tag.name)
    if (this.collectors.length > 0) {
      return this.collectors.at(-1)?.child({ name, attributes: tag.attributes, report: this.reportArgument })
    }
    if (name === 'Envelope') return collectEnvelope(this.envelope, () => this.rememberNamespace())
    const message = `Cannot read a message from "${name.slice(0, 40)}": expected an Envelope`
    this.notSoap = { code: 'not-soap', message, line: this.line() }
    this.place?.stop()
    return undefined
  }

  private declare(key: string, value: string): void {
    if (key !== 'xmlns' && !key.startsWith('xmlns:')) return
    const urn = value.trim()
    this.declarations.push({ depth: this.collectors.length, prefix: key.slice('xmlns:'.length), urn })
    if (isCwmpNamespace(urn)) this.namespaceSeen = urn
  }

  private rememberNamespace(): void {
    const colon = this.tagName.lastIndexOf(':')
    const prefix = colon < 0 ? '' : this.tagName.slice(0, colon)
    const urn = this.declarations.findLast((one) => one.prefix === prefix)?.urn
    if (urn !== undefined && isCwmpNamespace(urn)) this.namespaceOfRpc = urn
  }

  // One function for all elements of a message.
  private readonly reportArgument = (message: string): void => {
    this.badArgument ??= { code: 'bad-argument', message, line: this.line() }
  }
}
