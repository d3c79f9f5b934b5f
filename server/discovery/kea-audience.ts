import { hexToBytes, utf8Text } from '../../protocol/bytes.ts'
import { audienceOf, DEPTH_MAX } from './found.ts'
import type { Audience } from './found.ts'
import { items, textField } from './loose-json.ts'
import type { Node } from './loose-json.ts'

/** Says of a class of Kea whether our phones may be in it. */
export type ClassAudience = (name: string) => Audience

/** Reads the tests of all classes. A class that is not there, or has no test, may hold anybody. */
export function classAudiences(classes: Node | undefined): ClassAudience {
  const tests = new Map<string, string | undefined>()
  for (const node of items(classes)) {
    const name = textField(node, 'name')
    if (name !== undefined) tests.set(name, textField(node, 'test'))
  }
  const known = new Map<string, Audience>()
  const find = (name: string, depth: number): Audience => {
    const before = known.get(name)
    if (before !== undefined) return before
    // Kea makes such a class of each option 60 that it hears.
    const automatic = /^VENDOR_CLASS_(.+)$/.exec(name)?.[1]
    const test = tests.get(name)
    if (automatic === undefined && (test === undefined || depth > DEPTH_MAX)) return 'phones'
    // Classes that name each other in a circle.
    known.set(name, 'phones')
    const audience =
      automatic === undefined ? ofTest(test ?? '', (other) => find(other, depth + 1)) : audienceOf([automatic])
    known.set(name, audience)
    return audience
  }
  return (name) => find(name, 0)
}

/** @returns the audience of an expression: of the classes that it asks about, and of the texts that it compares. */
function ofTest(test: string, find: ClassAudience): Audience {
  const members = membersIn(test)
  const texts = constantsIn(test).map(({ text }) => text)
  if (members.some((name) => find(name) === 'phones')) return 'phones'
  if (members.length > 0 && texts.length === 0) return 'others'
  return audienceOf(texts)
}

/** @returns the classes in `member('…')`. */
export function membersIn(expression: string): readonly string[] {
  return [...expression.matchAll(/member\s*\(\s*'([^'\n]*)'\s*\)/g)].map((found) => found[1] ?? '')
}

/** @returns texts and hex constants, without the names of classes. */
export function constantsIn(
  expression: string,
): readonly { readonly text: string; readonly hex: string | undefined }[] {
  const rest = expression.replace(/member\s*\(\s*'[^'\n]*'\s*\)/g, '')
  return [...rest.matchAll(/'([^'\n]*)'|\b0x([0-9a-fA-F]+)/g)].map(([, text, hex]) =>
    text === undefined ? { text: textOfHex(hex ?? ''), hex } : { text, hex: undefined },
  )
}

/** Bytes that are no text match no name. */
function textOfHex(hex: string): string {
  const bytes = hexToBytes(hex.length % 2 === 0 ? hex : `0${hex}`)
  return bytes === undefined ? hex : (utf8Text(bytes) ?? hex)
}
