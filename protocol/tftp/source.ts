import type { TransferSource } from './conversation.ts'

/** A file in memory as a source; reads are views of `bytes`, which must not change while it is sent. */
export function bytesSource(bytes: Uint8Array): TransferSource {
  return {
    byteCount: bytes.length,
    read(offset, length) {
      return bytes.subarray(offset, offset + length)
    },
  }
}
