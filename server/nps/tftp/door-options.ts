import type { Millis } from '../../../protocol/result.ts'
import type { TransferPolicy, TransferSource } from '../../../protocol/tftp/mod.ts'
import type { TftpDoorEvent, TftpPeer } from './events.ts'
import type { SessionLimits } from './session-table.ts'

/** A question to the answerer. `filename` is as sent, with or without a first slash. */
export interface TftpRequest {
  readonly op: 'read' | 'write'
  readonly filename: string
  readonly peer: TftpPeer
  /** The whole file of a write; absent for a read, and for a write that asks `admit`. */
  readonly body?: Uint8Array
}

/**
 * What to do with a request: send a file (reads), take it (writes), or refuse. `close` is called once when the
 * transfer has ended either way. An error with code 1 is always sent with the text "File not found".
 */
export type TftpAnswer =
  | { readonly kind: 'file'; readonly source: TransferSource; close?(): void }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'error'; readonly code: number; readonly message: string }

/** How to listen. */
export interface TftpDoorOptions {
  /** UDP port; 0 for any. */
  readonly port: number
  /** Address to bind. */
  readonly host: string
  /** Answers a read, or a write whose `body` has arrived. A rejection is answered with error 0. */
  answer(request: TftpRequest): Promise<TftpAnswer>
  /** Asked before a write is taken, without its body. Absent: every write is taken, up to its size limit. */
  admit?(request: TftpRequest): Promise<TftpAnswer>
  /** Differences from the default policy; `transferSizeMax` is about writes, {@link WRITE_BYTES_MAX} if absent. */
  readonly policy?: Partial<TransferPolicy>
  readonly limits?: Partial<SessionLimits & { readonly writesMax: number }>
  /** Told what happened. Must not throw. */
  note?(event: TftpDoorEvent): void
  /** The clock, ms. It must not jump: the default is the monotonic one. */
  now?(): Millis
}

/** A listening door. */
export interface TftpDoor {
  readonly port: number
  /** Breaks off what is under way and frees the port. */
  close(): Promise<void>
}

/** Largest write taken, bytes: a report is about the size of a profile (MPP §1.1). */
export const WRITE_BYTES_MAX = 1024 * 1024

/** Writes under way at a time; each is in memory until it is whole. */
export const WRITES_MAX = 32
