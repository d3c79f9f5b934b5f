import { assert, assertNever } from '../result.ts'
import type { XmlElement, XmlNode } from './tree.ts'

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

// XML 1.0 §2.2: these may not appear in a document, not even as a numeric reference.
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/
const ALL_FORBIDDEN = new RegExp(FORBIDDEN, 'g')
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
// Nearly every text: nothing in it needs a second look.
const PLAIN = /^[ !#$%(-;=?-~]*$/
const TO_ESCAPE = /[&<>"'\u0000-\u001f\u007f-\u009f\ufffe\uffff]/g

/**
 * Text as it may stand in an attribute or between tags.
 * Tab, newline and the like become numeric references (newline is `&#10;`), so that no reader folds them. Characters
 * that XML forbids altogether, and halves of a surrogate pair, become U+FFFD: the result always parses.
 */
export function escapeXml(text: string): string {
  return PLAIN.test(text) ? text : escapeEach(text)
}

function escapeEach(text: string): string {
  return text.replace(LONE_SURROGATE, '\ufffd').replace(TO_ESCAPE, (character) => {
    if (FORBIDDEN.test(character)) return '\ufffd'
    return ESCAPES[character] ?? `&#${character.charCodeAt(0)};`
  })
}

// Wide enough for every name that the reader can give back, too narrow for markup.
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const NAME = /^[^\s<>&"'/=!?\d.\-\p{C}][^\s<>&"'/=!?\p{C}]*$/u

/** Throws if `name` could not be the name of an element: whoever builds the name has a fault. */
export function assertXmlName(name: string): void {
  if (PLAIN_NAME.test(name)) return
  assert(NAME.test(name), `an XML name cannot be ${JSON.stringify(name)}`)
}

/**
 * Writes an element and all inside it, without declaration and without added white space.
 * Throws only if a name is not a name.
 */
export function printXml(element: XmlElement): string {
  const pieces: string[] = []
  const waiting: (XmlNode | string)[] = [element]
  // A stack of its own instead of recursion: depth is then no risk.
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next === 'string') pieces.push(next)
    else printNode(next, pieces, waiting)
  }
  return pieces.join('')
}

function printNode(node: XmlNode, pieces: string[], waiting: (XmlNode | string)[]): void {
  switch (node.kind) {
    case 'text':
      pieces.push(escapeXml(node.text))
      return
    case 'comment':
      pieces.push(`<!--${commentText(node.text)}-->`)
      return
    case 'element':
      pieces.push(openTag(node))
      if (node.selfClosing && node.children.length === 0) return
      waiting.push(`</${node.name}>`)
      for (const child of node.children.toReversed()) waiting.push(child)
      return
    default:
      assertNever(node)
  }
}

function openTag(element: XmlElement): string {
  assertXmlName(element.name)
  let tag = `<${element.name}`
  for (const [name, value] of element.attributes) {
    assertXmlName(name)
    tag += ` ${name}="${escapeXml(value)}"`
  }
  return `${tag}${element.selfClosing && element.children.length === 0 ? '/>' : '>'}`
}

/** XML 1.0 §2.5: a comment holds no double hyphen and does not end in a hyphen. */
export function commentText(text: string): string {
  const legal = text.replace(LONE_SURROGATE, '\ufffd').replace(ALL_FORBIDDEN, '\ufffd')
  return legal.replace(/-(?=-)/g, '- ').replace(/-$/, '- ')
}
