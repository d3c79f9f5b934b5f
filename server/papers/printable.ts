/**
 * Text as the fonts that every PDF reader has can show it: those of WinAnsi, Western Europe's letters. What they lack
 * becomes the nearest letter that they have, else a question mark: never another sign, and never nothing at all.
 * Source: ISO 32000-1, Annex D (WinAnsiEncoding).
 */

/** What WinAnsi has besides ASCII and U+00A0 to U+00FF. */
const MORE = 'ƒ–—‘’‚“”„†‡•…€‰‹›ˆ™Œœ˜ŠšŸŽž'

/** Letters that no decomposition of Unicode brings back to a simple one, and signs that mean one of ours. */
const NEAREST: ReadonlyMap<string, string> = new Map([
  ['Ł', 'L'],
  ['ł', 'l'],
  ['Đ', 'D'],
  ['đ', 'd'],
  ['Ħ', 'H'],
  ['ħ', 'h'],
  ['Ŧ', 'T'],
  ['ŧ', 't'],
  ['ı', 'i'],
  ['ẞ', 'SS'],
  ['Ŋ', 'N'],
  ['ŋ', 'n'],
  ['Ə', 'E'],
  ['ə', 'e'],
  ['‐', '-'],
  ['‑', '-'],
  ['‒', '–'],
  ['―', '—'],
  ['−', '-'],
  ['′', "'"],
  ['″', '"'],
  ['ʼ', '’'],
])

const REPLACEMENT = '?'

/**
 * @returns one line of characters that the fonts have: white space of any kind is one space, marks that their letter
 * cannot carry are left out, and what has no likeness is `?`
 */
export function printable(text: string): string {
  let shown = ''
  for (const character of text.normalize('NFC')) shown += has(character) ? character : nearest(character)
  return shown.replace(/\s+/g, ' ').trim()
}

function has(character: string): boolean {
  return /^[ -~\u00a1-\u00ac\u00ae-\u00ff]$/.test(character) || MORE.includes(character)
}

function nearest(character: string): string {
  if (/^[\s\p{Cc}]$/u.test(character)) return ' '
  // Soft hyphens, directions and joiners are not seen; a mark that is left alone here belongs to the letter before it.
  if (/^[\p{Cf}\p{M}]$/u.test(character)) return ''
  const known = NEAREST.get(character)
  if (known !== undefined) return known
  const parts = Array.from(character.normalize('NFKD')).filter((part) => !/^\p{M}$/u.test(part))
  const likeness = parts.map((part) => (has(part) ? part : (NEAREST.get(part) ?? '')))
  // A sign that Unicode decomposes to a space and a mark would leave nothing to see.
  const seen = likeness.every((part) => part !== '') && likeness.join('').trim() !== ''
  return seen ? likeness.join('') : REPLACEMENT
}
