import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: {
      kind: 'Upload',
      commandKey: 'j1',
      fileType: '2 Vendor Log File',
      url: 'http://h/f',
      username: '',
      password: '',
      delaySeconds: 3,
    },
    xml: '<cwmp:Upload><CommandKey>j1</CommandKey><FileType>2 Vendor Log File</FileType><URL>http://h/f</URL><Username></Username><Password></Password><DelaySeconds>3</DelaySeconds></cwmp:Upload>',
  },
  {
    body: { kind: 'UploadResponse', status: 1, startTime: undefined, completeTime: undefined },
    xml: '<cwmp:UploadResponse><Status>1</Status><StartTime>0001-01-01T00:00:00Z</StartTime><CompleteTime>0001-01-01T00:00:00Z</CompleteTime></cwmp:UploadResponse>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
