import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: { kind: 'GetParameterNames', path: 'Device.', nextLevel: true },
    xml: '<cwmp:GetParameterNames><ParameterPath>Device.</ParameterPath><NextLevel>true</NextLevel></cwmp:GetParameterNames>',
  },
  {
    body: { kind: 'GetParameterNamesResponse', parameters: [{ name: 'Device.A.', writable: false }] },
    xml: '<cwmp:GetParameterNamesResponse><ParameterList soap-enc:arrayType="cwmp:ParameterInfoStruct[1]"><ParameterInfoStruct><Name>Device.A.</Name><Writable>false</Writable></ParameterInfoStruct></ParameterList></cwmp:GetParameterNamesResponse>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
