/** The real `openssl` on the other side: files that it seals we open, files that we seal it opens. */
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { utf8Bytes, utf8Text } from '../../protocol/bytes.ts'
import { gzip, openProfileBody, openSalted, type SaltedDigest, sealSalted } from '../../protocol/envelope/mod.ts'
import { parseCertificateSubject } from '../../protocol/http/mod.ts'

const PROFILE = `<flat-profile>\n${'  <GPP_A ua="na">grün 12345678</GPP_A>\n'.repeat(40)}</flat-profile>\n`
const SALT = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)

/** Runs `openssl enc`; the phrase goes by the environment, so that it shows in no list of processes. */
function runEnc(direction: '-e' | '-d', input: Uint8Array, phrase: string, digest: SaltedDigest): Uint8Array {
  const run = spawnSync('openssl', ['enc', direction, '-aes-256-cbc', '-md', digest, '-pass', 'env:ENC_PHRASE'], {
    input,
    env: { PATH: process.env['PATH'], ENC_PHRASE: phrase },
    timeout: 30_000,
  })
  expect(run.status).toBe(0)
  return new Uint8Array(run.stdout)
}

/** Has `openssl` make a certificate of that subject, and gives the subject as Node prints it. */
function printedSubject(subject: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'offhook-openssl-'))
  try {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(folder, 'key.pem')]
    const run = spawnSync(
      'openssl',
      ['req', '-x509', '-utf8', ...curve, '-days', '1', '-multivalue-rdn', '-subj', subject],
      {
        timeout: 30_000,
      },
    )
    expect(run.status).toBe(0)
    return new X509Certificate(run.stdout).subject
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('openssl', () => {
  const cases = (['md5', 'sha256'] as const).flatMap((digest) =>
    ['plain words', 'pÄss phrase €', '00112233445566778899aabbccddeeff'.repeat(2)].map((phrase, index) => ({
      digest,
      phrase,
      index,
    })),
  )

  it.each(cases)('opens what we seal, $digest, phrase $index [MPP §2.2]', ({ digest, phrase }) => {
    const sealed = sealSalted(utf8Bytes(PROFILE), phrase, SALT, digest)
    expect(utf8Text(runEnc('-d', sealed, phrase, digest))).toBe(PROFILE)
  })

  it.each(cases)('seals what we open, $digest, phrase $index [MPP §2.2]', ({ digest, phrase }) => {
    const opened = openSalted(runEnc('-e', utf8Bytes(PROFILE), phrase, digest), phrase, digest)
    expect(opened.ok && utf8Text(opened.value)).toBe(PROFILE)
  })

  it('seals a compressed profile that the phone opens by the command of the guide [MPP §2.2]', () => {
    const body = runEnc('-e', gzip(utf8Bytes(PROFILE)), 'plain words', 'md5')
    const opened = openProfileBody(body, { key: 'plain words', maxBytes: PROFILE.length * 2 })
    expect(opened.ok && utf8Text(opened.value)).toBe(PROFILE)
  })

  it.each([
    ['/OU=CP-8841-3PCC/L=88012BA01234/ST=000e08abcdef', 'CP-8841-3PCC'],
    ['/OU=CP-8841-3PCC+L=88012BA01234+ST=000e08abcdef', 'CP-8841-3PCC'],
    ['/serialNumber=PID:CP-8851-3PCC SN:88012BA01234/O=Cisco/CN=CP-8851-3PCC-SEP000E08ABCDEF', 'CP-8851-3PCC'],
    ['/CN=CP-8851-3PCC, MAC: 000E08ABCDEF, Serial: 88012BA01234', 'CP-8851-3PCC'],
  ])('makes a certificate of %s in which we find the phone [MPP §11.2]', (subject, productName) => {
    expect(parseCertificateSubject(printedSubject(subject))).toEqual({
      mac: '000e08abcdef',
      serial: '88012BA01234',
      productName,
    })
  })

  it.each([
    '/CN=x\nOU=CP-8841-3PCC\nL=88012BA01234\nST=000e08abcdef',
    '/CN=x, OU=CP-8841-3PCC, L=88012BA01234, ST=000e08abcdef',
    '/CN=x \\+ OU=CP-8841-3PCC \\+ L=88012BA01234 \\+ ST=000e08abcdef',
    '/CN="x", OU=CP-8841-3PCC, L=88012BA01234, ST=000e08abcdef',
  ])('makes a certificate whose name only looks like more fields: %j is no phone [MPP §11.2]', (subject) => {
    expect(parseCertificateSubject(printedSubject(subject))).toBeUndefined()
  })
})
