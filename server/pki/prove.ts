/**
 * Proves a client certificate against the device CAs. TLS has shown that the client holds the key; this shows whose
 * it is. The chain is checked here and at each request, so a CA that was removed counts at once, also for sessions
 * that TLS resumes. Source: MPP §11.2; RFC 5280 §6.
 */
import { X509Certificate } from 'node:crypto'
import { parseCertificateSubject } from '../../protocol/http/mod.ts'
import type { Millis } from '../../protocol/result.ts'
import type { DeviceCa, PeerChain, ProvenCertificate } from './types.ts'

/** Certificates between the phone's own and the CA. */
const INTERMEDIATES_MAX = 4

interface Anchor {
  readonly ca: DeviceCa
  readonly certificate: X509Certificate
}

/** The device CAs, parsed once. */
export interface TrustAnchors {
  readonly cas: readonly DeviceCa[]
  prove(chain: PeerChain, now: Millis): ProvenCertificate | undefined
}

/** @param cas those in force; a PEM that cannot be read throws, for it was checked when it was installed */
export function trustAnchors(cas: readonly DeviceCa[]): TrustAnchors {
  const anchors = cas.map((ca): Anchor => ({ ca, certificate: new X509Certificate(ca.pem) }))
  return { cas, prove: (chain, now) => proveCertificate(chain, anchors, now) }
}

/** @returns who the phone is and by which CA, or undefined when nothing is proved. Never throws. */
function proveCertificate(chain: PeerChain, anchors: readonly Anchor[], now: Millis): ProvenCertificate | undefined {
  const certificates = readChain(chain)
  const leaf = certificates[0]
  if (leaf === undefined) return undefined
  const path = findPath(leaf, certificates.slice(1), anchors)
  const identity = parseCertificateSubject(leaf.subject)
  if (path === undefined || identity === undefined) return undefined
  const { anchor, certificates: used } = path
  if (used.some((each) => now < Date.parse(each.validFrom)) || !speaksFor(anchor.ca, identity.productName))
    return undefined
  const expired = used.some((each) => now > Date.parse(each.validTo))
  return { ...identity, caFingerprint: anchor.ca.fingerprint, expired }
}

function readChain(chain: PeerChain): readonly X509Certificate[] {
  try {
    return chain.slice(0, INTERMEDIATES_MAX + 1).map((der) => new X509Certificate(der))
  } catch {
    // Not a certificate: nothing is proved.
    return []
  }
}

/** From the phone's certificate up to a CA of ours, both ends included. */
interface Path {
  readonly anchor: Anchor
  readonly certificates: readonly X509Certificate[]
}

function findPath(
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  anchors: readonly Anchor[],
): Path | undefined {
  const path = [leaf]
  let current = leaf
  for (let step = 0; step <= INTERMEDIATES_MAX; step++) {
    const subject = current
    const anchor = anchors.find(({ certificate }) => issued(certificate, subject))
    if (anchor !== undefined) return { anchor, certificates: [...path, anchor.certificate] }
    const next = others.find((each) => each.ca && !path.includes(each) && issued(each, subject))
    if (next === undefined) return undefined
    path.push(next)
    current = next
  }
  return undefined
}

function issued(issuer: X509Certificate, subject: X509Certificate): boolean {
  try {
    return subject.checkIssued(issuer) && subject.verify(issuer.publicKey)
  } catch {
    // A key of a kind that OpenSSL cannot verify with proves nothing.
    return false
  }
}

/** @returns whether the CA may speak for phones of this name */
export function speaksFor(ca: DeviceCa, productName: string): boolean {
  if (ca.models.length === 0) return true
  return ca.models.some((model) =>
    model.endsWith('*') ? productName.startsWith(model.slice(0, -1)) : productName === model,
  )
}

/** SHA-256 of a PEM certificate in lower-case hex; throws when it is none. */
export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()
}

/** The device CAs in force: the lab CA steps back as soon as a vendor root is installed, unless it is wanted. */
export function casInForce(cas: readonly DeviceCa[], lab: boolean): readonly DeviceCa[] {
  const vendor = cas.some((ca) => ca.kind === 'vendor')
  return cas.filter((ca) => ca.kind === 'vendor' || lab || !vendor)
}
