/** Basic authentication (RFC 7617). */
import { base64ToBytes, bytesToBase64, utf8Bytes, utf8Text } from '../bytes.ts'
import { parseAuthSchemes } from './auth-header.ts'

/** @returns the value of `Authorization`, user name and password in UTF-8. A colon in the user name would shift. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${bytesToBase64(utf8Bytes(`${username}:${password}`))}`
}

/**
 * Reads `Authorization` of the Basic scheme; bytes that are not UTF-8 are read as Latin-1.
 * @returns undefined for another scheme, broken base64, or no colon. Never throws.
 * Source: RFC 7617 §2.
 */
export function parseBasicAuthorization(
  header: string,
): { readonly username: string; readonly password: string } | undefined {
  const [scheme, ...others] = parseAuthSchemes(header)
  if (scheme?.name !== 'basic' || scheme.token68 === undefined || others.length > 0) return undefined
  const bytes = base64ToBytes(scheme.token68)
  if (bytes === undefined) return undefined
  const text = utf8Text(bytes) ?? Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) }
}
