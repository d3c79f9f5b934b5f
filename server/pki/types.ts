/** Certificates as this platform keeps them. PEM text; fingerprints are SHA-256 in lower-case hex. */

import type { MacAddress, ProductName, SerialNumber } from '../../protocol/identity.ts'

export interface CertificatePair {
  readonly certPem: string
  readonly keyPem: string
}

/** What the HTTPS door shows. */
export interface ServerCertificateInForce {
  readonly source: 'files' | 'stored' | 'own'
  /** The server's own first. */
  readonly chainPem: string
  /** The CA that phones learn by `Custom_CA_Rule`; undefined: they are to know the root already. */
  readonly caPem: string | undefined
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

/** What the client certificate said, after its chain was checked against the device CAs. */
export interface ProvenCertificate {
  readonly mac: MacAddress
  readonly serial: SerialNumber
  readonly productName: ProductName
  /** SHA-256 fingerprint (hex) of the device CA that it chains to. */
  readonly caFingerprint: string
  /** Past its date; the account decides. */
  readonly expired: boolean
}
