/**
 * Proves a client certificate against the device CAs. TLS has shown that the client holds the key; this shows whose
 * it is. A certificate's path is looked for once under each set of CAs in force, so a CA that was removed counts at once,
 * also for sessions that TLS resumes. Source: MPP §11.2; RFC 5280 §6.
 */
import { createHash, X509Certificate } from 'node:crypto'
import { type CertificateIdentity, parseCertificateSubject } from '../../protocol/http/mod.ts'
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

/** Phones whose certificate was found to lead to one of our CAs, kept for each set of CAs. */
const FOUND_MAX = 50_000

/** What never changes about a certificate once its path to a CA is found; its dates are looked at each time. */
interface Found {
  readonly identity: CertificateIdentity
  readonly caFingerprint: string
  readonly validFrom: Millis
  readonly validTo: Millis
}

/** @param cas those in force; a PEM that cannot be read throws, for it was checked when it was installed */
export function trustAnchors(cas: readonly DeviceCa[]): TrustAnchors {
  const anchors = cas.map((ca): Anchor => ({ ca, certificate: new X509Certificate(ca.pem) }))
  const known = new Map<string, Found>()
  function find(chain: PeerChain): Found | undefined {
    const [leaf] = chain
    if (leaf === undefined) return undefined
    const digest = createHash('sha256').update(leaf).digest('base64')
    const before = known.get(digest)
    if (before !== undefined) return before
    const found = findProof(chain, anchors)
    if (found === undefined) return undefined
    if (known.size >= FOUND_MAX) known.delete(known.keys().next().value ?? '')
    known.set(digest, found)
    return found
  }
  return {
    cas,
    prove(chain, now) {
      const found = find(chain)
      if (found === undefined || now < found.validFrom) return undefined
      return { ...found.identity, caFingerprint: found.caFingerprint, expired: now > found.validTo }
    },
  }
}

/** @returns who the phone is and by which CA, or undefined when nothing is proved. Never throws. */
function findProof(chain: PeerChain, anchors: readonly Anchor[]): Found | undefined {
  const certificates = readChain(chain)
  const leaf = certificates[0]
  if (leaf === undefined) return undefined
  const path = findPath(leaf, certificates.slice(1), anchors)
  const identity = parseCertificateSubject(leaf.subject)
  if (path === undefined || identity === undefined) return undefined
  const { anchor, certificates: used } = path
  if (!speaksFor(anchor.ca, identity.productName)) return undefined
  return {
    identity,
    caFingerprint: anchor.ca.fingerprint,
    validFrom: Math.max(...used.map((each) => Date.parse(each.validFrom))),
    validTo: Math.min(...used.map((each) => Date.parse(each.validTo))),
  }
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
