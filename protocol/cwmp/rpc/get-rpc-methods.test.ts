import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  { body: { kind: 'GetRPCMethods' }, xml: '<cwmp:GetRPCMethods/>' },
  {
    body: { kind: 'GetRPCMethodsResponse', methods: ['Reboot'] },
    xml: '<cwmp:GetRPCMethodsResponse><MethodList soap-enc:arrayType="xsd:string[1]"><string>Reboot</string></MethodList></cwmp:GetRPCMethodsResponse>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
