import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'

import { assertNever } from '../../protocol/result.ts'
import type { Millis, Step } from '../../protocol/result.ts'
import {
  bytesSource,
  decodePacket,
  DEFAULT_TRANSFER_POLICY,
  encodePacket,
  isEncodableFilename,
  isEnded,
  isOver,
  startReceiving,
  startSending,
  stepTransfer,
  TFTP_ERROR,
} from '../../protocol/tftp/mod.ts'
import type { Transfer, TransferInput, TransferOutput, TransferPolicy, WantedOptions } from '../../protocol/tftp/mod.ts'

/** A transfer to ask for. With neither `blockSize` nor `windowSize` it is plain RFC 1350 in blocks of 512 bytes. */
export interface TftpTarget {
  readonly host: string
  readonly port: number
  /** Sent as the file name, just as it is. */
  readonly path: string
  /** Block size to ask for, bytes; the size of the file is then asked for too. */
  readonly blockSize?: number | undefined
  /** Blocks for one ACK to ask for (RFC 7440). */
  readonly windowSize?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Own address, of the family of `host`; absent: the system chooses. */
  readonly localAddress?: string | undefined
  /** Differences from the default policy. */
  readonly policy?: Partial<TransferPolicy> | undefined
}

/** Why no file came or went, where the server did not say. An abort is `network`. */
export interface TftpFailed {
  readonly kind: 'failed'
  readonly reason: 'timeout' | 'too-large' | 'network'
  readonly detail: string
}

/** The server's ERROR packet. */
export interface TftpRefused {
  readonly kind: 'error'
  readonly code: number
  readonly message: string
}

export type TftpReadResult = { readonly kind: 'file'; readonly bytes: Uint8Array } | TftpRefused | TftpFailed
export type TftpWriteResult = { readonly kind: 'sent'; readonly byteCount: number } | TftpRefused | TftpFailed

/** Error packets sent to strangers in one transfer; more would make us a mirror for forged packets. */
const STRANGER_REPLIES_MAX = 8

/**
 * Reads a file. Never rejects for what the network or the server did.
 * @param target `maxBytes`: a larger file is refused with error 3, at the OACK if the server tells its size
 * Source: RFC 1350; MPP §6 and §15.
 */
export async function tftpRead(target: TftpTarget & { readonly maxBytes: number }): Promise<TftpReadResult> {
  const result = await converse(target, (wanted, now) => {
    const policy = { ...DEFAULT_TRANSFER_POLICY, ...target.policy, transferSizeMax: target.maxBytes }
    return startReceiving({ kind: 'ask', filename: target.path, wanted }, policy, now)
  })
  if (result.kind !== 'done') return result
  return { kind: 'file', bytes: result.bytes ?? new Uint8Array(0) }
}

/** Writes a file: the "TFTP PUT" of reports (MPP §12.2). Never rejects for what the network or the server did. */
export async function tftpWrite(target: TftpTarget & { readonly body: Uint8Array }): Promise<TftpWriteResult> {
  const result = await converse(target, (wanted, now) => {
    const policy = { ...DEFAULT_TRANSFER_POLICY, ...target.policy }
    return startSending(bytesSource(target.body), { kind: 'ask', filename: target.path, wanted }, policy, now)
  })
  return result.kind === 'done' ? { kind: 'sent', byteCount: result.byteCount } : result
}

type Start = (wanted: WantedOptions, now: Millis) => Step<Transfer, TransferOutput>
type Outcome = Extract<TransferOutput, { readonly kind: 'done' }> | TftpRefused | TftpFailed

async function converse(target: TftpTarget, start: Start): Promise<Outcome> {
  if (!isEncodableFilename(target.path)) return networkFailure('Cannot ask for this path by TFTP: too long')
  const wanted = wantedOptions(target)
  const outcome = await attempt(target, () => start(wanted, monotonicNow()))
  const refusedOptions = outcome.kind === 'error' && outcome.code === TFTP_ERROR.optionRefused
  if (!refusedOptions || Object.keys(wanted).length === 0) return outcome
  // RFC 2347 §4: a server that cannot live with our options may still serve the plain way.
  return attempt(target, () => start({}, monotonicNow()))
}

async function attempt(target: TftpTarget, start: () => Step<Transfer, TransferOutput>): Promise<Outcome> {
  if (target.signal?.aborted === true) return networkFailure('Aborted')
  try {
    const server = await lookup(target.host)
    const socket = createSocket({
      type: server.family === 6 ? 'udp6' : 'udp4',
      lookup: (address, _options, callback) => callback(null, address, server.family),
    })
    const conversation = new Conversation(socket, server.address, target.port)
    return await conversation.run(start, target)
  } catch (cause) {
    return networkFailure(cause instanceof Error ? cause.message : String(cause))
  }
}

/** One transfer on one socket of its own. */
class Conversation {
  readonly #socket: Socket
  readonly #address: string
  readonly #port: number
  /** The port the server chose for this transfer (its TID); undefined until its first packet. */
  #serverPort: number | undefined
  #transfer: Transfer | undefined
  #wakeAt: Millis = 0
  #timer: NodeJS.Timeout | undefined
  #timerAt: Millis = 0
  #strangerReplies = 0
  #closed = false
  #settle: (outcome: Outcome) => void = () => undefined

