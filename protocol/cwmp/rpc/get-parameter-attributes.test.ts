import { expect, test } from 'vitest'

import { readCwmp } from '../read.ts'
import type { CwmpBody } from '../types.ts'
import { asMessage, readSample } from '../testing-samples.ts'
import { writeCwmp } from '../write.ts'

const CASES: readonly { readonly body: CwmpBody; readonly xml: string }[] = [
  {
    body: { kind: 'GetParameterAttributes', names: ['Device.', ''] },
    xml: '<cwmp:GetParameterAttributes><ParameterNames soap-enc:arrayType="xsd:string[2]"><string>Device.</string><string></string></ParameterNames></cwmp:GetParameterAttributes>',
  },
  {
    body: {
      kind: 'GetParameterAttributesResponse',
      parameters: [{ name: 'Device.A', notification: 1, accessList: ['Subscriber'] }],
    },
    xml: '<cwmp:GetParameterAttributesResponse><ParameterList soap-enc:arrayType="cwmp:ParameterAttributeStruct[1]"><ParameterAttributeStruct><Name>Device.A</Name><Notification>1</Notification><AccessList soap-enc:arrayType="xsd:string[1]"><string>Subscriber</string></AccessList></ParameterAttributeStruct></ParameterList></cwmp:GetParameterAttributesResponse>',
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
