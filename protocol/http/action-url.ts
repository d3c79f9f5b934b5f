/** The command URLs of the phone's own web server (MPP §7.3). */

/**
 * A command to the phone. What stands behind `?` is one rule or URL taken as it is: not split at `?` or `&`, and
 * not percent-decoded. Without a host in it (`/admin/resync?/path`) the caller's address is the server.
 */
export type ActionUrl =
  | { readonly kind: 'resync'; readonly rule: string | undefined }
  | { readonly kind: 'upgrade'; readonly url: string | undefined }
  | { readonly kind: 'reboot' }
  | { readonly kind: 'factory-reset' }

/** The account of the suffix `&xuser=…&xpassword=…`. */
export interface ActionAccount {
  readonly user: string
  readonly password: string
}

/** A rule has at most 4,096 characters; this leaves room for the path and the account. */
export const ACTION_URL_CHARS_MAX = 8192

/**
 * Reads the target of a request line, in origin form or absolute form.
 * @returns undefined if it is no command, or too long. Never throws.
 * Source: MPP §7.3.
 */
export function parseActionUrl(requestTarget: string): (ActionUrl & { readonly account?: ActionAccount }) | undefined {
  if (requestTarget.length > ACTION_URL_CHARS_MAX) return undefined
  const { target, account } = splitAccountSuffix(requestTarget.replace(/^https?:\/\/[^/?#]*/i, ''))
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const action = actionOf(path, mark < 0 ? '' : target.slice(mark + 1))
  if (action === undefined) return undefined
  return account === undefined ? action : { ...action, account }
}

/**
 * Cuts `&xuser=<user>&xpassword=<password>` off the end of a target, e.g. of `/admin/config.xml&xuser=…`. Right
 * behind the first `?` it may stand without its `&`. Percent escapes in user and password are undone where they
 * are valid; the password goes to the end of the text.
 * Source: MPP §7.3.
 */
export function splitAccountSuffix(target: string): {
  readonly target: string
  readonly account: ActionAccount | undefined
} {
  const mark = target.indexOf('?')
  const start = Math.max(target.lastIndexOf('&xuser='), mark === target.lastIndexOf('?xuser=') ? mark : -1)
  const match = start < 0 ? null : /^[?&]xuser=([^&]*)&xpassword=(.*)$/s.exec(target.slice(start))
  if (match === null) return { target, account: undefined }
  const [, user = '', password = ''] = match
  return { target: target.slice(0, start), account: { user: percentDecode(user), password: percentDecode(password) } }
}

/**
 * The URL that a person opens so that the phone fetches a profile.
 * @param phone host name or address (IPv6 with or without brackets), or the base URL `https://host[:port]`
 * @returns e.g. `http://192.168.1.102/admin/resync?https://prov.supervoip.com/cisco-init/1234abcd`
 * Source: guide: Retail Distribution.
 */
export function printResyncUrl(phone: string, profileUrl: string): string {
  const isBareIpv6 = /^[0-9a-f:.]+$/i.test(phone) && phone.split(':').length > 2
  const base = /^https?:\/\//i.test(phone) ? phone.replace(/\/+$/, '') : `http://${isBareIpv6 ? `[${phone}]` : phone}`
  return `${base}/admin/resync?${profileUrl}`
}

function actionOf(path: string, argument: string): ActionUrl | undefined {
  const given = argument === '' ? undefined : argument
  switch (path) {
    case '/admin/resync':
      return { kind: 'resync', rule: given }
    case '/admin/upgrade':
      return { kind: 'upgrade', url: given }
    case '/admin/reboot':
      return { kind: 'reboot' }
    case '/admin/factory-reset':
      return { kind: 'factory-reset' }
    default:
      return undefined
  }
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A lone `%` is a character of the password.
    return text
  }
}
