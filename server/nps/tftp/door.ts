import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'

import { assertNever } from '../../../protocol/result.ts'
import type { Millis, Step } from '../../../protocol/result.ts'
import {
  decodePacket,
  DEFAULT_TRANSFER_POLICY,
  encodePacket,
  FILE_NOT_FOUND_TEXT,
  isConfirmed,
  isEnded,
  isOver,
  looksLikeRequest,
  startReceiving,
  startSending,
  startsAnew,
  stepTransfer,
  TFTP_ERROR,
} from '../../../protocol/tftp/mod.ts'
import type {
  TftpRequestPacket,
  Transfer,
  TransferFailure,
  TransferInput,
  TransferOutput,
  TransferPolicy,
} from '../../../protocol/tftp/mod.ts'
import { WRITE_BYTES_MAX, WRITES_MAX } from './door-options.ts'
import type { TftpAnswer, TftpDoor, TftpDoorOptions } from './door-options.ts'
import type { TftpDoorEvent } from './events.ts'
import { eventOf, newSession, peerKey, requestOf } from './session.ts'
import type { Session } from './session.ts'
import { DEFAULT_SESSION_LIMITS, SessionTable } from './session-table.ts'

/** Receive buffer asked of the kernel, bytes: the first packets of a thousand phones at once. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

/**
 * Listens for TFTP. All transfers share the one socket (a client then needs no more of a firewall than a way to this
 * port and back), told apart by the address and port of the peer.
 * @throws when the port cannot be bound
 */
export async function listenTftp(options: TftpDoorOptions): Promise<TftpDoor> {
  const type = isIPv6(options.host) ? 'udp6' : 'udp4'
  const socket = createSocket({ type, recvBufferSize: RECEIVE_BUFFER_BYTES, lookup: keepAddress })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(options.port, options.host, () => {
      socket.off('error', reject)
      resolve()
    })
  })
  const door = new Door(socket, options)
  return { port: socket.address().port, close: () => door.close() }
}

class Door {
  readonly #socket: Socket
  readonly #options: TftpDoorOptions
  readonly #policy: TransferPolicy
  readonly #writesMax: number
  readonly #table: SessionTable<Session>
  #writeCount = 0
  #closed = false

  constructor(socket: Socket, options: TftpDoorOptions) {
    const { writesMax, ...limits } = options.limits ?? {}
    this.#socket = socket
    this.#options = options
    this.#policy = { ...DEFAULT_TRANSFER_POLICY, transferSizeMax: WRITE_BYTES_MAX, ...options.policy }
    this.#writesMax = writesMax ?? WRITES_MAX
    this.#table = new SessionTable({ ...DEFAULT_SESSION_LIMITS, ...limits }, (session) => this.#forget(session))
    socket.on('message', (bytes, remote) => this.#receive(bytes, remote))
    socket.on('error', (cause) => this.#note({ kind: 'broken', cause }))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    for (const session of this.#table.all()) {
      this.#feed(session, { kind: 'abort', message: 'Server is closing' })
      this.#table.remove(session)
      this.#forget(session)
    }
    this.#closed = true
    await new Promise<void>((resolve) => this.#socket.close(resolve))
  }

  #receive(bytes: Uint8Array, remote: RemoteInfo): void {
    // Nobody can be answered at port 0.
    if (this.#closed || remote.port === 0) return
    const session = this.#table.get(peerKey(remote))
    if (looksLikeRequest(bytes)) this.#receiveRequest(bytes, remote, session)
    else if (session !== undefined) this.#feed(session, { kind: 'datagram', bytes })
    else this.#refuseStranger(bytes, remote)
  }

  /** RFC 1350 §4: a packet of no transfer is answered with error 5, but an ERROR never is; noise is not either. */
  #refuseStranger(bytes: Uint8Array, remote: RemoteInfo): void {
    const packet = decodePacket(bytes)
    if (!packet.ok || packet.value.kind === 'error') return
    this.#sendError(remote, TFTP_ERROR.unknownTransfer, 'Unknown transfer ID')
  }

  #receiveRequest(bytes: Uint8Array, remote: RemoteInfo, earlier: Session | undefined): void {
    const packet = decodePacket(bytes)
    if (!packet.ok || (packet.value.kind !== 'rrq' && packet.value.kind !== 'wrq') || !isKnownMode(packet.value.mode)) {
      this.#sendError(remote, TFTP_ERROR.illegalOperation, 'Illegal TFTP operation')
      return
    }
    if (earlier !== undefined && this.#isRepetition(earlier, bytes)) {
      this.#feed(earlier, { kind: 'datagram', bytes })
      return
    }
    if (earlier !== undefined) {
      this.#table.remove(earlier)
      this.#forget(earlier)
    }
    this.#open(packet.value, bytes, remote)
  }

