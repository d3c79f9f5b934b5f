/**
 * The one who called a command URL stands in for a server that the command leaves out.
 * Source: MPP §4.5; guide: Manually Provision a Phone from the Keypad ("the host that requests the URL is used").
 */

/** Node names IPv4 callers of a dual-stack socket `::ffff:192.0.2.1`. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=[0-9.]+$)/i, '')
}

/**
 * @param url what stands behind `/admin/upgrade?`
 * @returns the URL with the caller as its server where it names none: `/path` by TFTP, `http:///path` by HTTP
 */
export function serverFromCaller(url: string, caller: string | undefined): string {
  const match = /^(?:(tftp|https?):\/\/)?(\/.*)$/is.exec(url)
  if (caller === undefined || match === null) return url
  const [, scheme = 'tftp', path = '/'] = match
  const address = plainAddress(caller)
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}${path}`
}
