/** Session cookies of the ACS: taken from its answers, given back, forgotten with the session [TR-069 §2.3]. */

/** Cookies of one session, and the length of one; an ACS needs one or two. */
const COOKIES_MAX = 16
const COOKIE_CHARS_MAX = 4096

/** Name and value of each cookie. */
export type Cookies = Readonly<Record<string, string>>

/**
 * Takes the cookies of one answer.
 * @param header  Set-Cookie; several ones joined by a comma, which may also stand inside a date
 */
export function takeCookies(cookies: Cookies, header: string | undefined, scheme: 'http' | 'https'): Cookies {
  if (header === undefined) return cookies
  return header.split(/\n|,\s*(?=[^;,=\s]+=)/).reduce<Cookies>((kept, text) => takeCookie(kept, text, scheme), cookies)
}

/** The value of Cookie; undefined: there are none. */
export function cookieHeader(cookies: Cookies): string | undefined {
  const pairs = Object.entries(cookies).map(([name, value]) => `${name}=${value}`)
  return pairs.length === 0 ? undefined : pairs.join('; ')
}

function takeCookie(cookies: Cookies, text: string, scheme: 'http' | 'https'): Cookies {
  const [pair = '', ...attributes] = text.split(';').map((part) => part.trim())
  const [, name = '', value = ''] = /^([^=\s]+)\s*=\s*([\x20-\x7e]*)$/.exec(pair) ?? []
  const has = (pattern: RegExp) => attributes.some((attribute) => pattern.test(attribute))
  if (name === '' || pair.length > COOKIE_CHARS_MAX || (scheme === 'http' && has(/^secure$/i))) return cookies
  const { [name]: _before, ...others } = cookies
  if (has(/^max-age\s*=\s*(?:0|-\d+)$/i)) return others
  return Object.keys(others).length < COOKIES_MAX ? { ...others, [name]: value } : cookies
}
