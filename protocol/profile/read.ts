import { err, ok, type Result } from '../result.ts'
import { parseXml, textOf, type XmlElement } from '../xml/mod.ts'
import { type AliasMap, aliasFor } from './alias.ts'
import type { UserAccess } from './parameter.ts'
import {
  type ElementForm,
  type Profile,
  PROFILE_BYTES_MAX,
  type ProfileElement,
  type ProfileProblem,
} from './profile.ts'

/** A file with as many faults as this is judged by the first of them. */
export const WARNINGS_MAX = 100
/** A profile is flat; aliases may reach into a deeper document (MPP §1.7). */
const DEPTH_MAX = 32

/** What may be told to `readProfile`. */
export interface ReadOptions {
  /** The map that `--alias` names. With it, elements of any document can be parameters. */
  readonly aliases?: AliasMap
  readonly maxBytes?: number
}

/** A profile that was read, and what was odd about it. */
export interface ReadProfile extends Profile {
  readonly warnings: readonly ProfileProblem[]
}

/**
 * Reads a plain profile: decompressed and decrypted already (MPP §1.1 to §1.7, §2.1).
 * All or nothing: a file that is not well-formed, or has no `<flat-profile>`, is refused whole (MPP §1.6).
 * Accepts `<device><flat-profile>`. Never throws; time is linear in the size.
 */
export function readProfile(
  bytes: Uint8Array | string,
  options: ReadOptions = {},
): Result<ReadProfile, ProfileProblem> {
  const maxBytes = options.maxBytes ?? PROFILE_BYTES_MAX
  if (bytes.length > maxBytes) {
    return err({ code: 'too-large', message: `Cannot read a profile of more than ${maxBytes} bytes` })
  }
  const text = typeof bytes === 'string' ? bytes : decodeUtf8(bytes)
  if (text === undefined) return err({ code: 'not-utf8', message: 'Cannot read the profile: it is not UTF-8 text' })
  const root = parseXml(text, { maxChars: maxBytes, maxDepth: DEPTH_MAX })
  if (!root.ok) return root
  const reader = new ProfileReader(options.aliases)
  reader.readDocument(root.value)
  if (!reader.sawParameters) {
    return err({ code: 'no-flat-profile', message: 'Cannot read the profile: it has no <flat-profile> element' })
  }
  if (/[^\u0000-\u007f]/.test(text)) reader.warn('non-ascii', 'The profile has characters beyond ASCII')
  return ok({ elements: reader.elements, warnings: reader.warnings })
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    // The decoder's only way to say that the bytes are not UTF-8.
    return undefined
  }
}

/** Walks one document and collects its parameters. */
class ProfileReader {
  readonly elements: ProfileElement[] = []
  readonly warnings: ProfileProblem[] = []
  /** A `<flat-profile>` was there, or an alias matched. */
  sawParameters = false
  private readonly aliases: AliasMap | undefined
  private readonly path: string[] = []

  constructor(aliases: AliasMap | undefined) {
    this.aliases = aliases
  }

  warn(code: string, message: string): void {
    if (this.warnings.length < WARNINGS_MAX) this.warnings.push({ code, message })
  }

  readDocument(root: XmlElement): void {
    const profile = flatProfileOf(root)
    this.sawParameters = profile !== undefined
    if (this.aliases !== undefined) this.walk(root, profile, this.aliases)
    else if (profile !== undefined) this.readFlat(profile)
  }

  private readFlat(profile: XmlElement): void {
    for (const child of profile.children) {
      if (child.kind === 'element') this.add(child, child.name)
    }
  }

  /** Every element of the document may be meant by an alias; the depth is bounded by the XML reader. */
  private walk(element: XmlElement, profile: XmlElement | undefined, aliases: AliasMap): void {
    this.path.push(element.name)
    for (const child of element.children) {
      if (child.kind !== 'element') continue
      const renamed = aliasFor(aliases, [...this.path, child.name])
      if (renamed !== undefined) this.sawParameters = true
      if (renamed !== undefined) this.add(child, renamed)
      else if (element === profile) this.add(child, child.name)
      this.walk(child, profile, aliases)
    }
    this.path.pop()
  }

  private add(element: XmlElement, name: string): void {
    if (this.aliases === undefined && element.children.some((child) => child.kind === 'element')) {
      this.warn('nested', `"${name}" has elements inside: only its own text is read`)
    }
    const raw = textOf(element)
      .replace(/\r\n|[\r\n]/g, ' ')
      .trim()
    const form = formOf(element, raw)
    this.elements.push({ name, value: form === 'text' ? raw : '', form, ...this.attributesOf(element, name) })
  }

  private attributesOf(element: XmlElement, name: string): Pick<ProfileElement, 'ua' | 'preserveValue' | 'userPref'> {
    const { attributes } = element
    if (attributes.size === 0) return { preserveValue: false }
    const { ua, preserve } = this.readAccess(attributes.get('ua'), name)
    const userPref = this.readFlag(attributes.get('user-pref'), name)
    return {
      preserveValue: preserve || isYes(attributes.get('preserve-value')),
      ...(ua === undefined ? {} : { ua }),
      ...(userPref === undefined ? {} : { userPref }),
    }
  }

  /** MPP §1.3: early text had `y` among the values of `ua`, so `ua="rw,y"` is access and preserve-value in one. */
  private readAccess(
    text: string | undefined,
    name: string,
  ): { readonly ua: UserAccess | undefined; readonly preserve: boolean } {
    const words: readonly string[] = (text ?? '').toLowerCase().match(/[^\s,+|]+/g) ?? []
    const unknown = words.find((word) => word !== 'y' && !isUserAccess(word))
    if (unknown !== undefined) this.warn('bad-ua', `"${name}" has ua "${unknown.slice(0, 16)}": expected na, ro or rw`)
    return { ua: words.find(isUserAccess), preserve: words.includes('y') }
  }

  private readFlag(text: string | undefined, name: string): boolean | undefined {
    if (text === undefined) return undefined
    const word = text.trim().toLowerCase()
    if (word !== 'y' && word !== 'n') {
      this.warn('bad-user-pref', `"${name}" has user-pref "${word.slice(0, 16)}": expected y or n`)
      return undefined
    }
    return word === 'y'
  }
}

function flatProfileOf(root: XmlElement): XmlElement | undefined {
  if (root.name === 'flat-profile') return root
  if (root.name !== 'device') return undefined
  for (const child of root.children) {
    if (child.kind === 'element' && child.name === 'flat-profile') return child
  }
  return undefined
}

function formOf(element: XmlElement, raw: string): ElementForm {
  if (raw === '""') return 'empty'
  if (raw !== '') return 'text'
  return element.selfClosing ? 'self-closing' : 'open-close'
}

function isUserAccess(word: string): word is UserAccess {
  return word === 'na' || word === 'ro' || word === 'rw'
}

function isYes(text: string | undefined): boolean {
  return /^\s*y(?:es)?\s*$/i.test(text ?? '')
}
