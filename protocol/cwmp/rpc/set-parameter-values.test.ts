import { expect, test } from 'vitest'

import { readCwmp } from '../read.ts'
import type { CwmpBody } from '../types.ts'
import { asMessage, readSample } from '../testing-samples.ts'
import { writeCwmp } from '../write.ts'

const CASES: readonly { readonly body: CwmpBody; readonly xml: string }[] = [
  {
    body: {
      kind: 'SetParameterValues',
      parameters: [{ name: 'Device.A', type: 'string', value: 'a & b ' }],
      parameterKey: 'k1',
    },
    xml: '<cwmp:SetParameterValues><ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[1]"><ParameterValueStruct><Name>Device.A</Name><Value xsi:type="xsd:string">a &amp; b </Value></ParameterValueStruct></ParameterList><ParameterKey>k1</ParameterKey></cwmp:SetParameterValues>',
  },
  {
    body: { kind: 'SetParameterValuesResponse', status: 1 },
    xml: '<cwmp:SetParameterValuesResponse><Status>1</Status></cwmp:SetParameterValuesResponse>',
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
