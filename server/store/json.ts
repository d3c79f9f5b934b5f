/**
 * Values as text for a column of type jsonb. A text of a device that was cut may end in half a character, which no jsonb
 * takes: it is replaced.
 */
export function jsonOf(value: unknown): string {
  const text = JSON.stringify(value)
  // Only half characters are written so.
  if (!text.includes('\\ud')) return text
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'string' ? part.replace(/\p{Surrogate}/gu, '\ufffd') : part,
  )
}
