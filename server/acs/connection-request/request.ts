/** Asks a device to call: HTTP digest over a raw socket, since agents speak an HTTP that strict parsers refuse. */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { guardedConnect, type NameResolver, type OutboundProblem } from '../../outbound/mod.ts'
import { exchange, type Heard } from './exchange.ts'
import { ASKS_MAX, nextStep, type Proof } from './next-step.ts'
import { readTarget, type Target } from './target.ts'
import type { ConnectionRequest, ConnectionRequestOutcome } from './types.ts'

/** For each connection; a device may need up to three [TR-069 §8.1]. */
export const CONNECT_MS = 5000
/** For each answer. */
export const ANSWER_MS = 5000
/** Of each answer, its body included. */
export const ANSWER_BYTES_MAX = 8192
/** Random bytes of a client nonce. */
const CNONCE_BYTES = 16

export interface ConnectionRequestOptions {
  /** Networks (CIDR) that may be reached although they are near, for the guard of `server/outbound`. */
  readonly allow: readonly string[]
  /** Whether the password may be sent in clear to a device that knows nothing but Basic. Default: no. */
  readonly allowBasic?: boolean
  readonly connectMs?: number
  readonly answerMs?: number
  readonly bytesMax?: number
  /** Instead of the system's resolver. */
  readonly resolve?: NameResolver
  /** Ends it early, as `unreachable`. */
  readonly signal?: AbortSignal
}

/**
 * Sends `GET` to the device's URL, proves who we are when it asks, and says what came of it. Every connection goes through
 * the outbound guard anew; no redirect is followed. At most {@link ASKS_MAX} requests, each within its bounds, so it ends
 * after 40 seconds whatever the device does. Never throws for what the device sent.
 * Source: [TR-069 §8.1].
 */
export async function requestConnection(
  request: ConnectionRequest,
  options: ConnectionRequestOptions,
): Promise<ConnectionRequestOutcome> {
  const target = readTarget(request.url, options.allow)
  if (!target.ok) return { kind: 'forbidden', detail: target.error.message }
  const line = new Line(target.value, options)
  try {
    return await converse(request, target.value, line, options.allowBasic === true)
  } finally {
    line.close()
  }
}

async function converse(
  request: ConnectionRequest,
  target: Target,
  line: Line,
  allowBasic: boolean,
): Promise<ConnectionRequestOutcome> {
  let proof: Proof = 'none'
  let authorization: string | undefined
  for (let asks = 0; asks < ASKS_MAX; asks++) {
    const heard = await line.ask(requestText(target, authorization))
    if (heard.kind !== 'answer') return outcomeWithoutAnswer(heard, target)
    const cnonce = randomBytes(CNONCE_BYTES).toString('hex')
    const next = nextStep(heard.answer, { proof, path: target.path }, { request, allowBasic, cnonce })
    if (next.kind === 'done') return next.outcome
    proof = next.proof
    authorization = next.authorization
  }
  throw new Error(`Assertion failed: more than ${ASKS_MAX} requests were wanted`)
}

function requestText({ path, authority }: Target, authorization: string | undefined): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${authority}`,
    ...(authorization === undefined ? [] : [`Authorization: ${authorization}`]),
    '',
    '',
  ].join('\r\n')
}

type Trouble = Exclude<Heard, { kind: 'answer' }> | { readonly kind: 'problem'; readonly problem: OutboundProblem }

function outcomeWithoutAnswer(trouble: Trouble, { authority }: Target): ConnectionRequestOutcome {
  switch (trouble.kind) {
    case 'problem':
      return {
        kind: trouble.problem.code === 'forbidden-address' ? 'forbidden' : 'unreachable',
        detail: trouble.problem.message,
      }
    case 'nothing':
      if (trouble.because === 'late') return { kind: 'unreachable', detail: `${authority} did not answer in time` }
      return { kind: 'broken', detail: `${authority} closed the connection without an answer` }
    case 'broken':
      return { kind: 'broken', detail: `${authority}: ${trouble.detail}` }
  }
}

/** The connection to the device: kept while it may be, made anew when it was closed. */
class Line {
  readonly #target: Target
  readonly #options: ConnectionRequestOptions
  #socket: Socket | undefined

  constructor(target: Target, options: ConnectionRequestOptions) {
    this.#target = target
    this.#options = options
  }

  async ask(text: string): Promise<Heard | Trouble> {
    if (this.#socket !== undefined) {
      const heard = await this.#exchange(this.#socket, text)
      // It closed after its 401, before it saw the proof: that is no answer yet.
      if (heard.kind !== 'nothing' || heard.because !== 'closed' || this.#aborted()) return heard
    }
    const { host, port } = this.#target
    const { connectMs = CONNECT_MS, ...options } = this.#options
    const connected = await guardedConnect({ ...options, host, port, timeoutMs: connectMs })
    if (!connected.ok) return { kind: 'problem', problem: connected.error }
    return this.#exchange(connected.value, text)
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  #aborted(): boolean {
    return this.#options.signal?.aborted === true
  }

  async #exchange(socket: Socket, text: string): Promise<Heard> {
    this.#socket = socket
    const { answerMs = ANSWER_MS, bytesMax = ANSWER_BYTES_MAX } = this.#options
    const heard = await exchange(socket, text, { answerMs, bytesMax })
    if (heard.kind !== 'answer' || !heard.answer.reusable) this.close()
    // The caller ended it: whatever it looked like from here, nobody waits for the device any more.
    return this.#aborted() && heard.kind !== 'answer' ? { kind: 'nothing', because: 'late' } : heard
  }
}
