/** Names and addresses of the world. There is no DNS: a name that is not here does not exist. */
import type { ProvenCertificate } from '../server/fetch/types.ts'

/** Provisioning over HTTP and HTTPS, with firmware and profiles. */
export const PROVISIONING_HOST = 'prov.supervoip.example'
/** The same machine on the bench, where DHCP names it by address. */
export const PROVISIONING_ADDRESS = '192.0.2.10'
/** Where sealed phones ask for their redirect. */
export const REDIRECT_HOST = 'rc.supervoip.example'
export const REGISTRAR_HOST = 'sip.supervoip.example'

export const PUBLIC_URL = `https://${PROVISIONING_HOST}`
export const PUBLIC_HTTP_URL = `http://${PROVISIONING_HOST}`
export const REDIRECT_URL = `https://${REDIRECT_HOST}/software/edos/callhome/rc`

/** @returns whether a phone that asks for this host comes to our server */
export function isProvider(host: string): boolean {
  return [PROVISIONING_HOST, PROVISIONING_ADDRESS, REDIRECT_HOST].includes(host)
}

/** The ports that phones ask when a URL names none. */
export const PORTS = { tftp: 69, http: 80, https: 443 } as const

/** Who asks, as the server sees it. */
export interface Caller {
  /** The address that it comes from, behind whatever router. */
  readonly address: string
  /** What its certificate proves, when it shows one. */
  readonly certificate: ProvenCertificate | undefined
}
