import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: { kind: 'CancelTransfer', commandKey: 'j1' },
    xml: '<cwmp:CancelTransfer><CommandKey>j1</CommandKey></cwmp:CancelTransfer>',
  },
  {
    body: { kind: 'CancelTransferResponse' },
    xml: '<cwmp:CancelTransferResponse/>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
