/**
 * TFTP as datagrams: both sides are the state machines of `protocol/tftp`, and every packet goes through the network.
 * The door stands on one port and tells its transfers apart by the port of the phone.
 */
import type { FetchOutcome } from '../phone/agent/mod.ts'
import type { Millis, Step } from '../protocol/result.ts'
import {
  decodePacket,
  DEFAULT_TRANSFER_POLICY,
  encodePacket,
  isOver,
  looksLikeRequest,
  startReceiving,
  startSending,
  startsAnew,
  stepTransfer,
  TFTP_ERROR,
  type TftpRequestPacket,
  type Transfer,
  type TransferInput,
  type TransferOutput,
} from '../protocol/tftp/mod.ts'
import { PROVISIONING_ADDRESS } from './addresses.ts'
import type { VirtualClock } from './clock.ts'
import type { Network } from './network.ts'
import type { ProvisioningServer } from './provisioning-server.ts'

/** Transfers that the door remembers; a phone has one at a time, and the oldest goes first. */
const SESSIONS_MAX = 1000

type Send = (bytes: Uint8Array) => void

/** A transfer of either side with its one timer. */
class RunningTransfer {
  #transfer: Transfer
  #wakeAt: Millis = 0
  readonly #clock: VirtualClock
  readonly #perform: (output: TransferOutput) => void

  constructor(step: Step<Transfer, TransferOutput>, clock: VirtualClock, perform: (output: TransferOutput) => void) {
    this.#transfer = step.state
    this.#clock = clock
    this.#perform = perform
    this.#apply(step)
  }

  get transfer(): Transfer {
    return this.#transfer
  }

  feed(input: TransferInput): void {
    this.#apply(stepTransfer(this.#transfer, input, this.#clock.now))
  }

  #apply(step: Step<Transfer, TransferOutput>): void {
    this.#transfer = step.state
    for (const output of step.outputs) {
      if (output.kind === 'wake') this.#wake(output.at)
      else this.#perform(output)
    }
  }

  #wake(at: Millis): void {
    this.#wakeAt = at
    this.#clock.after(at - this.#clock.now, () => {
      if (this.#wakeAt === at && !isOver(this.#transfer)) this.feed({ kind: 'timer' })
    })
  }
}

interface Session {
  readonly requestBytes: Uint8Array
  /** Undefined while the answer is being looked up. */
  running: RunningTransfer | undefined
}

interface Peer {
  readonly address: string
  readonly port: number
  readonly reply: Send
}

/** The server's side. Forgets everything when the server goes down. */
export class TftpDoor {
  readonly #server: ProvisioningServer
  readonly #clock: VirtualClock
  readonly #sessions = new Map<string, Session>()

  constructor(server: ProvisioningServer, clock: VirtualClock) {
    this.#server = server
    this.#clock = clock
  }

  /** The server goes down: peers are told, but the word may get lost. */
  breakOff(): void {
    for (const { running } of this.#sessions.values()) running?.feed({ kind: 'abort', message: 'Server is closing' })
    this.#sessions.clear()
  }

  /** A datagram has arrived; nobody is there to take it while the server is down. */
  async receive(bytes: Uint8Array, peer: Peer): Promise<void> {
    if (!this.#server.isUp) return
    const session = this.#sessions.get(keyOf(peer))
    const packet = decodePacket(bytes)
    if (!packet.ok) return
    if (packet.value.kind === 'rrq') return this.#request(packet.value, bytes, session, peer)
    if (session?.running !== undefined) session.running.feed({ kind: 'datagram', bytes })
    else if (session === undefined && packet.value.kind !== 'error' && !looksLikeRequest(bytes)) {
      peer.reply(errorPacket(TFTP_ERROR.unknownTransfer, 'Unknown transfer ID'))
    }
  }

  async #request(
    packet: TftpRequestPacket,
    bytes: Uint8Array,
    earlier: Session | undefined,
    peer: Peer,
  ): Promise<void> {
    if (earlier !== undefined && Buffer.compare(earlier.requestBytes, bytes) === 0) {
      const { running } = earlier
      if (running === undefined || !startsAnew(running.transfer, this.#clock.now)) {
        running?.feed({ kind: 'datagram', bytes })
        return
      }
    }
    const session: Session = { requestBytes: bytes, running: undefined }
    const [oldest] = this.#sessions.keys()
    if (oldest !== undefined && this.#sessions.size >= SESSIONS_MAX) this.#sessions.delete(oldest)
    this.#sessions.set(keyOf(peer), session)
    const answer = await this.#server.answerTftp(packet.filename, peer)
    if (answer.kind !== 'file') {
      this.#sessions.delete(keyOf(peer))
      if (answer.kind === 'error') peer.reply(errorPacket(answer.code, answer.message))
      return
    }
    const opening = { kind: 'answer', options: packet.options } as const
    const step = startSending(answer.source, opening, DEFAULT_TRANSFER_POLICY, this.#clock.now)
    session.running = new RunningTransfer(step, this.#clock, (output) => {
      if (output.kind === 'send') peer.reply(output.bytes)
      else answer.close?.()
    })
  }
}

export interface TftpQuestion {
  readonly path: string
  readonly bytesMax: number
  readonly address: string
  /** The port that the phone has opened for this transfer. */
  readonly port: number
  readonly network: Network
  readonly clock: VirtualClock
  readonly door: TftpDoor
  readonly done: (outcome: FetchOutcome) => void
}

/** The phone's side: one read. */
export function readByTftp(question: TftpQuestion): void {
  const { network, door, clock, address, port } = question
  const client: { running: RunningTransfer | undefined } = { running: undefined }
  const reply: Send = (bytes) => network.carry(() => client.running?.feed({ kind: 'datagram', bytes }))
  const policy = { ...DEFAULT_TRANSFER_POLICY, transferSizeMax: question.bytesMax }
  // Plain RFC 1350, as the phone asks: blocks of 512 bytes, one at a time.
  const step = startReceiving({ kind: 'ask', filename: question.path }, policy, clock.now)
  client.running = new RunningTransfer(step, clock, (output) => {
    if (output.kind === 'send') network.carry(() => door.receive(output.bytes, { address, port, reply }))
    else question.done(outcomeOf(output))
  })
}

function outcomeOf(output: Exclude<TransferOutput, { kind: 'send' }>): FetchOutcome {
  const peerAddress = PROVISIONING_ADDRESS
  if (output.kind === 'done') return { kind: 'tftp-file', body: output.bytes ?? new Uint8Array(0), peerAddress }
  if (output.kind === 'wake') throw new Error('Assertion failed: wakes are kept by the transfer itself')
  const { reason, errorCode, message } = output
  if (reason === 'peer-error') return { kind: 'tftp-error', code: errorCode ?? 0, message, peerAddress }
  const known = reason === 'timeout' || reason === 'too-large' ? reason : 'broken'
  return { kind: 'failed', reason: known, detail: message }
}

function keyOf({ address, port }: Peer): string {
  return `${address}|${port}`
}

function errorPacket(code: number, message: string): Uint8Array {
  return encodePacket({ kind: 'error', code, message })
}
