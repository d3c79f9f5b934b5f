/** Where the elements of a profile stand in its text, which the tree of the XML reader does not keep. */

/**
 * @param text a document that the XML reader has accepted; of any other the answer means nothing
 * @returns the line, from 1, of each element directly inside `<flat-profile>`, in document order. Linear.
 */
export function elementLines(text: string): readonly { readonly name: string; readonly line: number }[] {
  const found: { readonly name: string; readonly line: number }[] = []
  let line = 1
  let depth = 0
  let inside = -1
  let counted = 0
  for (const { start, end, tag } of tagsOf(text)) {
    for (; counted < start; counted += 1) if (text.charCodeAt(counted) === 0x0a) line += 1
    const name = /^<\/?([^\s/>]+)/.exec(tag)?.[1] ?? ''
    if (tag.startsWith('</')) {
      depth -= 1
      if (depth === inside) inside = -1
      continue
    }
    if (inside === -1 && name === 'flat-profile') inside = depth
    else if (inside !== -1 && depth === inside + 1) found.push({ name, line })
    if (!text.startsWith('/>', end - 2)) depth += 1
    else if (depth === inside) inside = -1
  }
  return found
}

const SKIPPED: readonly (readonly [open: string, close: string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
  ['<!', '>'],
]

function* tagsOf(text: string): Generator<{ readonly start: number; readonly end: number; readonly tag: string }> {
  let at = text.indexOf('<')
  while (at !== -1) {
    const skipped = SKIPPED.find(([open]) => text.startsWith(open, at))
    if (skipped !== undefined) {
      const close = text.indexOf(skipped[1], at + skipped[0].length)
      if (close === -1) return
      at = text.indexOf('<', close + skipped[1].length)
      continue
    }
    const end = tagEnd(text, at)
    // Only the name is looked at; attributes may be long.
    yield { start: at, end, tag: text.slice(at, Math.min(end, at + 200)) }
    at = text.indexOf('<', end)
  }
}

/** Behind the `>` of a tag; one inside the quotes of an attribute does not end it. */
function tagEnd(text: string, start: number): number {
  let quote = ''
  for (let at = start; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (quote !== '') quote = char === quote ? '' : quote
    else if (char === '"' || char === "'") quote = char
    else if (char === '>') return at + 1
  }
  return text.length
}
