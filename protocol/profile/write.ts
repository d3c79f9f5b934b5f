import { assertXmlName, escapeXml } from '../xml/mod.ts'
import type { Profile, ProfileElement } from './profile.ts'

/**
 * Writes a profile: `<flat-profile>`, one element a line, in the order given. Equal input gives equal bytes.
 * An empty value is written as `""`, which alone means the empty string (MPP §1.5), unless the form says otherwise.
 * Throws only if a name cannot be the name of an element.
 */
export function writeProfile(profile: Profile): string {
  return wrapLines(profile.elements.map((element) => writeElement(element)))
}

/** The profile whose elements are written already, by {@link writeElement}. */
export function wrapLines(lines: readonly string[]): string {
  return `<flat-profile>\n${lines.join('')}</flat-profile>\n`
}

/** One element as its line of a profile, with the line's end. Throws as {@link writeProfile}. */
export function writeElement(element: ProfileElement): string {
  return `${elementText(element)}\n`
}

function elementText(element: ProfileElement): string {
  assertXmlName(element.name)
  const open = `<${element.name}${attributesText(element)}`
  if (element.value === '' && element.form === 'self-closing') return `${open}/>`
  return `${open}>${valueText(element)}</${element.name}>`
}

function valueText(element: ProfileElement): string {
  if (element.value !== '') return escapeXml(element.value)
  return element.form === 'open-close' ? '' : '""'
}

function attributesText(element: ProfileElement): string {
  const ua = element.ua === undefined ? '' : ` ua="${element.ua}"`
  const preserve = element.preserveValue ? ' preserve-value="y"' : ''
  const userPref = element.userPref === undefined ? '' : ` user-pref="${element.userPref ? 'y' : 'n'}"`
  return `${ua}${preserve}${userPref}`
}
