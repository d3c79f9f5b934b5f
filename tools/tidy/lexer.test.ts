import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { importsOf, lex } from './lexer.ts'

const kinds = (source: string): readonly string[] => lex(source).map((token) => `${token.kind} ${token.text}`)

describe('the lexer', () => {
  it('keeps code, strings, comments and regular expressions apart', () => {
    expect(kinds(`a('b // c') // 'd'`)).toEqual([
      'word a',
      'punctuation (',
      'string b // c',
      'punctuation )',
      "comment // 'd'",
    ])
    expect(kinds(`x = /['"/]/g.test(y)`)).toContain(`regex /['"/]/g`)
    expect(kinds('/* one\n two */ z')).toEqual(['comment /* one\n two */', 'word z'])
    expect(kinds(`'it\\'s'`)).toEqual([`string it's`])
  })

  it('takes a slash after a value for a division', () => {
    expect(kinds('a / b / c').filter((kind) => kind === 'punctuation /')).toHaveLength(2)
    expect(kinds('f(x) / 2 / g').filter((kind) => kind === 'punctuation /')).toHaveLength(2)
    expect(kinds('return /x/')).toEqual(['word return', 'regex /x/'])
  })

  it('goes into the substitutions of a template and comes back', () => {
    expect(kinds('`a${ { b: `q${1}r` } }c` + d')).toEqual([
      'template a',
      'punctuation {',
      'word b',
      'punctuation :',
      'template q',
      'number 1',
      'template r',
      'punctuation }',
      'template c',
      'punctuation +',
      'word d',
    ])
  })

  it('knows the line of each token', () => {
    const lines = lex('a\n/* x\n*/ b `c\n${d}` e').map((token) => `${token.text.trim()}@${token.line}`)
    expect(lines).toEqual(['a@1', '/* x\n*/@2', 'b@3', 'c@3', 'd@4', '@4', 'e@4'])
  })

  it('comes to an end on any text, and on the cut beginnings of a real file', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void lex(text)))
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('`', '${', '}', "'", '"', '/', '*', '\\', '\n', 'a', '[') }),
        (text) => {
          expect(lex(text).length).toBeLessThanOrEqual(text.length + 1)
        },
      ),
    )
    const own = readFileSync(new URL('./lexer.ts', import.meta.url), 'utf8')
    for (let end = 0; end < own.length; end += 97) lex(own.slice(0, end))
    expect(lex(own).at(-1)?.text).toBe('}')
  })
})

describe('the imports of a file', () => {
  const cases: readonly (readonly [source: string, specifier: string, typeOnly: boolean, names: string | undefined])[] =
    [
      [`import { a, b as c } from './x.ts'`, './x.ts', false, 'a b'],
      [`import type { A } from './x.ts'`, './x.ts', true, 'A'],
      [`import { type A, b } from './x.ts'`, './x.ts', false, 'A b'],
      [`import d from 'd'`, 'd', false, undefined],
      [`import * as n from "node:fs"`, 'node:fs', false, undefined],
      [`import './effect.ts'`, './effect.ts', false, ''],
      [`export { a } from './x.ts'`, './x.ts', false, 'a'],
      [`export * from './x.ts'`, './x.ts', false, undefined],
      [`export type { T } from './x.ts'`, './x.ts', true, 'T'],
      [`const m = await import('./late.ts')`, './late.ts', false, undefined],
      ['const m = await import(`@a/b-${c}`)', '@a/b-*', false, undefined],
      [`const m = await import(where)`, '(computed)', false, undefined],
      [`type T = import('./t.ts').T`, './t.ts', false, undefined],
    ]
  it.each(cases)('reads %s', (source, specifier, typeOnly, names) => {
    expect(importsOf(source)).toEqual([{ specifier, line: 1, typeOnly, names: names?.split(' ').filter(Boolean) }])
  })

  it('finds none in comments, strings, members and plain exports', () => {
    const source = `// import 'a'\nconst s = "import 'b'"\no.import('c')\nexport { s }\nexport type U = 1\nimport.meta.url\nexport const from = 'x'`
    expect(importsOf(source)).toEqual([])
  })

  it('does not take the export before it for a part of the next one', () => {
    const found = importsOf(`export { w }\nexport { r } from 'r'`)
    expect(found).toEqual([{ specifier: 'r', line: 2, typeOnly: false, names: ['r'] }])
  })
})
