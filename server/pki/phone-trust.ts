/**
 * What phones accept of a server, as data: which roots they carry, which versions of TLS they speak, by model and
 * firmware. The vendor publishes names and no lists, so a row says how sure it is. Source: MPP §11.2.
 */
import type { Millis } from '../../protocol/result.ts'
import type { ServerCertificateFacts } from './server-certificate.ts'

export interface PhoneTrustRow {
  /** Product names, `*` at the end stands for the rest. */
  readonly models: string
  /** First firmware that the row holds for, as in load names; undefined: all before the next row too. */
  readonly fromFirmware: string | undefined
  /** Words in the subject of a root that these phones carry. */
  readonly roots: readonly string[]
  readonly tlsMin: '1.1' | '1.2'
  readonly tlsMax: '1.2' | '1.3'
  readonly keyTypes: readonly ('rsa' | 'ec')[]
  /** Whether a root given by `Custom_CA_Rule` counts. */
  readonly customCa: boolean
  readonly certainty: 'documented' | 'inferred'
  readonly note: string
}

const VENDOR_ROOTS = ['Cisco', 'Sipura', 'Linksys', 'VeriSign', 'CyberTrust', 'Cybertrust'] as const

export const PHONE_TRUST: readonly PhoneTrustRow[] = [
  {
    models: 'CP-*',
    fromFirmware: undefined,
    roots: VENDOR_ROOTS,
    tlsMin: '1.1',
    tlsMax: '1.2',
    keyTypes: ['rsa'],
    customCa: true,
    certainty: 'documented',
    note: 'Other public roots "commonly used" are carried too; the vendor names none of them.',
  },
  {
    models: 'CP-*',
    fromFirmware: '11-3',
    roots: VENDOR_ROOTS,
    tlsMin: '1.2',
    tlsMax: '1.2',
    keyTypes: ['rsa', 'ec'],
    customCa: true,
    certainty: 'inferred',
    note: 'TLS_Client_Min_Version defaults to 1.2. Elliptic curves are in the cipher list; nobody says so of certificates.',
  },
  {
    models: 'DP-*',
    fromFirmware: undefined,
    roots: VENDOR_ROOTS,
    tlsMin: '1.2',
    tlsMax: '1.3',
    keyTypes: ['rsa', 'ec'],
    customCa: true,
    certainty: 'inferred',
    note: 'The 9800 series; its roots are not published.',
  },
]

export type TrustVerdict = 'accepts' | 'accepts-with-custom-ca' | 'unknown' | 'refuses'

export interface PhoneTrustResult {
  readonly row: PhoneTrustRow
  readonly verdict: TrustVerdict
  readonly reason: string
}

/** What a server offers. */
export interface ServerOffer {
  readonly certificate: ServerCertificateFacts
  /** Its own CA, which phones learn by `Custom_CA_Rule`. */
  readonly ownCa: boolean
  readonly tlsMin: '1.2' | '1.3'
}

/** For each row, whether such phones would take the server for ours. */
export function phonesAccepting(offer: ServerOffer, now: Millis): readonly PhoneTrustResult[] {
  return PHONE_TRUST.map((row) => ({ row, ...verdictOf(row, offer, now) }))
}

function verdictOf(row: PhoneTrustRow, offer: ServerOffer, now: Millis): Pick<PhoneTrustResult, 'verdict' | 'reason'> {
  const { certificate } = offer
  if (now > certificate.notAfter) return { verdict: 'refuses', reason: 'the certificate has ended' }
  if (Number(offer.tlsMin) > Number(row.tlsMax)) {
    return {
      verdict: 'refuses',
      reason: `the server speaks TLS ${offer.tlsMin} and up, these phones up to ${row.tlsMax}`,
    }
  }
  const key = certificate.keyType
  const keyKnown = key !== 'other' && row.keyTypes.includes(key)
  if (offer.ownCa) {
    if (!row.customCa)
      return { verdict: 'refuses', reason: 'the certificate is of our own CA, which they cannot learn' }
    const reason = 'the certificate is of our own CA: they must have fetched it by Custom_CA_Rule first'
    return keyKnown ? { verdict: 'accepts-with-custom-ca', reason } : { verdict: 'unknown', reason: keyReason(key) }
  }
  if (!keyKnown) return { verdict: 'unknown', reason: keyReason(key) }
  const root = row.roots.find((word) => certificate.rootSubject.includes(word))
  if (root !== undefined) return { verdict: 'accepts', reason: `the chain ends at a root of ${root}` }
  return {
    verdict: 'unknown',
    reason: `the chain ends at "${certificate.rootSubject}", which the vendor does not name; try one phone first`,
  }
}

function keyReason(key: ServerCertificateFacts['keyType']): string {
  return `nobody says that these phones take a certificate with a key of type "${key}"; RSA is safe`
}