  constructor(socket: Socket, address: string, port: number) {
    this.#socket = socket
    this.#address = address
    this.#port = port
  }

  /** Resolves as soon as the outcome is known; the socket may linger a moment to repeat the last ACK. */
  async run(
    start: () => Step<Transfer, TransferOutput>,
    { signal, localAddress }: Pick<TftpTarget, 'signal' | 'localAddress'>,
  ): Promise<Outcome> {
    const onAbort = (): void => this.#feed({ kind: 'abort', message: 'Aborted' })
    const outcome = new Promise<Outcome>((resolve) => {
      this.#settle = resolve
    })
    this.#socket.on('error', (cause) => this.#giveUp(cause))
    this.#socket.on('message', (bytes, remote) => this.#receive(bytes, remote))
    this.#socket.bind({ port: 0, ...(localAddress === undefined ? {} : { address: localAddress }) }, () => {
      if (signal?.aborted === true) this.#giveUp(new Error('Aborted'))
      else this.#guard(() => this.#apply(start()))
    })
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await outcome
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #receive(bytes: Uint8Array, remote: RemoteInfo): void {
    const ours = remote.address === this.#address && remote.port === (this.#serverPort ?? remote.port)
    if (ours) {
      // Noise must not fix the port, or the true answer would come from a stranger.
      if (this.#serverPort === undefined && decodePacket(bytes).ok) this.#serverPort = remote.port
      this.#feed({ kind: 'datagram', bytes })
    } else if (remote.port !== 0 && this.#strangerReplies < STRANGER_REPLIES_MAX && !isErrorPacket(bytes)) {
      // RFC 1350 §4: a wrong source port is told so and does not disturb the transfer.
      this.#strangerReplies += 1
      const packet = { kind: 'error', code: TFTP_ERROR.unknownTransfer, message: 'Unknown transfer ID' } as const
      this.#send(encodePacket(packet), remote.port, remote.address)
    }
  }

  #feed(input: TransferInput): void {
    const transfer = this.#transfer
    if (transfer !== undefined) this.#guard(() => this.#apply(stepTransfer(transfer, input, monotonicNow())))
  }

  #apply(step: Step<Transfer, TransferOutput>): void {
    this.#transfer = step.state
    for (const output of step.outputs) this.#perform(output)
    if (isOver(step.state)) this.#close()
  }

  #perform(output: TransferOutput): void {
    switch (output.kind) {
      case 'send':
        this.#send(output.bytes, this.#serverPort ?? this.#port, this.#address)
        return
      case 'wake':
        this.#wake(output.at)
        return
      case 'done':
        this.#settle(output)
        return
      case 'failed':
        this.#settle(outcomeOf(output))
        this.#close()
        return
      default:
        assertNever(output)
    }
  }

  #wake(at: Millis): void {
    this.#wakeAt = at
    if (this.#closed || (this.#timer !== undefined && this.#timerAt <= at)) return
    clearTimeout(this.#timer)
    this.#arm()
  }

  #arm(): void {
    this.#timerAt = this.#wakeAt
    const delayMs = Math.max(1, Math.ceil(this.#wakeAt - monotonicNow()))
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#wakeAt > monotonicNow()) this.#arm()
      else this.#feed({ kind: 'timer' })
    }, delayMs)
    // Lingering for the sake of the other side is no reason to keep a process alive.
    if (this.#transfer !== undefined && isEnded(this.#transfer)) {
      this.#timer.unref()
      this.#socket.unref()
    }
  }

  #send(bytes: Uint8Array, port: number, address: string): void {
    // A datagram that cannot be sent is a datagram lost; the timer takes care of both.
    if (!this.#closed) this.#socket.send(bytes, port, address, () => undefined)
  }

  #guard(action: () => void): void {
    try {
      action()
    } catch (cause) {
      this.#giveUp(cause)
    }
  }

  #giveUp(cause: unknown): void {
    this.#settle(networkFailure(cause instanceof Error ? cause.message : String(cause)))
    this.#close()
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#transfer = undefined
    this.#socket.close()
  }
}

function wantedOptions(target: TftpTarget): WantedOptions {
  const { blockSize, windowSize } = target
  if (blockSize === undefined && windowSize === undefined) return {}
  return { blockSize, windowSize, transferSize: true }
}

function outcomeOf(failed: Extract<TransferOutput, { readonly kind: 'failed' }>): TftpRefused | TftpFailed {
  switch (failed.reason) {
    case 'peer-error':
      return { kind: 'error', code: failed.errorCode ?? TFTP_ERROR.undefinedError, message: failed.message }
    case 'timeout':
    case 'too-large':
      return { kind: 'failed', reason: failed.reason, detail: failed.message }
    case 'bad-options':
    case 'protocol':
    case 'aborted':
      return networkFailure(failed.message)
    default:
      return assertNever(failed.reason)
  }
}

function networkFailure(detail: string): TftpFailed {
  return { kind: 'failed', reason: 'network', detail }
}

function isErrorPacket(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[1] === 5
}

/** Milliseconds since the epoch by a clock that is never set, so that a corrected time of day resends nothing. */
function monotonicNow(): Millis {
  return performance.timeOrigin + performance.now()
}
