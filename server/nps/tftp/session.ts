import type { RemoteInfo } from 'node:dgram'

import type { Millis } from '../../../protocol/result.ts'
import type { TftpRequestPacket, Transfer } from '../../../protocol/tftp/mod.ts'
import { plainAddress } from '../../devices/mod.ts'
import type { TftpRequest } from './door-options.ts'
import type { TftpPeer } from './events.ts'

/** One request and its transfer, as the door keeps it. Only the door changes it. */
export interface Session {
  readonly key: string
  readonly address: string
  readonly port: number
  readonly peer: TftpPeer
  readonly op: 'read' | 'write'
  readonly filename: string
  readonly requestBytes: Uint8Array
  readonly startedAt: Millis
  transfer: Transfer | undefined
  wakeAt: Millis
  timer: NodeJS.Timeout | undefined
  timerAt: Millis
  /** Closes the source of a read; absent once called. */
  closeSource: (() => void) | undefined
  /** True when the session left the active rooms: ended, dropped or replaced. */
  released: boolean
}

/** A session that has asked and got no answer yet. */
export function newSession(
  packet: TftpRequestPacket,
  requestBytes: Uint8Array,
  remote: RemoteInfo,
  now: Millis,
): Session {
  return {
    key: peerKey(remote),
    address: remote.address,
    port: remote.port,
    peer: { address: plainAddress(remote.address), port: remote.port },
    op: packet.kind === 'rrq' ? 'read' : 'write',
    filename: packet.filename,
    requestBytes,
    startedAt: now,
    transfer: undefined,
    wakeAt: now,
    timer: undefined,
    timerAt: now,
    closeSource: undefined,
    released: false,
  }
}

/** The question it puts to the answerer. */
export function requestOf(session: Session): TftpRequest {
  return { op: session.op, filename: session.filename, peer: session.peer }
}

/** What every event about it says. */
export function eventOf(session: Session): {
  readonly op: 'read' | 'write'
  readonly filename: string
  readonly peer: TftpPeer
} {
  return { op: session.op, filename: session.filename, peer: session.peer }
}

/** Names a peer: its address and port, as they came. */
export function peerKey(remote: { readonly address: string; readonly port: number }): string {
  return `${remote.address}|${remote.port}`
}
