/** From bytes to text that the parser can take, whatever a device made of it. */

/**
 * The text of a document: the charset of HTTP counts before that of the document, and UTF-8 is the rest; bytes that are
 * no UTF-8 are Latin-1. What XML forbids becomes U+FFFD: no session should fail for it [TR-069 §3.5].
 */
export function decodeDocument(bytes: Uint8Array, charset: string | undefined): string {
  return replaceForbidden(withoutTail(decode(bytes, charset)))
}

function decode(bytes: Uint8Array, charset: string | undefined): string {
  // A byte order mark is surer than what anybody says.
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return utf8OrLatin1(bytes)
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  switch (named(charset) ?? declaredIn(bytes)) {
    case 'iso-8859-1':
    case 'latin1':
      return latin1(bytes)
    case 'windows-1252':
      return windows1252(bytes)
    case 'utf-16':
    case 'utf-16le':
      return new TextDecoder('utf-16le').decode(bytes)
    case 'utf-16be':
      return new TextDecoder('utf-16be').decode(bytes)
    default:
      return utf8OrLatin1(bytes)
  }
}

function named(charset: string | undefined): string | undefined {
  const name = charset?.replace(/["'\s]/g, '').toLowerCase()
  return name === '' ? undefined : name
}

// A declaration is far shorter.
const DECLARATION_BYTES = 200

function declaredIn(bytes: Uint8Array): string | undefined {
  const start = latin1(bytes.subarray(0, DECLARATION_BYTES))
  const encoding = /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.-]+)["']/.exec(start)?.[1]?.toLowerCase()
  // Who could read this in bytes did not write it in UTF-16.
  return encoding?.startsWith('utf-16') === true ? undefined : encoding
}

function utf8OrLatin1(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return latin1(bytes)
  }
}

const PIECE_BYTES = 8192

function latin1(bytes: Uint8Array): string {
  const pieces: string[] = []
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    // A tenth of the time that spreading them takes.
    pieces.push(Reflect.apply(String.fromCharCode, undefined, bytes.subarray(at, at + PIECE_BYTES)))
  }
  return pieces.join('')
}

// What Windows has in place of the control characters from 0x80 on. The decoder of Node 20 leaves those as they are.
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

function windows1252(bytes: Uint8Array): string {
  return latin1(bytes).replace(/[\u0080-\u009f]/g, (control) => WINDOWS_1252.charAt(control.charCodeAt(0) - 0x80))
}

/** Without the NULs and white space that some agents send after the last tag. */
function withoutTail(text: string): string {
  let end = text.length
  while (end > 0 && '\0 \t\r\n'.includes(text.charAt(end - 1))) end -= 1
  return text.slice(0, end)
}

const FORBIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
// In CDATA a reference is plain text, so that sections are stepped over.
const REFERENCE = /<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|&#(?:x([0-9a-fA-F]+)|([0-9]+));/g

function replaceForbidden(text: string): string {
  return text.replace(FORBIDDEN, '\ufffd').replace(REFERENCE, (whole, hex?: string, decimal?: string) => {
    if (hex === undefined && decimal === undefined) return whole
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    return isXmlCharacter(code) ? whole : '\ufffd'
  })
}

/** XML 1.0 §2.2. */
function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
}
