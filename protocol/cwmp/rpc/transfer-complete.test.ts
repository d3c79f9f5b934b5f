import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: {
      kind: 'TransferComplete',
      commandKey: 'j1',
      fault: { code: 9018, text: 'bad' },
      startTime: undefined,
      completeTime: Date.UTC(2026, 0, 2, 3, 4, 5),
    },
    xml: '<cwmp:TransferComplete><CommandKey>j1</CommandKey><FaultStruct><FaultCode>9018</FaultCode><FaultString>bad</FaultString></FaultStruct><StartTime>0001-01-01T00:00:00Z</StartTime><CompleteTime>2026-01-02T03:04:05Z</CompleteTime></cwmp:TransferComplete>',
  },
  { body: { kind: 'TransferCompleteResponse' }, xml: '<cwmp:TransferCompleteResponse/>' },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
