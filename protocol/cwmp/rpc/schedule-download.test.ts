import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: {
      kind: 'ScheduleDownload',
      commandKey: 'j1',
      fileType: '1 Firmware Upgrade Image',
      url: 'http://h/f',
      username: '',
      password: '',
      fileSize: 9,
      targetFileName: '',
      timeWindows: [{ windowStart: 1, windowEnd: 2, windowMode: '1 At Any Time', userMessage: '', maxRetries: -1 }],
    },
    xml: '<cwmp:ScheduleDownload><CommandKey>j1</CommandKey><FileType>1 Firmware Upgrade Image</FileType><URL>http://h/f</URL><Username></Username><Password></Password><FileSize>9</FileSize><TargetFileName></TargetFileName><TimeWindowList soap-enc:arrayType="cwmp:TimeWindowStruct[1]"><TimeWindowStruct><WindowStart>1</WindowStart><WindowEnd>2</WindowEnd><WindowMode>1 At Any Time</WindowMode><UserMessage></UserMessage><MaxRetries>-1</MaxRetries></TimeWindowStruct></TimeWindowList></cwmp:ScheduleDownload>',
  },
  {
    body: { kind: 'ScheduleDownloadResponse' },
    xml: '<cwmp:ScheduleDownloadResponse/>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
