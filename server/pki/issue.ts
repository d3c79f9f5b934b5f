/**
 * Makes certificates: a lab CA that stands in for the factory, client certificates for virtual phones, a CA and a
 * certificate for the server where none is given. Key material is random by nature; everything else is an argument.
 * Source: MPP §11.2 (subjects); RFC 5280.
 */
import 'reflect-metadata'
import { randomBytes, type webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'
import type { CertificateIdentity } from '../../protocol/http/mod.ts'
import type { Millis } from '../../protocol/result.ts'
import type { CertificatePair } from './types.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 86_400_000
const CA_LIFE_DAYS = 7300
const DEVICE_LIFE_DAYS = 7300
const SERVER_LIFE_DAYS = 397
/** Phones with a slow clock must still find the certificate valid. */
const BACKDATE_DAYS = 2

/** A self-signed CA, e.g. `Offhook lab device CA`. */
export async function createCa(commonName: string, now: Millis): Promise<CertificatePair> {
  const keys = await newKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...common(now, CA_LIFE_DAYS),
    name: [{ O: ['Offhook'] }, { CN: [commonName] }],
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return pairOf(certificate, keys.privateKey)
}

/** The factory certificate of a virtual phone: `OU=<PN>, L=<serial>, ST=<mac>`. */
export async function issueDeviceCertificate(
  ca: CertificatePair,
  identity: CertificateIdentity,
  now: Millis,
): Promise<CertificatePair> {
  return issue(ca, now, deviceCertificate(identity))
}

function deviceCertificate(identity: CertificateIdentity): Wanted {
  return {
    name: [{ O: ['Offhook lab'] }, { OU: [identity.productName] }, { L: [identity.serial] }, { ST: [identity.mac] }],
    days: DEVICE_LIFE_DAYS,
    usage: x509.ExtendedKeyUsage.clientAuth,
    hosts: [],
  }
}

/**
 * Makes factory certificates for many virtual phones, quickly: all with one key, which a real factory would never do.
 * For tests and benchmarks.
 */
export async function createDeviceCertificates(
  ca: CertificatePair,
): Promise<(identity: CertificateIdentity, now: Millis) => Promise<CertificatePair>> {
  const keys = await newKeys()
  return (identity, now) => issue(ca, now, deviceCertificate(identity), keys)
}

/** @param hosts names and addresses that the certificate is good for; the first is its common name */
export async function issueServerCertificate(
  ca: CertificatePair,
  hosts: readonly string[],
  now: Millis,
): Promise<CertificatePair> {
  return issue(ca, now, {
    name: [{ CN: [hosts[0] ?? 'localhost'] }],
    days: SERVER_LIFE_DAYS,
    usage: x509.ExtendedKeyUsage.serverAuth,
    hosts,
  })
}

interface Wanted {
  readonly name: x509.JsonName
  readonly days: number
  readonly usage: x509.ExtendedKeyUsage
  readonly hosts: readonly string[]
}

async function issue(
  ca: CertificatePair,
  now: Millis,
  wanted: Wanted,
  given?: webcrypto.CryptoKeyPair,
): Promise<CertificatePair> {
  const issuer = new x509.X509Certificate(ca.certPem)
  const signingKey = await importKey(ca.keyPem)
  const keys = given ?? (await newKeys())
  const names = wanted.hosts.map((host) => ({ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }) as const)
  const certificate = await x509.X509CertificateGenerator.create({
    ...common(now, wanted.days),
    subject: wanted.name,
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([wanted.usage]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  })
  return pairOf(certificate, keys.privateKey)
}

function common(now: Millis, days: number) {
  return {
    serialNumber: `00${randomBytes(15).toString('hex')}`,
    notBefore: new Date(now - BACKDATE_DAYS * DAY_MS),
    notAfter: new Date(now + days * DAY_MS),
    signingAlgorithm: ALGORITHM,
  }
}

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = x509.PemConverter.decodeFirst(pem)
  return crypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign'])
}

async function pairOf(certificate: x509.X509Certificate, key: webcrypto.CryptoKey): Promise<CertificatePair> {
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', key)
  return {
    certPem: `${certificate.toString('pem')}\n`,
    keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
  }
}
