/**
 * Certificates of the server itself: requests for one, and whether one that was given can be used.
 * Source: MPP §11.2 (the common name is the server's host name); RFC 2986; RFC 5280.
 */
import 'reflect-metadata'
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import type { Millis } from '../../protocol/result.ts'

/** What every firmware can check; the vendor's own signing service takes RSA requests (guide: server certificates). */
const CSR_ALGORITHM = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
} as const
/** Certificates of one chain. */
const CHAIN_MAX = 10
const RSA_BITS_MIN = 2048

export interface CertificateRequest {
  readonly csrPem: string
  readonly keyPem: string
}

/** @param hosts names (or addresses) for the certificate; the first is the common name, as phones compare it */
export async function createServerCsr(hosts: readonly string[]): Promise<CertificateRequest> {
  const keys = await crypto.subtle.generateKey(CSR_ALGORITHM, true, ['sign', 'verify'])
  const names = hosts.map((host) => ({ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }) as const)
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [hosts[0] ?? 'localhost'] }],
    keys,
    signingAlgorithm: CSR_ALGORITHM,
    extensions: [new x509.SubjectAlternativeNameExtension(names)],
  })
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    csrPem: `${csr.toString('pem')}\n`,
    keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
  }
}

export interface ServerCertificateProblem {
  readonly code:
    | 'unreadable-certificate'
    | 'unreadable-key'
    | 'key-mismatch'
    | 'expired-certificate'
    | 'not-yet-valid'
    | 'wrong-host'
    | 'broken-chain'
    | 'weak-key'
  readonly message: string
  readonly advice: string
}

/** What a chain says of itself. */
export interface ServerCertificateFacts {
  readonly fingerprint: string
  readonly subject: string
  readonly issuer: string
  readonly hosts: readonly string[]
  readonly notBefore: Millis
  readonly notAfter: Millis
  /** Subject of the last certificate's issuer: the root that a phone must know. */
  readonly rootSubject: string
  readonly keyType: 'rsa' | 'ec' | 'other'
}

/** @returns undefined for a text that holds no certificate */
export function describeServerCertificate(chainPem: string): ServerCertificateFacts | undefined {
  const chain = readChain(chainPem)
  const leaf = chain[0]
  if (leaf === undefined) return undefined
  const key = leaf.publicKey.asymmetricKeyType
  return {
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    subject: oneLine(leaf.subject),
    issuer: oneLine(leaf.issuer),
    hosts: hostsOf(leaf),
    notBefore: Date.parse(leaf.validFrom),
    notAfter: Date.parse(leaf.validTo),
    rootSubject: oneLine(chain.at(-1)?.issuer ?? leaf.issuer),
    keyType: key === 'rsa' || key === 'ec' ? key : 'other',
  }
}

/**
 * Everything that is wrong with a chain and its key, before it is put in force.
 * @param hosts the names by which phones reach the server
 */
export function checkServerCertificate(
  given: { readonly chainPem: string; readonly keyPem: string },
  hosts: readonly string[],
  now: Millis,
): readonly ServerCertificateProblem[] {
  const chain = readChain(given.chainPem)
  const leaf = chain[0]
  if (leaf === undefined) return [unreadableCertificate()]
  return [...keyProblems(leaf, given.keyPem), ...checkShown(chain, leaf, hosts, now)]
}

/** The same of a chain whose key is not at hand: what a phone can see. */
export function checkServerChain(
  chainPem: string,
  hosts: readonly string[],
  now: Millis,
): readonly ServerCertificateProblem[] {
  const chain = readChain(chainPem)
  const leaf = chain[0]
  return leaf === undefined ? [unreadableCertificate()] : checkShown(chain, leaf, hosts, now)
}

function checkShown(
  chain: readonly X509Certificate[],
  leaf: X509Certificate,
  hosts: readonly string[],
  now: Millis,
): readonly ServerCertificateProblem[] {
  return [...timeProblems(leaf, now), ...hostProblems(leaf, hosts), ...chainProblems(chain)]
}

/** Whether nothing helps but another certificate or key: phones could never be served with it. */
export function isFatal({ code }: ServerCertificateProblem): boolean {
  return code !== 'wrong-host' && code !== 'broken-chain' && code !== 'not-yet-valid'
}

