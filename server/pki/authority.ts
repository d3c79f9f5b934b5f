/** What may be asked of a certificate authority. Source: RFC 8555. */

/** Hosts of one certificate. */
export const CERTIFICATE_HOSTS_MAX = 20

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
/** Wildcards need a DNS challenge, addresses an authority that takes them: neither is done here. */
const HOST = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)

/** In clear only to this machine: RFC 8555 §6.1 asks for HTTPS. */
export function isAuthorityUrl(url: string): boolean {
  if (!URL.canParse(url)) return false
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname))
}

/** @returns whether an authority can look for this name on port 80 */
export function isAuthorizableHost(host: string): boolean {
  return HOST.test(host.toLowerCase())
}
