import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { commentText, escapeXml, parseXml, printXml, textOf } from './mod.ts'

describe('escapeXml', () => {
  it.each([
    ['a & b', 'a &amp; b'],
    ['<"\'>', '&lt;&quot;&apos;&gt;'],
    ['a\nb\tc\rd', 'a&#10;b&#9;c&#13;d'],
    ['\u0000\u0008', '\ufffd\ufffd'],
    ['\u007f\u0085', '&#127;&#133;'],
    ['\ud83d', '\ufffd'],
    ['\u{1f600} é', '\u{1f600} é'],
  ])('writes %j as %j', (text, escaped) => {
    expect(escapeXml(text)).toBe(escaped)
  })

  it('gives text that is read back as it was, for all text that XML allows', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const result = parseXml(`<a b="${escapeXml(text)}">${escapeXml(text)}</a>`)
        const legal = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
        expect(result.ok && [textOf(result.value), result.value.attributes.get('b')]).toEqual([legal, legal])
      }),
      { seed: 1 },
    )
  })
})

describe('commentText', () => {
  it.each(['--', '---', 'a--b', '-', '->', '--><x/>', 'a-', '\u0000'])('makes %j harmless', (text) => {
    const result = parseXml(`<a><!--${commentText(text)}--></a>`)
    expect(result.ok && result.value.children.map((child) => child.kind)).toEqual(['comment'])
  })
})

describe('printXml', () => {
  it('writes a tree of great depth without recursion', () => {
    let tree = {
      kind: 'element' as const,
      name: 'a',
      attributes: new Map(),
      children: [] as never[],
      selfClosing: true,
    }
    for (let depth = 0; depth < 50_000; depth += 1) tree = { ...tree, children: [tree as never], selfClosing: false }
    expect(printXml(tree)).toHaveLength(50_000 * '<a></a>'.length + '<a/>'.length)
  })

  it('refuses a name that would be markup', () => {
    for (const name of ['', 'a b', 'a>', '<a', '1a', 'a"', '-a']) {
      const tree = { kind: 'element' as const, name, attributes: new Map(), children: [], selfClosing: true }
      expect(() => printXml(tree)).toThrow('an XML name cannot be')
    }
  })
})
