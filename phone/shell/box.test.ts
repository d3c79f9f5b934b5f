import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keepBoxCertificate, keepLabel, readBoxCertificate, readLabel } from './box.ts'
import { hardware } from './testing.ts'

let dir = ''
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'offhook-box-')), 'phone')
})
afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }))

const { mac, serial, productName, factoryLoad } = hardware()
const LABEL = { mac, serial, productName, factoryLoad }
const CERTIFICATE = { certPem: 'a certificate', keyPem: 'a key', caPem: 'a CA' }

describe('the box of a phone', () => {
  it('keeps the label and the certificate, for their owner only', () => {
    expect([readLabel(dir), readBoxCertificate(dir)]).toEqual([undefined, undefined])
    keepLabel(dir, LABEL)
    keepBoxCertificate(dir, CERTIFICATE)
    keepBoxCertificate(dir, { ...CERTIFICATE, caPem: 'another CA' })
    expect(readLabel(dir)).toEqual(LABEL)
    expect(readBoxCertificate(dir)).toEqual({ ...CERTIFICATE, caPem: 'another CA' })
    expect(['hardware.json', 'key.pem'].map((name) => statSync(join(dir, name)).mode & 0o777)).toEqual([0o600, 0o600])
  })

  it('has no certificate as long as one of its files is missing', () => {
    keepBoxCertificate(dir, CERTIFICATE)
    rmSync(join(dir, 'ca.pem'))
    expect(readBoxCertificate(dir)).toBeUndefined()
  })

  it.each([
    '',
    'null',
    '[]',
    '{',
    '{"mac":"000e08aabbcc"}',
    JSON.stringify({ ...LABEL, mac: 'x' }),
    JSON.stringify({ ...LABEL, factoryLoad: 1 }),
  ])('refuses the label %j', (text) => {
    keepLabel(dir, LABEL)
    writeFileSync(join(dir, 'hardware.json'), text)
    expect(() => readLabel(dir)).toThrow(/Cannot read who the phone is from ".*hardware\.json"/)
  })
})
