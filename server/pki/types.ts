/** Certificates as this platform keeps them. PEM text; fingerprints are SHA-256 in lower-case hex. */

export interface CertificatePair {
  readonly certPem: string
  readonly keyPem: string
}

/** A CA whose signature proves a phone, and the models that it speaks for. */
export interface DeviceCa {
  readonly fingerprint: string
  readonly name: string
  readonly kind: 'vendor' | 'lab'
  readonly pem: string
  /** Product names, `*` at the end stands for the rest (`CP-88*`); empty: all. */
  readonly models: readonly string[]
}

/** What the TLS layer hands over: the client's own certificate first, then what it sent along. DER. */
export type PeerChain = readonly Uint8Array[]
