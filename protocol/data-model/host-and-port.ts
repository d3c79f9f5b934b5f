/** A host and its port, which share one element of the profile: `host:port`, the port left out when it is 5060 [TR-069 §10.2]. */
const SIP_PORT = 5060
const PORT_MAX = 65_535

/** RFC 4291 texts: hexadecimal groups, at least two colons. */
const IPV6 = /^(?=[^:]*:[^:]*:)[\da-f:.]{2,45}$/i
const NAME = /^[^\s:,;/@[\]]+$/
const WITH_PORT = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/

/** An address without its brackets; what is neither host nor `host:port` stays as it is. */
export function readHost(stored: string): string {
  const match = IPV6.test(stored) ? null : WITH_PORT.exec(stored)
  return match === null ? stored : (match[1] ?? match[2] ?? '')
}

/** 5060 where none is said. */
export function readPort(stored: string): number {
  const match = IPV6.test(stored) ? null : WITH_PORT.exec(stored)
  return Number(match?.[3] ?? SIP_PORT)
}

/** The new element; undefined: no host. The port stays; without a host there is none. */
export function writeHost(host: string, stored: string): string | undefined {
  if (host === '') return ''
  const bare = /^\[.*\]$/.test(host) ? host.slice(1, -1) : host
  if (bare === host ? !NAME.test(host) && !IPV6.test(host) : !IPV6.test(bare)) return undefined
  return joined(bare, readPort(stored))
}

/** The new element; undefined: no port, or one without a host to stand behind. */
export function writePort(port: number, stored: string): string | undefined {
  if (port < 1 || port > PORT_MAX) return undefined
  const host = readHost(stored)
  if (host !== '') return joined(host, port)
  return port === SIP_PORT ? '' : undefined
}

function joined(host: string, port: number): string {
  const shown = IPV6.test(host) ? `[${host}]` : host
  return port === SIP_PORT ? shown : `${shown}:${port}`
}
