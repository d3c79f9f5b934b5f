import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: { kind: 'AddObject', objectName: 'Device.A.', parameterKey: 'k' },
    xml: '<cwmp:AddObject><ObjectName>Device.A.</ObjectName><ParameterKey>k</ParameterKey></cwmp:AddObject>',
  },
  {
    body: { kind: 'AddObjectResponse', instanceNumber: 7, status: 0 },
    xml: '<cwmp:AddObjectResponse><InstanceNumber>7</InstanceNumber><Status>0</Status></cwmp:AddObjectResponse>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
