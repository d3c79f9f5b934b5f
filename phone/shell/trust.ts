/** Whom the phone trusts and how it shows itself in TLS. Source: MPP §11.2. */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import {
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  rootCertificates,
  type SecureContext,
} from 'node:tls'
import { PhoneProblem } from './problem.ts'

/** PEM texts. Without `caPem` the phone trusts the public roots of Node, as a real one trusts many. */
export interface ShellTls {
  readonly certPem?: string
  readonly keyPem?: string
  readonly caPem?: string
}

/** Contexts kept, one for each custom CA; phones that share a transport seldom have more than one. */
const CONTEXTS_MAX = 8

/** Makes the TLS contexts of one phone. */
export interface Trust {
  /** @param customCaPem  one more root beside those of the phone; an unreadable one counts as none */
  context(customCaPem: string | undefined): SecureContext
}

/** @throws PhoneProblem when the phone's own certificate, key or roots cannot be used */
export function createTrust(tls: ShellTls): Trust {
  const own = ownContext(tls)
  const roots: readonly string[] = tls.caPem === undefined ? rootCertificates : [tls.caPem]
  const known = new Map<string, SecureContext>()
  function context(customCaPem: string | undefined): SecureContext {
    if (customCaPem === undefined) return own
    const before = known.get(customCaPem)
    if (before !== undefined) return before
    // Node leaves out a CA that it cannot read, so a bad one does not lock the phone out of its provider.
    const made = contextOf(tls, [...roots, customCaPem])
    const [oldest] = known.keys()
    if (known.size >= CONTEXTS_MAX && oldest !== undefined) known.delete(oldest)
    known.set(customCaPem, made)
    return made
  }
  return { context }
}

function ownContext(tls: ShellTls): SecureContext {
  try {
    // For its errors only: a CA that Node leaves out would show much later, as a server that is not trusted.
    if (tls.caPem !== undefined) void new X509Certificate(tls.caPem)
    return contextOf(tls, tls.caPem === undefined ? undefined : [tls.caPem])
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new PhoneProblem(`Cannot use the phone's certificate, key or CA: ${why}`, { cause })
  }
}

function contextOf(tls: ShellTls, ca: readonly string[] | undefined): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.2',
    ...(tls.certPem === undefined ? {} : { cert: tls.certPem }),
    ...(tls.keyPem === undefined ? {} : { key: tls.keyPem }),
    ...(ca === undefined ? {} : { ca: [...ca] }),
  })
}

/** What to ask for with SNI: RFC 6066 §3 allows names only. */
export function sniName(name: string): string {
  return isIP(name) === 0 ? name : ''
}

/**
 * Whether a certificate belongs to `name`. Beside the rules of RFC 6125 the guide's old form is taken: a common name that
 * goes on after a slash, `CN=pv.telco.net/mailto:a@b` (MPP §11.2).
 */
export function checkServerName(name: string, certificate: PeerCertificate): Error | undefined {
  const wrong = checkServerIdentity(name, certificate)
  const commonName: unknown = certificate.subject?.CN
  if (wrong === undefined || certificate.subjectaltname !== undefined || typeof commonName !== 'string') return wrong
  const cut = commonName.split('/')[0] ?? ''
  return checkServerIdentity(name, { ...certificate, subject: { ...certificate.subject, CN: cut } })
}
