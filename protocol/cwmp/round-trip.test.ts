import fc from 'fast-check'
import { expect, test } from 'vitest'

import { readCwmp } from './read.ts'
import { RPCS } from './rpc/all.ts'
import { anyMessage, asXmlAllows, BODIES, messageOf, SEED } from './testing-arbitraries.ts'
import { asMessage } from './testing-samples.ts'
import type { CwmpBody } from './types.ts'
import { writeCwmp } from './write.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

test.each(BODIES)('reads %s as it was written, whatever it carries [TR-069 §7]', (_kind, body) => {
  fc.assert(
    fc.property(messageOf(body), (message) => {
      expect(readCwmp(bytesOf(writeCwmp(message)), undefined)).toEqual({ ok: true, value: message })
    }),
    { seed: SEED, numRuns: 60 },
  )
})

test('has an arbitrary for each message, and for the fault', () => {
  expect(BODIES.map(([kind]) => kind).toSorted()).toEqual([...Object.keys(RPCS), 'Fault'].toSorted())
})

test('writes truth values as digits for those who want it, and reads them the same [TR-069 §3.5]', () => {
  const names: CwmpBody = { kind: 'GetParameterNames', path: '', nextLevel: true }
  expect(writeCwmp(asMessage(names), { booleans: 'digits' })).toContain('<NextLevel>1</NextLevel>')
  expect(writeCwmp(asMessage(names), { booleans: 'words' })).toContain('<NextLevel>true</NextLevel>')
  fc.assert(
    fc.property(anyMessage, (message) => {
      const digits = readCwmp(bytesOf(writeCwmp(message, { booleans: 'digits' })), undefined)
      // Only values of parameters keep the form of what was written.
      if (!writeCwmp(message).includes('xsd:boolean')) expect(digits).toEqual({ ok: true, value: message })
    }),
    { seed: SEED, numRuns: 300 },
  )
})

test.each([
  ['boolean', ' True ', '1'],
  ['boolean', 'false', '0'],
  ['boolean', 'perhaps', 'perhaps'],
  ['string', 'true', 'true'],
] as const)('writes a %s of %j as %j where digits are wanted [TR-069 §3.5]', (type, value, written) => {
  const parameters = [{ name: 'A', type, value }]
  const message = asMessage({ kind: 'SetParameterValues', parameters, parameterKey: '' })
  expect(writeCwmp(message, { booleans: 'digits' })).toContain(`>${written}</Value>`)
  expect(writeCwmp(message)).toContain(`>${value}</Value>`)
})

test('writes nothing that XML forbids, wherever it comes from [TR-069 §3.5]', () => {
  const forbidden = fc.string({
    unit: fc.constantFrom('\0', '\u0001', '\u000b', '\u001f', '\ufffe', '\uffff', '\ud800', 'a'),
  })
  const legal = (text: string) => asXmlAllows(text).replaceAll('\ud800', '\ufffd')
  fc.assert(
    fc.property(forbidden, forbidden, (given, other) => {
      const body: CwmpBody = { kind: 'Fault', code: 9002, text: `x${given}`, parameterFaults: [] }
      const written = writeCwmp({ id: other, namespace: `urn:${given}`, headers: { useVersion: `1${other}` }, body })
      expect(written).not.toMatch(/[\u0000-\u001f\ufffe\uffff\ud800-\udfff]|&#(?:[0-8]|1[124-9]|2\d|3[01]|x)/)
      expect(readCwmp(bytesOf(written), undefined)).toMatchObject({
        ok: true,
        value: { id: legal(other), headers: { useVersion: legal(`1${other}`) }, body: { text: legal(`x${given}`) } },
      })
    }),
    { seed: SEED },
  )
})

test('reads cut, changed and random bytes without throwing, and into no more than they are', () => {
  const written = anyMessage.map((message) => bytesOf(writeCwmp(message)))
  const changed = fc.tuple(written, fc.nat(), fc.nat(255), fc.nat()).map(([bytes, at, byte, end]) => {
    return bytes.with(at % bytes.length, byte).subarray(0, 1 + (end % (2 * bytes.length)))
  })
  const repeated = fc.tuple(written, fc.nat(), fc.nat()).map(([bytes, from, to]) => {
    const [start, end] = [from % bytes.length, to % bytes.length]
    return Uint8Array.from([...bytes.subarray(0, end), ...bytes.subarray(start)])
  })
  const charset = fc.constantFrom(undefined, 'utf-8', 'iso-8859-1', 'utf-16', 'windows-1252', 'no-such-charset')
  fc.assert(
    fc.property(fc.oneof(changed, repeated, fc.uint8Array({ maxLength: 500 })), charset, (bytes, name) => {
      const read = readCwmp(bytes, name)
      // A byte is at most one character, and an empty element a few words of JSON.
      expect(JSON.stringify(read).length).toBeLessThan(1000 + 40 * bytes.length)
    }),
    { seed: SEED, numRuns: 4000 },
  )
})

test('ends soon in megabytes of nothing but faults or of one thing', () => {
  const started = performance.now()
  const head = '<Envelope><Body><Reboot>'
  for (const piece of [
    '<',
    '&',
    '</a>',
    '<a',
    ']]>',
    '<a b',
    '<?',
    '<!',
    '<!--',
    '<a/>',
    'x',
    '&amp;',
    '<![CDATA[x]]>',
    '&#1;',
  ]) {
    for (const start of ['', head, `${head}<a `]) {
      expect(typeof readCwmp(bytesOf(start + piece.repeat(1_000_000 / piece.length)), undefined).ok).toBe('boolean')
    }
  }
  expect(
    readCwmp(bytesOf(`<Envelope ${Array.from({ length: 100_000 }, (_, n) => `a${n}=""`).join(' ')}>`), ''),
  ).toMatchObject({
    ok: false,
    error: { code: 'too-many' },
  })
  expect(performance.now() - started).toBeLessThan(20_000)
})
