// Finds planted secrets in the output of a test run. Used by tools/test.js, so plain JavaScript like it.

/** Shorter ones would be found by chance, inside other words and numbers. */
export const SECRET_CHARS_MIN = 8

/** A secret may be printed in other clothes: in a URL, in JSON, in XML, in hexadecimal, in base64. */
const FORMS = [
  { form: 'text', write: (secret) => secret },
  { form: 'URL', write: (secret) => encodeURIComponent(secret) },
  { form: 'JSON', write: (secret) => JSON.stringify(secret).slice(1, -1) },
  { form: 'XML', write: (secret) => escapeXml(secret) },
  { form: 'hex', write: (secret) => Buffer.from(secret).toString('hex') },
  // The last group depends on what follows the secret, so it is left out.
  { form: 'base64', write: (secret) => wholeGroups(Buffer.from(secret).toString('base64')) },
]

/** @returns {string[]} the different secrets of the log, one a line, that are long enough to be searched for */
export function readSecrets(log) {
  const lines = log.split('\n').map((line) => line.replace(/\r$/, ''))
  return [...new Set(lines.filter((line) => line.length >= SECRET_CHARS_MIN))]
}

/**
 * Looks at every place of the output once, however many secrets there are.
 * @param {Buffer} output as it was printed; colours are ignored
 * @param {string[]} secrets
 * @returns {{ secretNumber: number, form: string, line: number, column: number }[]} numbers count from 1
 */
export function findSecrets(output, secrets) {
  const text = withoutColours(output.toString('latin1')) // one character a byte: any bytes can be searched
  const needlesByStart = indexNeedles(secrets)
  const places = []
  for (let at = 0; at + SECRET_CHARS_MIN <= text.length; at += 1) {
    const needle = needlesByStart
      .get(text.slice(at, at + SECRET_CHARS_MIN))
      ?.find((candidate) => text.startsWith(candidate.text, at))
    if (needle === undefined) continue
    const { secretNumber, form } = needle
    places.push({ secretNumber, form, ...placeOf(text, at) })
  }
  return places
}

function indexNeedles(secrets) {
  const needlesByStart = new Map()
  secrets.forEach((secret, index) => {
    const seen = new Set()
    for (const { form, write } of FORMS) {
      const text = Buffer.from(write(secret)).toString('latin1')
      if (text.length < SECRET_CHARS_MIN || seen.has(text)) continue
      seen.add(text)
      const start = text.slice(0, SECRET_CHARS_MIN)
      needlesByStart.set(start, [...(needlesByStart.get(start) ?? []), { text, form, secretNumber: index + 1 }])
    }
  })
  return needlesByStart
}

function placeOf(text, at) {
  const before = text.slice(0, at)
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') }
}

function withoutColours(text) {
  return text.replace(/\u001b\[[0-9;]*m/g, '')
}

function escapeXml(text) {
  const names = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }
  return text.replace(/[&<>"']/g, (character) => names[character])
}

function wholeGroups(base64) {
  const trimmed = base64.replace(/=+$/, '')
  return trimmed.slice(0, trimmed.length - (trimmed.length % 4))
}
