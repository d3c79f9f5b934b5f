import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutTo, padTo, plainText, widthOf, wrapped } from './stage-width.ts'

describe('the width of a text on a terminal', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['Küche', 5],
    ['cafe\u0301', 4],
    ['会議室', 6],
    ['ｱ', 1],
    ['Ａ', 2],
    ['한글', 4],
    ['\u1112\u1161\u11ab', 2],
    ['😀', 2],
    ['☎️', 2],
    ['🇩🇪', 2],
    ['👍🏽', 2],
    ['שלום', 4],
    ['ไม่', 2],
    ['…', 1],
  ])('of %j is %d columns', (text, width) => {
    expect(widthOf(text)).toBe(width)
  })

  it.each([
    ['abcdef', 6, 'abcdef'],
    ['abcdef', 5, 'abcd…'],
    ['会議室', 5, '会議…'],
    ['会議室', 4, '会…'],
    ['会議室', 2, '…'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
  ])('%j cut to %d columns is %j', (text, columns, cut) => {
    expect(cutTo(text, columns)).toBe(cut)
  })

  it.each([
    ['ab', 4, 'ab  '],
    ['会議室', 4, '会… '],
    ['会', 4, '会  '],
  ])('%j padded to %d columns is %j', (text, columns, padded) => {
    expect(padTo(text, columns)).toBe(padded)
  })

  it.each([
    ['one two three', 7, 3, ['one two', 'three']],
    ['one two three', 5, 2, ['one', 'two …']],
    ['longword', 4, 3, ['lon…']],
    ['', 4, 3, ['']],
  ])('%j in lines of %d columns, at most %d, is %j', (text, columns, most, lines) => {
    expect(wrapped(text, columns, most)).toEqual(lines)
  })

  it('of any text that is cut, padded or broken is never more than it may be', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 60 }).map(plainText)
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 30 }), (text, columns) => {
        expect(widthOf(cutTo(text, columns))).toBeLessThanOrEqual(columns)
        expect(widthOf(padTo(text, columns))).toBe(columns)
        const lines = wrapped(text, columns, 3)
        expect(lines.length).toBeLessThanOrEqual(3)
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns)
      }),
    )
  })
})

describe('a plain text', () => {
  it.each([
    ['a\u001b[2Jb', 'a [2Jb'],
    ['a\r\n\tb', 'a b'],
    ['a\u009bb', 'a b'],
    ['\u202eabc\u2066', 'abc'],
    ['a\u200bb\ufeff', 'ab'],
    ['a\u2028b', 'a b'],
    ['a\ud800b', 'a\ufffdb'],
    ['👩‍👧', '👩👧'],
    [`e${'\u0301'.repeat(9)}x`, `e${'\u0301'.repeat(4)}x`],
    ['Küche 会議室', 'Küche 会議室'],
  ])('of %j is %j', (text, plain) => {
    expect(plainText(text)).toBe(plain)
  })

  it('is bounded', () => {
    expect(plainText('x'.repeat(5000))).toHaveLength(2000)
  })
})
