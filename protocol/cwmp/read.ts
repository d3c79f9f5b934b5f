import { SaxesParser, type SaxesTagPlain } from 'saxes'

import { err, ok, type Result } from '../result.ts'
import { prologEnd } from '../xml/mod.ts'
import { decodeDocument } from './decode.ts'
import { collectEnvelope, type Envelope } from './envelope.ts'
import type { Collector } from './schema.ts'
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

// As in protocol/xml: the parser reads on after a fault, so between pieces we look whether to stop.
const PIECE_CHARS = 2048

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
  const reader = new MessageReader(limits)
  for (let at = prologEnd(document); at < document.length && reader.problem === undefined; at += PIECE_CHARS) {
    reader.parser.write(document.slice(at, at + PIECE_CHARS))
  }
  return reader.finish()
}

interface Declaration {
  readonly depth: number
  readonly prefix: string
  readonly urn: string
}

/** Follows the parser; holds only the open elements and the values taken so far. */
class MessageReader {
  problem: Pick<CwmpProblem, 'code' | 'message' | 'line'> | undefined
  readonly parser = new SaxesParser({ position: true, xmlns: false })
  private readonly limits: CwmpLimits
  private readonly envelope: Envelope = { id: undefined, headers: {}, body: undefined }
  /** Innermost last; undefined: an element that nobody wants. */
  private readonly open: (Collector | undefined)[] = []
  private readonly declarations: Declaration[] = []
  private badArgument: string | undefined
  private badArgumentLine = 1
  private elementCount = 0
  private attributeCount = 0
  private tagName = ''
  /** What the RPC's own prefix stands for, or else the last URN of CWMP that was declared anywhere. */
  private namespaceOfRpc: string | undefined
  private namespaceSeen: string | undefined

  constructor(limits: CwmpLimits) {
    this.limits = limits
    this.parser.on('error', (fault) => {
      this.refuse('malformed', `Cannot read XML: ${fault.message.replace(/^\d+:\d+: /, '').slice(0, 120)}`)
    })
    this.parser.on('doctype', () => this.refuse('doctype', 'Cannot read XML: a document type is not accepted'))
    this.parser.on('opentagstart', () => {
      this.attributeCount = 0
    })
    this.parser.on('attribute', () => this.countAttribute())
    this.parser.on('opentag', (tag) => this.openElement(tag))
    this.parser.on('closetag', () => this.closeElement())
    this.parser.on('text', (piece) => this.open.at(-1)?.text(piece))
    this.parser.on('cdata', (piece) => this.open.at(-1)?.text(piece))
  }

  finish(): Result<CwmpMessage, CwmpProblem> {
    if (this.problem === undefined) this.parser.close()
    const { id, headers, body } = this.envelope
    const namespace = this.namespaceOfRpc ?? this.namespaceSeen ?? CWMP_NAMESPACE
    if (this.problem === undefined && body === undefined) {
      this.refuse('not-soap', 'Cannot read a message: expected an Envelope with a Body that is not empty')
    }
    if (this.problem !== undefined) return err({ ...this.problem, id, namespace })
    if (this.badArgument !== undefined || body === undefined) {
      const message = this.badArgument ?? ''
      return err({ code: 'bad-argument', message, line: this.badArgumentLine, id, namespace })
    }
    return ok({ id, namespace, headers, body })
  }

  private refuse(code: CwmpProblem['code'], message: string): void {
    this.problem ??= { code, message, line: this.parser.line }
  }

  private countAttribute(): void {
    this.attributeCount += 1
    const most = this.limits.maxAttributes ?? CWMP_ATTRIBUTES_MAX
    if (this.attributeCount > most) this.refuse('too-many', `Cannot read XML: expected at most ${most} attributes`)
  }

  private openElement(tag: SaxesTagPlain): void {
    if (this.problem !== undefined) return
    this.elementCount += 1
    const maxElements = this.limits.maxElements ?? CWMP_ELEMENTS_MAX
    const maxDepth = this.limits.maxDepth ?? CWMP_DEPTH_MAX
    if (this.elementCount > maxElements) {
      this.refuse('too-many', `Cannot read XML: expected at most ${maxElements} elements`)
    } else if (this.open.length >= maxDepth) {
      this.refuse('too-deep', `Cannot read XML: expected at most ${maxDepth} levels`)
    } else {
      this.declare(tag)
      this.tagName = tag.name
      this.open.push(this.collectorFor(tag))
    }
  }

  private collectorFor(tag: SaxesTagPlain): Collector | undefined {
    const name = localName(tag.name)
    if (this.open.length > 0) {
      const attributes = new Map(Object.entries(tag.attributes).map(([key, value]) => [localName(key), value]))
      return this.open.at(-1)?.child({ name, attributes, report: (message) => this.reportArgument(message) })
    }
    if (name === 'Envelope') return collectEnvelope(this.envelope, () => this.rememberNamespace())
    this.refuse('not-soap', `Cannot read a message from "${name.slice(0, 40)}": expected an Envelope`)
    return undefined
  }

  private declare(tag: SaxesTagPlain): void {
    for (const [key, value] of Object.entries(tag.attributes)) {
      if (key !== 'xmlns' && !key.startsWith('xmlns:')) continue
      const urn = value.trim()
      this.declarations.push({ depth: this.open.length, prefix: key.slice('xmlns:'.length), urn })
      if (isCwmpNamespace(urn)) this.namespaceSeen = urn
    }
  }

  private rememberNamespace(): void {
    const colon = this.tagName.lastIndexOf(':')
    const prefix = colon < 0 ? '' : this.tagName.slice(0, colon)
    const urn = this.declarations.findLast((one) => one.prefix === prefix)?.urn
    if (urn !== undefined && isCwmpNamespace(urn)) this.namespaceOfRpc = urn
  }

  private reportArgument(message: string): void {
    if (this.badArgument !== undefined) return
    this.badArgument = message
    this.badArgumentLine = this.parser.line
  }

  private closeElement(): void {
    if (this.problem !== undefined) return
    this.open.pop()?.end()
    while ((this.declarations.at(-1)?.depth ?? -1) >= this.open.length) this.declarations.pop()
  }
}

function localName(name: string): string {
  const local = name.slice(name.lastIndexOf(':') + 1)
  return local === '' ? name : local
}
