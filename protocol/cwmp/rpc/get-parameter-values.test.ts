import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: { kind: 'GetParameterValues', names: ['Device.', ''] },
    xml: '<cwmp:GetParameterValues><ParameterNames soap-enc:arrayType="xsd:string[2]"><string>Device.</string><string></string></ParameterNames></cwmp:GetParameterValues>',
  },
  {
    body: { kind: 'GetParameterValuesResponse', parameters: [{ name: 'Device.A', type: 'string', value: 'a & b ' }] },
    xml: '<cwmp:GetParameterValuesResponse><ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[1]"><ParameterValueStruct><Name>Device.A</Name><Value xsi:type="xsd:string">a &amp; b </Value></ParameterValueStruct></ParameterList></cwmp:GetParameterValuesResponse>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
