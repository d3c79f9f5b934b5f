import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: { kind: 'DeleteObject', objectName: 'Device.A.7.', parameterKey: 'k' },
    xml: '<cwmp:DeleteObject><ObjectName>Device.A.7.</ObjectName><ParameterKey>k</ParameterKey></cwmp:DeleteObject>',
  },
  {
    body: { kind: 'DeleteObjectResponse', status: 1 },
    xml: '<cwmp:DeleteObjectResponse><Status>1</Status></cwmp:DeleteObjectResponse>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