/**
 * Nothing but the certificates of a text, as they came: what else was pasted along, such as a key, is left out.
 * @returns the empty text for one that holds none
 */
export function certificatesOf(text: string): string {
  const blocks = text.match(PEM_BLOCK) ?? []
  return blocks.map((block) => `${block}\n`).join('')
}

function unreadableCertificate(): ServerCertificateProblem {
  return {
    code: 'unreadable-certificate',
    message: 'The text holds no certificate that can be read',
    advice: 'Give PEM that starts with -----BEGIN CERTIFICATE-----, the server’s own certificate first.',
  }
}

function keyProblems(leaf: X509Certificate, keyPem: string): readonly ServerCertificateProblem[] {
  const key = readKey(keyPem)
  if (key === undefined) {
    const advice = 'Give the private key as PEM without a pass phrase.'
    return [{ code: 'unreadable-key', message: 'The private key cannot be read', advice }]
  }
  const bits = leaf.publicKey.asymmetricKeyDetails?.modulusLength
  if (bits !== undefined && bits < RSA_BITS_MIN) {
    const advice = `Use an RSA key of at least ${RSA_BITS_MIN} bits.`
    return [{ code: 'weak-key', message: `The certificate has an RSA key of ${bits} bits`, advice }]
  }
  if (leaf.checkPrivateKey(key)) return []
  const advice = 'Give the key that the certificate was requested with.'
  return [{ code: 'key-mismatch', message: 'The private key does not belong to the certificate', advice }]
}

function timeProblems(leaf: X509Certificate, now: Millis): readonly ServerCertificateProblem[] {
  if (now > Date.parse(leaf.validTo)) {
    return [
      {
        code: 'expired-certificate',
        message: `The certificate ended on ${dayOf(leaf.validTo)}`,
        advice: 'Have it renewed: phones would refuse it.',
      },
    ]
  }
  if (now < Date.parse(leaf.validFrom)) {
    return [
      {
        code: 'not-yet-valid',
        message: `The certificate begins on ${dayOf(leaf.validFrom)}`,
        advice: 'Wait until then, or correct the clock of this machine.',
      },
    ]
  }
  return []
}

function hostProblems(leaf: X509Certificate, hosts: readonly string[]): readonly ServerCertificateProblem[] {
  const missing = hosts.filter((host) => (isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host)) === undefined)
  if (missing.length === 0) return []
  return [
    {
      code: 'wrong-host',
      message: `The certificate is for ${hostsOf(leaf).join(', ') || oneLine(leaf.subject)}, not for ${missing.join(', ')}`,
      advice: 'Have it issued for the host of the public URL, or correct OFFHOOK_PUBLIC_URL.',
    },
  ]
}

function chainProblems(chain: readonly X509Certificate[]): readonly ServerCertificateProblem[] {
  const broken = chain.findIndex((each, index) => {
    const issuer = chain[index + 1]
    return issuer !== undefined && !(each.checkIssued(issuer) && each.verify(issuer.publicKey))
  })
  if (broken < 0) return []
  return [
    {
      code: 'broken-chain',
      message: `Certificate ${broken + 2} of the chain did not issue the one before it`,
      advice: 'Put the server’s certificate first, then each issuer; leave out what does not belong.',
    },
  ]
}

/** `2026-05-03 10:00 UTC` */
function dayOf(text: string): string {
  return `${new Date(Date.parse(text)).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

function readChain(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(PEM_BLOCK) ?? []
  try {
    return blocks.slice(0, CHAIN_MAX).map((block) => new X509Certificate(block))
  } catch {
    // One that cannot be read spoils the chain: the caller says so.
    return []
  }
}

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    // Not a key, or one with a pass phrase: the caller says so.
    return undefined
  }
}

function hostsOf(certificate: X509Certificate): readonly string[] {
  const names = [...(certificate.subjectAltName ?? '').matchAll(/(?:DNS|IP Address):([^,\s]+)/g)]
  return names.map(([, name]) => name ?? '')
}

function oneLine(subject: string): string {
  return subject.split('\n').reverse().join(', ')
}