  #isRepetition(earlier: Session, bytes: Uint8Array): boolean {
    if (Buffer.compare(earlier.requestBytes, bytes) !== 0) return false
    return earlier.transfer === undefined || !startsAnew(earlier.transfer, this.#now())
  }

  #open(packet: TftpRequestPacket, requestBytes: Uint8Array, remote: RemoteInfo): void {
    const session = newSession(packet, requestBytes, remote, this.#now())
    // A full house stays silent: the asker repeats its request later, where an error would end its attempt.
    const full = session.op === 'write' && this.#writeCount >= this.#writesMax
    if (full || !this.#table.admit(session)) {
      this.#note({ kind: 'busy', peer: session.peer })
      return
    }
    if (session.op === 'write') this.#writeCount += 1
    const opened = session.op === 'read' ? this.#openRead(session, packet) : this.#openWrite(session, packet)
    opened.catch((cause: unknown) => this.#break(session, cause))
  }

  async #openRead(session: Session, packet: TftpRequestPacket): Promise<void> {
    const answer = await this.#options.answer(requestOf(session))
    if (session.released) {
      if (answer.kind === 'file') answer.close?.()
      return
    }
    switch (answer.kind) {
      case 'file': {
        session.closeSource = () => answer.close?.()
        const opening = { kind: 'answer', options: packet.options } as const
        this.#apply(session, startSending(answer.source, opening, this.#policy, this.#now()))
        return
      }
      case 'error':
        return this.#refuse(session, answer)
      case 'accepted':
        throw new Error('Cannot answer a TFTP read with "accepted", expected "file" or "error"')
      default:
        assertNever(answer)
    }
  }

  async #openWrite(session: Session, packet: TftpRequestPacket): Promise<void> {
    const verdict = await (this.#options.admit?.(requestOf(session)) ?? { kind: 'accepted' as const })
    if (session.released) return
    if (verdict.kind === 'error') {
      this.#refuse(session, verdict)
      return
    }
    const opening = { kind: 'answer', options: packet.options, holdFinalAck: true } as const
    this.#apply(session, startReceiving(opening, this.#policy, this.#now()))
  }

