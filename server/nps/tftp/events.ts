import type { TransferFailure } from '../../../protocol/tftp/mod.ts'

/** Who asked: the address without the `::ffff:` of IPv4 on an IPv6 socket. */
export interface TftpPeer {
  readonly address: string
  readonly port: number
}

/** What an operator may want to see or count. No file contents. */
export type TftpDoorEvent =
  /** A transfer came to its end; `failure` is absent when all went well. */
  | {
      readonly kind: 'ended'
      readonly op: 'read' | 'write'
      readonly filename: string
      readonly peer: TftpPeer
      readonly byteCount: number
      readonly durationMs: number
      readonly failure?: TransferFailure
    }
  /** The answer was an error. */
  | {
      readonly kind: 'refused'
      readonly op: 'read' | 'write'
      readonly filename: string
      readonly peer: TftpPeer
      readonly code: number
    }
  /** A request was dropped unanswered because a limit was reached; the asker will repeat it. */
  | { readonly kind: 'busy'; readonly peer: TftpPeer }
  /** The answer or its source threw, or the socket did. */
  | { readonly kind: 'broken'; readonly cause: unknown }
