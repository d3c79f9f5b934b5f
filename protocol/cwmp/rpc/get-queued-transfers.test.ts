import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: { kind: 'GetQueuedTransfers' },
    xml: '<cwmp:GetQueuedTransfers/>',
  },
  {
    body: { kind: 'GetQueuedTransfersResponse', transfers: [{ commandKey: 'j1', state: 2 }] },
    xml: '<cwmp:GetQueuedTransfersResponse><TransferList soap-enc:arrayType="cwmp:QueuedTransferStruct[1]"><QueuedTransferStruct><CommandKey>j1</CommandKey><State>2</State></QueuedTransferStruct></TransferList></cwmp:GetQueuedTransfersResponse>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
