import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
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

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
