import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: {
      kind: 'Download',
      commandKey: 'j1',
      fileType: '1 Firmware Upgrade Image',
      url: 'http://h/f',
      username: '',
      password: '',
      fileSize: 9,
      targetFileName: '',
      delaySeconds: 3,
      successUrl: '',
      failureUrl: '',
    },
    xml: '<cwmp:Download><CommandKey>j1</CommandKey><FileType>1 Firmware Upgrade Image</FileType><URL>http://h/f</URL><Username></Username><Password></Password><FileSize>9</FileSize><TargetFileName></TargetFileName><DelaySeconds>3</DelaySeconds><SuccessURL></SuccessURL><FailureURL></FailureURL></cwmp:Download>',
  },
  {
    body: { kind: 'DownloadResponse', status: 1, startTime: undefined, completeTime: undefined },
    xml: '<cwmp:DownloadResponse><Status>1</Status><StartTime>0001-01-01T00:00:00Z</StartTime><CompleteTime>0001-01-01T00:00:00Z</CompleteTime></cwmp:DownloadResponse>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
