import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { childElements, escapeXml, parseXml, printXml, textOf, type XmlElement, type XmlNode } from './mod.ts'

function root(text: string): XmlElement {
  const result = parseXml(text)
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

function problemOf(text: string, limits?: Parameters<typeof parseXml>[1]): string {
  const result = parseXml(text, limits)
  return result.ok ? 'ok' : result.error.code
}

describe('parseXml', () => {
  it('gives elements, attributes, text and comments in document order', () => {
    const tree = root('<a x="1" y=\'2\'>t<b/><!-- c -->u<b></b></a>')
    expect([...tree.attributes]).toEqual([
      ['x', '1'],
      ['y', '2'],
    ])
    expect(tree.children.map((child) => child.kind)).toEqual(['text', 'element', 'comment', 'text', 'element'])
    expect(childElements(tree).map((child) => child.selfClosing)).toEqual([true, false])
    expect(textOf(tree)).toBe('tu')
  })

  it('translates the five entities, numeric escapes and CDATA, and joins neighbouring text [MPP §1.4]', () => {
    const tree = root('<a>&amp;&lt;&gt;&apos;&quot;&#40;&#x2e;<![CDATA[<&]]>z</a>')
    expect(tree.children).toEqual([{ kind: 'text', text: '&<>\'"(.<&z' }])
  })

  it('skips any processing instruction before the root [MPP §1.1]', () => {
    for (const head of [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '\n <?xml whatever?>\n<?b c?>',
      '\ufeff<?xml?>',
      '',
    ]) {
      expect(root(`${head}<a/>`).name).toBe('a')
    }
  })

  it.each([
    ['', 'malformed'],
    ['   ', 'malformed'],
    ['text', 'malformed'],
    ['<a>', 'malformed'],
    ['<a></b>', 'malformed'],
    ['<a/><b/>', 'malformed'],
    ['<a x=1/>', 'malformed'],
    ['<a x="1" x="2"/>', 'malformed'],
    ['<a>&nope;</a>', 'malformed'],
    ['<a>&#0;</a>', 'malformed'],
    ['<a>\u0001</a>', 'malformed'],
    ['<?xml', 'malformed'],
    ['<!DOCTYPE a><a/>', 'doctype'],
    ['<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 'doctype'],
  ])('refuses %j as %s', (text, code) => {
    expect(problemOf(text)).toBe(code)
  })

  it('says on which line the fault is, the lines before the root included', () => {
    const result = parseXml('<?xml version="1.0"?>\n\n<a>\n<b>\n</a>')
    expect(result).toMatchObject({ ok: false, error: { line: 5 } })
  })

  it('keeps its limits of size, depth and count, at the limit and one beyond', () => {
    expect(problemOf('<a></a>', { maxChars: 7 })).toBe('ok')
    expect(problemOf('<a></a>', { maxChars: 6 })).toBe('too-large')
    expect(problemOf('<a><b/></a>', { maxDepth: 2 })).toBe('ok')
    expect(problemOf('<a><b/></a>', { maxDepth: 1 })).toBe('too-deep')
    expect(problemOf('<a><b/><b/></a>', { maxElements: 3 })).toBe('ok')
    expect(problemOf('<a><b/><b/></a>', { maxElements: 2 })).toBe('too-many')
  })

  it('stops soon in a document of nothing but faults', () => {
    const started = performance.now()
    for (const piece of ['<', '&', '</a>', '<a', '\u0001', ']]>', '<a b', '<?', '<!']) {
      expect(problemOf(piece.repeat(Math.floor(1_000_000 / piece.length)))).not.toBe('ok')
    }
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

describe('parseXml and printXml', () => {
  const name = fc.constantFrom('a', 'Proxy_1_', 'G722.2', 'x-y', 'ns:el', 'été')
  const text = fc.string({ unit: 'binary' }).filter((value) => escapeXml(value) !== '')
  const attributes = fc
    .dictionary(name, fc.string({ unit: 'grapheme' }))
    .map((entries) => new Map(Object.entries(entries)))
  const { element } = fc.letrec<{ element: XmlElement; node: XmlNode }>((tie) => ({
    element: fc
      .record({ name, attributes, children: fc.array(tie('node'), { maxLength: 4 }) })
      .map((fields) => ({ kind: 'element' as const, ...fields, selfClosing: fields.children.length === 0 })),
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      text.map((value) => ({ kind: 'text' as const, text: value })),
      tie('element'),
    ),
  }))

  it('print what they read, and read what they print', () => {
    fc.assert(
      fc.property(element, (tree) => {
        const printed = printXml(tree)
        expect(printXml(root(printed))).toBe(printed)
      }),
      { seed: 1 },
    )
  })

  it('never throw on any text, truncated or changed', () => {
    const sample = '<?xml version="1.0"?>\n<a x="1"><!-- c --><b>&amp;&#40;<![CDATA[x]]></b><c/></a>'
    fc.assert(
      fc.property(fc.nat(sample.length), fc.nat(sample.length), fc.string({ unit: 'binary' }), (at, end, noise) => {
        const changed = [sample.slice(0, at), sample.slice(0, at) + noise + sample.slice(end), noise]
        for (const input of changed) expect(typeof parseXml(input).ok).toBe('boolean')
      }),
      { seed: 1, numRuns: 2000 },
    )
  })
})
