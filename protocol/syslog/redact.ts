/**
 * What must not be kept of a text that travelled in clear: one-time codes and Customer IDs in paths, keys, passwords,
 * sealed paths, queries. Where it is doubtful more is hidden, never less.
 */

const MASK = '****'

/** A word of this length that looks drawn by lot is taken for a code or a key. */
const RANDOM_CHARS_MIN = 20
const HEX_CHARS_MIN = 24

const SECRET_NAME =
  'xpassword|passwords?|passwd|passphrase|passcode|pwd|secret|psk|api[_-]?key|token|authorization|nonce|cnonce|ikm\\w*|gpp_s[a-d]'

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/(cisco-init(?:\/|%2f)+)[^\s/?#"'<>|)\]]+/gi, `$1${MASK}`],
  [/\?[^\s"'<>|)\]]+/g, `?${MASK}`],
  [/(--\s*(?:key|uid|pwd)\b[\s=]*)(?:"[^"]*"?|'[^']*'?|[^\s\]"']+)/gi, `$1${MASK}`],
  [/(:\/\/)[^/@\s]*@/g, `$1${MASK}@`],
  [/\b(basic|bearer|digest)\s+\S+/gi, `$1 ${MASK}`],
  [new RegExp(`(<[\\w.-]*(?:${SECRET_NAME})[\\w.-]*(?:\\s[^<>]*)?>)[^<]*`, 'gi'), `$1${MASK}`],
  [
    new RegExp(`((?:${SECRET_NAME})[\\w.-]{0,32}["']?\\s*[=:]\\s*)(?:"[^"]*"?|'[^']*'?|[^\\s,;&"']+)`, 'gi'),
    `$1${MASK}`,
  ],
]

/** @returns the text with every such part replaced by `****`. Time is linear in a text of a datagram's length. */
export function redactSyslog(text: string): string {
  const hidden = PATTERNS.reduce((rest, [pattern, by]) => rest.replace(pattern, by), text)
  return hidden.replace(/[A-Za-z0-9_+=-]{20,}/g, maskedWord)
}

function maskedWord(word: string): string {
  if (/^[0-9a-f]+$/i.test(word) && word.length >= HEX_CHARS_MIN) return MASK
  const mixed = /[0-9]/.test(word) && /[a-z]/.test(word) && /[A-Z]/.test(word)
  return mixed && word.length >= RANDOM_CHARS_MIN ? MASK : word
}
