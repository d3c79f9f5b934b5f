import { SaxesParser } from 'saxes'
import { expect, test } from 'vitest'

import { walkXml, type XmlBounds, type XmlPlace } from './mod.ts'
import { listenTo, QuickParser } from './walk.ts'

const BOUNDS: XmlBounds = { maxDepth: 4, maxElements: 10, maxAttributes: 2 }

/** What a listener hears, in order, and the problem; it stops at an element `stop`. */
function heard(text: string): readonly string[] {
  const lines: string[] = []
  const problem = walkXml(text, BOUNDS, (place: XmlPlace) => ({
    open(tag) {
      lines.push(`open ${tag.name} ${JSON.stringify(tag.attributes)}${tag.isSelfClosing ? ' /' : ''}`)
      if (tag.name === 'stop') place.stop()
    },
    close: () => lines.push('close'),
    text: (piece) => lines.push(`text ${piece}`),
    comment: (comment) => lines.push(`comment ${comment}`),
  }))
  return problem === undefined ? lines : [...lines, `${problem.code} at ${problem.line}`]
}

test.each([
  ['<a x="1"><b/>t<![CDATA[<]]><!--c--></a>', 'open a {"x":"1"}|open b {} /|close|text t|text <|comment c|close'],
  ['<?x?>\n<!--before-->\n<a/>\n<!--behind-->\n', 'open a {} /|close'],
  ['<a><stop>t</stop></b>', 'open a {}|open stop {}'],
  ['<a x="" y=""/>', 'open a {"x":"","y":""} /|close'],
  ['<a x="" y="" z=""/>', 'too-many at 1'],
  ['<a x="" y=""><a x="" y=""/></a>', 'open a {"x":"","y":""}|open a {"x":"","y":""} /|close|close'],
  ['\n<a><a><a><a><a/></a></a></a></a>', 'open a {}|open a {}|open a {}|open a {}|too-deep at 2'],
  ['<a>\n</b>', 'open a {}|text \n|close|malformed at 2'],
  ['<!DOCTYPE a><a/>', 'doctype at 1'],
  ['', 'malformed at 1'],
])('hears of %j %s', (text, expected) => {
  expect(heard(text).join('|')).toBe(expected)
})

test('gives each handler a place in the parser before it is set, so that no parser becomes slow', () => {
  const before = Object.keys(new QuickParser({ xmlns: false })).toSorted()
  const parser = new QuickParser({ xmlns: false })
  const ignore = () => undefined
  listenTo(parser, {
    error: ignore,
    doctype: ignore,
    opentag: ignore,
    closetag: ignore,
    text: ignore,
    comment: ignore,
    attribute: ignore,
  })
  expect(Object.keys(parser).toSorted()).toEqual(before)
  expect(before.length).toBe(Object.keys(new SaxesParser({ xmlns: false })).length + 8)
})
