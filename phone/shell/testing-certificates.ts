/** Certificates for tests: a CA, and what it signs. */
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const HOUR_MS = 3_600_000

export interface TestPair {
  readonly certPem: string
  readonly keyPem: string
}

export interface TestCa extends TestPair {
  /** @param subject  a name as RFC 4514 writes it; `hosts` become subject alternative names */
  issue(subject: string, hosts?: readonly string[]): Promise<TestPair>
}

export async function makeCa(subject: string): Promise<TestCa> {
  const keys = await newKeys()
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...common(),
    name: subject,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  async function issue(name: string, hosts: readonly string[] = []): Promise<TestPair> {
    const own = await newKeys()
    const names = hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host }))
    const certificate = await x509.X509CertificateGenerator.create({
      ...common(),
      subject: name,
      issuer: authority.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)],
    })
    return pairOf(certificate, own.privateKey)
  }
  return { ...(await pairOf(authority, keys.privateKey)), issue }
}

function common() {
  const now = Date.now()
  return {
    serialNumber: randomBytes(8).toString('hex'),
    notBefore: new Date(now - HOUR_MS),
    notAfter: new Date(now + 24 * HOUR_MS),
    signingAlgorithm: ALGORITHM,
  }
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  x509.cryptoProvider.set(webcrypto)
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

async function pairOf(certificate: x509.X509Certificate, key: webcrypto.CryptoKey): Promise<TestPair> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  const lines = pkcs8.match(/.{1,64}/g) ?? []
  return {
    certPem: certificate.toString('pem'),
    keyPem: ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n'),
  }
}
