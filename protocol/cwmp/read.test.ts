import { expect, test } from 'vitest'

import { readCwmp } from './read.ts'
import { asMessage, readSample } from './testing-samples.ts'
import { writeCwmp } from './write.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

test.each([0, 1, 2, 3, 4])('reads and echoes the URN cwmp-1-%i [TR-069 §3.3]', (n) => {
  const urn = `urn:dslforum-org:cwmp-1-${n}`
  const read = readSample('<x:Reboot/>', urn)
  expect(read).toMatchObject({ ok: true, value: { namespace: urn, id: ' 7 ' } })
  if (read.ok) expect(readCwmp(bytesOf(writeCwmp(read.value)), undefined)).toEqual(read)
})

const TOLERATED: readonly (readonly [string, string, object])[] = [
  ['CDATA', '<x:Reboot><CommandKey><![CDATA[a<b]]></CommandKey></x:Reboot>', { commandKey: 'a<b' }],
  ['spaces in numbers', '<x:DeleteObjectResponse><Status> +01 </Status></x:DeleteObjectResponse>', { status: 1 }],
  [
    'a wrong count',
    '<x:GetParameterValues><ParameterNames arrayType="x[9]"><string>A</string></ParameterNames></x:GetParameterValues>',
    { names: ['A'] },
  ],
  [
    'a missing type',
    '<x:GetParameterValuesResponse><ParameterList><P><Name>A</Name><Value>1</Value></P></ParameterList></x:GetParameterValuesResponse>',
    { parameters: [{ name: 'A', type: undefined, value: '1' }] },
  ],
  [
    'forbidden characters',
    '<x:Reboot><CommandKey>a\u0001&#2;b</CommandKey></x:Reboot>',
    { commandKey: 'a\ufffd\ufffdb' },
  ],
  ['an unknown method', '<x:Kicked><a><b/></a></x:Kicked>', { kind: 'Unknown', name: 'Kicked' }],
  ['a fault without detail', '<S:Fault><faultstring>oh</faultstring></S:Fault>', { code: undefined, text: 'oh' }],
]
test.each(TOLERATED)('tolerates %s [TR-069 §3]', (_what, xml, body) => {
  expect(readSample(xml)).toMatchObject({ ok: true, value: { body } })
})

const WHOLE = writeCwmp(asMessage({ kind: 'Reboot', commandKey: 'é' }))
test('reads Latin-1 and a byte order mark [TR-069 §3.5]', () => {
  const expected = { ok: true, value: { body: { commandKey: 'é' } } }
  expect(readCwmp(Buffer.from(WHOLE.replace('&#233;', 'é'), 'latin1'), undefined)).toMatchObject(expected)
  expect(readCwmp(Buffer.from(WHOLE, 'latin1'), '"ISO-8859-1"')).toMatchObject(expected)
  expect(readCwmp(bytesOf(`\ufeff${WHOLE}\0\r\n`), undefined)).toMatchObject(expected)
})

const deep = `${'<a>'.repeat(40)}${'</a>'.repeat(40)}`
const wide = `<x:Reboot ${Array.from({ length: 65 }, (_, n) => `a${n}=""`).join(' ')}/>`
test.each([
  ['doctype', '<!DOCTYPE a><Envelope><Body><Reboot/></Body></Envelope>'],
  ['too-deep', `<Envelope><Body>${deep}</Body></Envelope>`],
  ['too-many', `<Envelope><Body>${wide}</Body></Envelope>`],
  ['too-many', `<Envelope><Body><Reboot>${'<a/>'.repeat(100_000)}</Reboot></Body></Envelope>`],
  ['not-soap', '<html/>'],
  ['not-soap', '<Envelope><Body/></Envelope>'],
  ['malformed', '<Envelope><Body>'],
  ['bad-argument', '<Envelope><Body><AddObjectResponse><Status>x</Status></AddObjectResponse></Body></Envelope>'],
])('refuses %s [TR-069 §3.5]', (code, xml) => {
  expect(readCwmp(bytesOf(xml), undefined)).toMatchObject({ ok: false, error: { code } })
})

test('refuses more bytes than allowed', () => {
  expect(readCwmp(bytesOf(WHOLE), undefined, { maxBytes: 9 })).toMatchObject({
    ok: false,
    error: { code: 'too-large' },
  })
})

test('reads a message of 1000 parameters', () => {
  const parameters = Array.from({ length: 1000 }, (_, n) => ({
    name: `Device.P${n}`,
    type: 'string' as const,
    value: `${n}`,
  }))
  const message = asMessage({ kind: 'GetParameterValuesResponse', parameters })
  expect(readCwmp(bytesOf(writeCwmp(message)), undefined)).toEqual({ ok: true, value: message })
})

test('says on which line the fault is, the lines before the envelope included', () => {
  const text =
    '<?xml version="1.0"?>\n\n<Envelope>\n<Body>\n<AddObjectResponse><Status>x</Status></AddObjectResponse></Body></Envelope>'
  expect(readCwmp(bytesOf(text), undefined)).toMatchObject({ ok: false, error: { code: 'bad-argument', line: 5 } })
  expect(readCwmp(bytesOf('\n\n<html/>'), undefined)).toMatchObject({ ok: false, error: { code: 'not-soap', line: 3 } })
})