  async #judgeWrite(session: Session, body: Uint8Array): Promise<void> {
    const answer = await this.#options.answer({ ...requestOf(session), body })
    if (session.released) return
    switch (answer.kind) {
      case 'accepted':
        this.#feed(session, { kind: 'confirm' })
        this.#release(session, body.length, undefined)
        return
      case 'error':
        this.#note({ ...eventOf(session), kind: 'refused', code: answer.code })
        this.#letGo(session)
        this.#table.end(session)
        this.#feed(session, { kind: 'abort', code: answer.code, message: errorText(answer) })
        return
      case 'file':
        answer.close?.()
        throw new Error('Cannot answer a TFTP write with "file", expected "accepted" or "error"')
      default:
        assertNever(answer)
    }
  }

  #refuse(session: Session, answer: Extract<TftpAnswer, { readonly kind: 'error' }>): void {
    this.#note({ ...eventOf(session), kind: 'refused', code: answer.code })
    this.#sendError(session, answer.code, errorText(answer))
    this.#table.remove(session)
    this.#forget(session)
  }

  /** Our own side threw: this transfer ends, the door stays. */
  #break(session: Session, cause: unknown): void {
    this.#note({ kind: 'broken', cause })
    if (session.released) return
    this.#sendError(session, TFTP_ERROR.undefinedError, 'Server error')
    this.#table.remove(session)
    this.#forget(session)
  }

  #feed(session: Session, input: TransferInput): void {
    if (session.transfer === undefined) return
    try {
      this.#apply(session, stepTransfer(session.transfer, input, this.#now()))
    } catch (cause) {
      this.#break(session, cause)
    }
  }

  #apply(session: Session, step: Step<Transfer, TransferOutput>): void {
    session.transfer = step.state
    for (const output of step.outputs) this.#perform(session, output)
    if (isOver(step.state)) {
      this.#table.remove(session)
      this.#forget(session)
    } else if (!session.released && !isEnded(step.state) && isConfirmed(step.state)) {
      this.#table.confirm(session)
    }
  }

  #perform(session: Session, output: TransferOutput): void {
    switch (output.kind) {
      case 'send':
        this.#send(session, output.bytes)
        return
      case 'wake':
        this.#wake(session, output.at)
        return
      case 'done':
        if (output.bytes === undefined) this.#release(session, output.byteCount, undefined)
        else this.#judgeWrite(session, output.bytes).catch((cause: unknown) => this.#break(session, cause))
        return
      case 'failed':
        this.#release(session, 0, output.reason)
        return
      default:
        assertNever(output)
    }
  }

  /** The transfer has ended: gives back what it held and lets it linger. */
  #release(session: Session, byteCount: number, failure: TransferFailure | undefined): void {
    if (session.released) return
    this.#letGo(session)
    this.#table.end(session)
    const durationMs = this.#now() - session.startedAt
    const event = { ...eventOf(session), kind: 'ended', byteCount, durationMs } as const
    this.#note(failure === undefined ? event : { ...event, failure })
  }

  /** The session is out of the table. */
  #forget(session: Session): void {
    this.#letGo(session)
    clearTimeout(session.timer)
    session.timer = undefined
    session.transfer = undefined
  }

  #letGo(session: Session): void {
    if (session.released) return
    session.released = true
    if (session.op === 'write') this.#writeCount -= 1
    const close = session.closeSource
    session.closeSource = undefined
    try {
      close?.()
    } catch (cause) {
      this.#note({ kind: 'broken', cause })
    }
  }

  /** One timer a transfer. It is left alone while the wake-up only moves away, which is nearly always. */
  #wake(session: Session, at: Millis): void {
    session.wakeAt = at
    if (session.timer !== undefined && session.timerAt <= at) return
    clearTimeout(session.timer)
    this.#arm(session)
  }

  #arm(session: Session): void {
    session.timerAt = session.wakeAt
    const delayMs = Math.max(1, Math.ceil(session.wakeAt - this.#now()))
    session.timer = setTimeout(() => {
      session.timer = undefined
      if (session.wakeAt > this.#now()) this.#arm(session)
      else this.#feed(session, { kind: 'timer' })
    }, delayMs)
    session.timer.unref()
  }

  #sendError(to: { readonly address: string; readonly port: number }, code: number, message: string): void {
    this.#send(to, encodePacket({ kind: 'error', code: code & 0xffff, message }))
  }

  #send(to: { readonly address: string; readonly port: number }, bytes: Uint8Array): void {
    if (this.#closed) return
    // A datagram that cannot be sent is a datagram lost; the timer of the transfer takes care of both.
    this.#socket.send(bytes, to.port, to.address, () => undefined)
  }

  #note(event: TftpDoorEvent): void {
    this.#options.note?.(event)
  }

  #now(): Millis {
    return this.#options.now?.() ?? performance.timeOrigin + performance.now()
  }
}

/** Netascii is taken and served as octet: no phone asks for line ends to be changed in a profile or in firmware. */
function isKnownMode(mode: string): boolean {
  return /^(octet|netascii)$/i.test(mode)
}

function errorText(answer: { readonly code: number; readonly message: string }): string {
  return answer.code === TFTP_ERROR.fileNotFound ? FILE_NOT_FOUND_TEXT : answer.message
}

/** Peers are addresses already; the name lookup of node would only put off each send. */
function keepAddress(
  address: string,
  _options: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, isIPv6(address) ? 6 : 4)
}
