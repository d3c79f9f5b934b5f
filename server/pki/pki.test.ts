import { execFileSync } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import type { AddressInfo } from 'node:net'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { CertificateIdentity } from '../../protocol/http/mod.ts'
import { MAC, NOW, OTHER_MAC, plant, PN, productName, serialFor } from '../testing-facts.ts'
import { createCa, issueDeviceCertificate, issueServerCertificate } from './issue.ts'
import { casInForce, fingerprintOf, speaksFor, trustAnchors } from './prove.ts'
import type { CertificatePair, DeviceCa } from './types.ts'

const DAY_MS = 86_400_000
const YEAR_MS = 365 * DAY_MS
const identity: CertificateIdentity = { mac: MAC, serial: serialFor(MAC), productName: PN }

const folder = mkdtempSync(join(tmpdir(), 'offhook-pki-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

function openssl(...args: string[]): string {
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

function planted(pair: CertificatePair): CertificatePair {
  plant(pair.keyPem.split('\n')[1] ?? '')
  return pair
}

const ca = planted(await createCa('Test device CA', NOW))
const otherCa = planted(await createCa('Test device CA', NOW))
const device = planted(await issueDeviceCertificate(ca, identity, NOW))
const server = planted(await issueServerCertificate(ca, ['prov.example.com', '127.0.0.1', '::1'], NOW))
const at = ['-attime', String(Math.floor(NOW / 1000))]

function der(pem: string): Uint8Array {
  return new X509Certificate(pem).raw
}

function deviceCa(pair: CertificatePair, more: Partial<DeviceCa> = {}): DeviceCa {
  return {
    fingerprint: fingerprintOf(pair.certPem),
    name: 'CA',
    kind: 'vendor',
    pem: pair.certPem,
    models: [],
    ...more,
  }
}

function prove(chain: readonly Uint8Array[], cas: readonly DeviceCa[] = [deviceCa(ca)], now = NOW) {
  return trustAnchors(cas).prove(chain, now)
}

describe('what we issue', () => {
  it('the real openssl verifies as client and as server certificate', () => {
    const caFile = file('ca.pem', ca.certPem)
    const verify = (purpose: string, name: string, pem: string, ...more: string[]) =>
      openssl('verify', ...at, '-x509_strict', '-CAfile', caFile, '-purpose', purpose, ...more, file(name, pem))
    expect(verify('sslclient', 'device.pem', device.certPem)).toMatch(/: OK$/)
    expect(verify('sslserver', 'server.pem', server.certPem, '-verify_hostname', 'prov.example.com')).toMatch(/: OK$/)
    expect(verify('sslserver', 'server.pem', server.certPem, '-verify_ip', '127.0.0.1')).toMatch(/: OK$/)
    expect(() => verify('sslserver', 'device.pem', device.certPem)).toThrow(/purpose/)
    expect(() => verify('sslserver', 'server.pem', server.certPem, '-verify_hostname', 'else.example.com')).toThrow(
      /ostname/,
    )
  })

  it('carries product name, serial and MAC where the phones have them [MPP §11.2]', () => {
    const subject = openssl(
      'x509',
      '-noout',
      '-subject',
      '-nameopt',
      'RFC2253',
      '-in',
      file('device.pem', device.certPem),
    )
    expect(subject).toContain(`ST=${MAC}`)
    expect(subject).toContain(`L=${serialFor(MAC)}`)
    expect(subject).toContain(`OU=${PN}`)
  })

  it('names hosts and addresses, and is valid for phones with a slow clock', () => {
    const certificate = new X509Certificate(server.certPem)
    expect(certificate.subjectAltName).toBe('DNS:prov.example.com, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
    expect(Date.parse(certificate.validFrom)).toBeLessThanOrEqual(NOW - DAY_MS)
    expect(Date.parse(certificate.validTo) - NOW).toBeLessThan(398 * DAY_MS)
  })

  it('gives every certificate a positive serial number of its own and a fresh key', async () => {
    const again = planted(await issueDeviceCertificate(ca, identity, NOW))
    const [one, two] = [device, again].map(({ certPem }) => new X509Certificate(certPem))
    expect(one?.serialNumber).not.toBe(two?.serialNumber)
    expect(device.keyPem === again.keyPem).toBe(false)
    expect(one?.serialNumber).toMatch(/^[0-9A-F]{2,40}$/)
  })

  it('works in a real TLS handshake of node, both sides checking', async () => {
    const now = Date.now()
    const live = planted(await createCa('Live CA', now))
    const serverPair = planted(await issueServerCertificate(live, ['localhost'], now))
    const clientPair = planted(await issueDeviceCertificate(live, identity, now))
    const tls = createServer(
      {
        key: serverPair.keyPem,
        cert: serverPair.certPem,
        ca: live.certPem,
        requestCert: true,
        rejectUnauthorized: true,
      },
      (socket) => socket.end('hello'),
    )
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve))
    const { port } = tls.address() as AddressInfo
    const socket: TLSSocket = connect({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: live.certPem,
      key: clientPair.keyPem,
      cert: clientPair.certPem,
    })
    const text = await new Promise<string>((resolve, reject) => {
      socket.on('data', (data) => resolve(String(data)))
      socket.on('error', reject)
    })
    socket.destroy()
    await new Promise((resolve) => tls.close(resolve))
    expect(text).toBe('hello')
  })
})

describe('proving a client certificate', () => {
  it('tells who it is and by which CA', () => {
    expect(prove([der(device.certPem)])).toEqual({
      ...identity,
      caFingerprint: fingerprintOf(ca.certPem),
      expired: false,
    })
  })

  it('finds the CA among several', () => {
    const cas = [deviceCa(otherCa), deviceCa(ca)]
    expect(prove([der(device.certPem)], cas)?.caFingerprint).toBe(fingerprintOf(ca.certPem))
  })

  it('a CA of the same name with another key proves nothing', () => {
    expect(prove([der(device.certPem)], [deviceCa(otherCa)])).toBeUndefined()
    expect(prove([der(device.certPem), der(otherCa.certPem)], [deviceCa(otherCa)])).toBeUndefined()
  })

  it('the same MAC under an own CA proves nothing, also when that CA is sent along', async () => {
    const forged = planted(await issueDeviceCertificate(otherCa, identity, NOW))
    expect(prove([der(forged.certPem), der(otherCa.certPem)])).toBeUndefined()
    expect(prove([der(forged.certPem), der(ca.certPem)])).toBeUndefined()
  })

  it('a phone’s own certificate is no CA: what it signs proves nothing', async () => {
    const forged = planted(await issueDeviceCertificate(device, { ...identity, mac: OTHER_MAC }, NOW))
    expect(prove([der(forged.certPem), der(device.certPem)])).toBeUndefined()
  })

  it('goes through intermediates that are sent along, in any order', async () => {
    const root = await testCa('CN=Root', undefined)
    const middle = await testCa('CN=Middle', root)
    const lower = await testCa('CN=Lower', middle)
    const leaf = planted(await issueDeviceCertificate(lower.pair, identity, NOW))
    const others = [der(middle.pair.certPem), der(lower.pair.certPem)]
    expect(prove([der(leaf.certPem), ...others], [deviceCa(root.pair)])?.mac).toBe(MAC)
    expect(prove([der(leaf.certPem), ...others.toReversed()], [deviceCa(root.pair)])?.mac).toBe(MAC)
    expect(prove([der(leaf.certPem), others[1] ?? new Uint8Array()], [deviceCa(root.pair)])).toBeUndefined()
    expect(prove([der(leaf.certPem)], [deviceCa(lower.pair)])?.mac).toBe(MAC)
  })

  it('says expired, and nothing at all before its time', () => {
    expect(prove([der(device.certPem)], undefined, NOW + 21 * YEAR_MS)).toMatchObject({ mac: MAC, expired: true })
    expect(prove([der(device.certPem)], undefined, NOW - YEAR_MS)).toBeUndefined()
  })

  it('an expired intermediate counts as expired too', async () => {
    const root = await testCa('CN=Root 2', undefined)
    const middle = await testCa('CN=Short', root, DAY_MS)
    const leaf = planted(await issueDeviceCertificate(middle.pair, identity, NOW))
    expect(prove([der(leaf.certPem), der(middle.pair.certPem)], [deviceCa(root.pair)])?.expired).toBe(false)
    expect(prove([der(leaf.certPem), der(middle.pair.certPem)], [deviceCa(root.pair)], NOW + 2 * DAY_MS)?.expired).toBe(
      true,
    )
  })

  it('a server certificate of the same CA names no phone', () => {
    expect(prove([der(server.certPem)])).toBeUndefined()
  })

  const MODELS: readonly (readonly [models: readonly string[], name: string, expected: boolean])[] = [
    [[], 'CP-8851-3PCC', true],
    [['CP-8851-3PCC'], 'CP-8851-3PCC', true],
    [['CP-88*'], 'CP-8851-3PCC', true],
    [['CP-78*', 'CP-88*'], 'CP-8851-3PCC', true],
    [['CP-78*'], 'CP-8851-3PCC', false],
    [['CP-8851'], 'CP-8851-3PCC', false],
    [['*'], 'CP-8851-3PCC', true],
  ]
  it.each(MODELS)('a CA for %o speaks for %s: %s', (models, name, expected) => {
    expect(speaksFor(deviceCa(ca, { models }), name)).toBe(expected)
    const proven = prove([der(device.certPem)], [deviceCa(ca, { models })])
    expect(proven !== undefined).toBe(expected)
    expect(productName(name)).toBe(PN)
  })

  it('the lab CA steps back as soon as a vendor root is installed, unless it is wanted', () => {
    const [lab, vendor] = [deviceCa(ca, { kind: 'lab' }), deviceCa(otherCa)]
    expect(casInForce([lab], false)).toEqual([lab])
    expect(casInForce([lab, vendor], false)).toEqual([vendor])
    expect(casInForce([lab, vendor], true)).toEqual([lab, vendor])
  })

  it('random, cut and altered bytes prove nothing and never throw', () => {
    const good = der(device.certPem)
    expect(prove([])).toBeUndefined()
    expect(prove([new Uint8Array()])).toBeUndefined()
    for (let time = 0; time < 50; time++) expect(prove([randomBytes(time * 10)])).toBeUndefined()
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: good.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (place, change, cut) => {
          const bytes = Uint8Array.from(good)
          bytes[place] = (bytes[place] ?? 0) ^ change
          expect(prove([cut ? good.subarray(0, place) : bytes])).toBeUndefined()
        },
      ),
    )
  })
})

interface TestCa {
  readonly pair: CertificatePair
  readonly keys: CryptoKeyPairOfNode
}
type CryptoKeyPairOfNode = Awaited<ReturnType<typeof newKeys>>

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

function newKeys() {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

/** A root, or an intermediate below `issuer`: our own issuing makes neither chains nor short lives. */
async function testCa(subject: string, issuer: TestCa | undefined, lifeMs = YEAR_MS): Promise<TestCa> {
  const keys = await newKeys()
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `00${randomBytes(8).toString('hex')}`,
    subject,
    issuer: issuer === undefined ? subject : new x509.X509Certificate(issuer.pair.certPem).subject,
    notBefore: new Date(NOW - 2 * DAY_MS),
    notAfter: new Date(NOW + lifeMs),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: issuer?.keys.privateKey ?? keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  const pair = planted({ certPem: certificate.toString('pem'), keyPem: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') })
  return { pair, keys }
}
