import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: {
      kind: 'AutonomousTransferComplete',
      announceUrl: 'http://a/',
      transferUrl: 'http://t/f',
      isDownload: true,
      fileType: '1 Firmware Upgrade Image',
      fileSize: 9,
      targetFileName: 'f',
      fault: { code: 0, text: '' },
      startTime: undefined,
      completeTime: Date.UTC(2026, 0, 2, 3, 4, 5),
    },
    xml: '<cwmp:AutonomousTransferComplete><AnnounceURL>http://a/</AnnounceURL><TransferURL>http://t/f</TransferURL><IsDownload>true</IsDownload><FileType>1 Firmware Upgrade Image</FileType><FileSize>9</FileSize><TargetFileName>f</TargetFileName><FaultStruct><FaultCode>0</FaultCode><FaultString></FaultString></FaultStruct><StartTime>0001-01-01T00:00:00Z</StartTime><CompleteTime>2026-01-02T03:04:05Z</CompleteTime></cwmp:AutonomousTransferComplete>',
  },
  {
    body: { kind: 'AutonomousTransferCompleteResponse' },
    xml: '<cwmp:AutonomousTransferCompleteResponse/>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
