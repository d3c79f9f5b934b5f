import { expect, test } from 'vitest'

import { readCwmp } from '../read.ts'
import type { CwmpBody } from '../types.ts'
import { asMessage, readSample } from '../testing-samples.ts'
import { writeCwmp } from '../write.ts'

const CASES: readonly { readonly body: CwmpBody; readonly xml: string }[] = [
  {
    body: { kind: 'GetParameterNames', path: 'Device.', nextLevel: true },
    xml: '<cwmp:GetParameterNames><ParameterPath>Device.</ParameterPath><NextLevel>true</NextLevel></cwmp:GetParameterNames>',
  },
  {
    body: { kind: 'GetParameterNamesResponse', parameters: [{ name: 'Device.A.', writable: false }] },
    xml: '<cwmp:GetParameterNamesResponse><ParameterList soap-enc:arrayType="cwmp:ParameterInfoStruct[1]"><ParameterInfoStruct><Name>Device.A.</Name><Writable>false</Writable></ParameterInfoStruct></ParameterList></cwmp:GetParameterNamesResponse>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', ({ body, xml }) => {
  const message = asMessage(body)
  const written = writeCwmp(message)
  expect(written).toContain(`<soap-env:Body>${xml}</soap-env:Body>`)
  expect(readCwmp(Buffer.from(written), undefined)).toEqual({ ok: true, value: message })
  expect(readSample(xml.replaceAll(/>(?=<[^/])/g, '>\n').replaceAll('cwmp:', 'x:'))).toMatchObject({
    ok: true,
    value: { body },
  })
})
