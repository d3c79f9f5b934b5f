/** Range requests (RFC 9110 §14): firmware downloads that go on where they broke off. */

/** What of a body to send. `start` and `end` are offsets in bytes, `end` inclusive. */
export type ByteRange =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' }

/**
 * Reads the header `Range` for a body of `size` bytes. What is not one valid byte range is ignored, as the RFC
 * allows: another unit, broken syntax, several ranges, and a suffix of an empty body.
 * @returns `unsatisfiable` (416) for a range that begins behind the end, or an empty suffix
 * Source: RFC 9110 §14.1.2, §14.2.
 */
export function parseRange(header: string | undefined, size: number): ByteRange {
  const list = /^bytes=(.*)$/i.exec(header?.trim() ?? '')?.[1]
  const ranges = (list ?? '').split(',').flatMap((range) => (range.trim() === '' ? [] : [range.trim()]))
  const [, first, last] = ranges.length === 1 ? (/^(\d*)-(\d*)$/.exec(ranges[0] ?? '') ?? []) : []
  if (first === undefined || last === undefined || (first === '' && last === '')) return { kind: 'whole' }
  if (first === '') return suffix(Number(last), size)
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return { kind: 'whole' }
  return start >= size ? { kind: 'unsatisfiable' } : { kind: 'part', start, end }
}

function suffix(byteCount: number, size: number): ByteRange {
  if (byteCount === 0) return { kind: 'unsatisfiable' }
  return size === 0 ? { kind: 'whole' } : { kind: 'part', start: Math.max(0, size - byteCount), end: size - 1 }
}
