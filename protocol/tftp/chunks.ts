/*
 * A file as it grows, one block at a time. A list linked backwards, so that adding a block costs the same at any size
 * and earlier states of a transfer stay what they were.
 */

/** Blocks received so far, last one first; undefined for none. */
export type Chunks = { readonly last: Uint8Array; readonly before: Chunks; readonly byteCount: number } | undefined

/** Adds a copy of `data` at the end. */
export function addChunk(chunks: Chunks, data: Uint8Array): Chunks {
  return { last: data.slice(), before: chunks, byteCount: chunksByteCount(chunks) + data.length }
}

/** Bytes in all. */
export function chunksByteCount(chunks: Chunks): number {
  return chunks === undefined ? 0 : chunks.byteCount
}

/** The whole file in one piece. */
export function joinChunks(chunks: Chunks): Uint8Array {
  const whole = new Uint8Array(chunksByteCount(chunks))
  for (let chunk = chunks; chunk !== undefined; chunk = chunk.before) {
    whole.set(chunk.last, chunk.byteCount - chunk.last.length)
  }
  return whole
}
