import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: { kind: 'GetAllQueuedTransfers' },
    xml: '<cwmp:GetAllQueuedTransfers/>',
  },
  {
    body: {
      kind: 'GetAllQueuedTransfersResponse',
      transfers: [
        { commandKey: 'j1', state: 1, isDownload: true, fileType: '4 Tone File', fileSize: 9, targetFileName: 't' },
      ],
    },
    xml: '<cwmp:GetAllQueuedTransfersResponse><TransferList soap-enc:arrayType="cwmp:AllQueuedTransferStruct[1]"><AllQueuedTransferStruct><CommandKey>j1</CommandKey><State>1</State><IsDownload>true</IsDownload><FileType>4 Tone File</FileType><FileSize>9</FileSize><TargetFileName>t</TargetFileName></AllQueuedTransferStruct></TransferList></cwmp:GetAllQueuedTransfersResponse>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
