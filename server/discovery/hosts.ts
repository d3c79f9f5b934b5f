import { isIPv4, isIPv6 } from 'node:net'

/** The parts of a URL of a provisioning server. */
export interface ServerUrl {
  readonly scheme: string
  /** As in the URL: an IPv6 address in brackets. */
  readonly host: string
  readonly port: string | undefined
  /** From its `/` on; empty where there is none. */
  readonly path: string
}

/** @returns the parts; `brackets` for an IPv6 address without them; undefined for what is no URL of a server. */
export function readServerUrl(url: string): ServerUrl | 'brackets' | undefined {
  // Quotes, backslash and angle brackets would end a text in one of the daemons' files, and must be encoded in a URL anyway.
  if (!/^[\x21-\x7e]+$/.test(url) || /["'\\<>`]/.test(url)) return undefined
  const found = /^([a-z]+):\/\/([^/?#]*)(.*)$/i.exec(url)
  if (found === null) return undefined
  const [, scheme = '', authority = '', path = ''] = found
  if (isPlainIPv6(authority) || isPlainIPv6(authority.replace(/:\d+$/, ''))) return 'brackets'
  const parts = /^(\[[^\]]+\]|[^:@[\]]+)(?::(\d{1,5}))?$/.exec(authority)
  const host = parts?.[1] ?? ''
  if (parts === null || !isHost(host)) return undefined
  return { scheme: scheme.toLowerCase(), host, port: parts[2], path }
}

/** Whether a text is an address, one of IPv6 in brackets, or a DNS name. */
export function isHost(text: string): boolean {
  return isAddressHost(text) || isHostName(text)
}

/** Whether a text of a URL's host is an address. */
export function isAddressHost(text: string): boolean {
  return isIPv4(text) || (text.startsWith('[') && text.endsWith(']') && isPlainIPv6(text.slice(1, -1)))
}

/** A DNS name: labels of letters, digits, hyphens and, as some networks have them, underscores; its last label is no number. */
export function isHostName(text: string): boolean {
  if (text.length > 253 || /(?:^|\.)[0-9]+$/.test(text)) return false
  return /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)*$/i.test(text)
}

/** Whether a text is an IPv6 address without a zone such as `%eth0`, which means nothing to others. */
export function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%')
}
