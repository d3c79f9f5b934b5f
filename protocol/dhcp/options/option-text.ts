import { utf8Bytes, utf8Text } from '../../bytes.ts'
import { ok } from '../../result.ts'
import type { Result } from '../../result.ts'
import { decodeText, encodeText, LENGTH_BYTE_MAX, problem } from './vendor-data.ts'
import type { DhcpProblem } from './vendor-data.ts'

/*
 * What options that hold one text have in common. Servers close a text with NUL, and people type a space behind it:
 * both ends are stripped of either when it is read.
 */

/** Longest text that is read, joined from all parts of its option, in bytes: URLs in DHCP stay far below it. */
export const OPTION_TEXT_BYTES_MAX = 1024

/** Longest host or domain name, in characters. Source: RFC 1035 §2.3.4. */
const NAME_CHARS_MAX = 253
const NAME_LABEL_CHARS_MAX = 63

/** Reads the text of a whole option. Problems tell its `name` only, for a URL may hold a password. */
export function decodeOptionText(name: string, payload: Uint8Array): Result<string, DhcpProblem> {
  if (payload.length > OPTION_TEXT_BYTES_MAX) {
    return problem(
      'too-long',
      `Cannot read a ${name} of ${payload.length} bytes: expected at most ${OPTION_TEXT_BYTES_MAX} bytes`,
    )
  }
  const bare = utf8Text(payload)?.replace(/^[\0\s]+|[\0\s]+$/g, '')
  if (bare === '') return problem('empty', `Cannot read a ${name}: the option holds nothing`)
  // Nothing may be read that is not shown: a control character in the middle is no text.
  const text = bare === undefined ? undefined : decodeText(utf8Bytes(bare))
  return text === undefined
    ? problem('bad-value', `Cannot read a ${name}: expected a text in UTF-8 without control characters`)
    : ok(text)
}

/** @returns the bytes of a text of 1 to 255 bytes, which its reader finds again as it is. */
export function encodeOptionText(name: string, text: string): Result<Uint8Array, DhcpProblem> {
  if (text.trim() !== text) return problem('bad-value', `Cannot send ${name} with spaces around it: remove them`)
  return encodeText(name, text, LENGTH_BYTE_MAX)
}

/** Reads a host or domain name; the dot that may close it is dropped. */
export function decodeOptionName(name: string, payload: Uint8Array): Result<string, DhcpProblem> {
  const text = decodeOptionText(name, payload)
  if (!text.ok) return text
  const bare = text.value.replace(/\.$/, '')
  return isName(bare) ? ok(bare) : notAName('read', name, bare)
}

/** @returns the bytes of a host or domain name. */
export function encodeOptionName(name: string, text: string): Result<Uint8Array, DhcpProblem> {
  return isName(text) ? encodeText(name, text, LENGTH_BYTE_MAX) : notAName('send', name, text)
}

/** Underscores are no letters of a host name (RFC 1123 §2.1), yet are seen. */
function isName(text: string): boolean {
  if (text.length > NAME_CHARS_MAX) return false
  return text
    .split('.')
    .every(
      (label) => label.length <= NAME_LABEL_CHARS_MAX && /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?$/.test(label),
    )
}

function notAName(deed: 'read' | 'send', name: string, text: string): ReturnType<typeof problem> {
  return problem(
    'bad-value',
    `Cannot ${deed} the ${name} ${JSON.stringify(text.slice(0, 80))}: expected letters, digits and hyphens, with dots between`,
  )
}
