import { test } from 'vitest'

import { expectSample, type Sample } from '../testing-samples.ts'

const CASES: readonly Sample[] = [
  {
    body: {
      kind: 'RequestDownload',
      fileType: '2 Web Content',
      fileTypeArguments: [{ name: 'Version', value: '1' }],
    },
    xml: '<cwmp:RequestDownload><FileType>2 Web Content</FileType><FileTypeArg soap-enc:arrayType="cwmp:ArgStruct[1]"><ArgStruct><Name>Version</Name><Value>1</Value></ArgStruct></FileTypeArg></cwmp:RequestDownload>',
  },
  {
    body: { kind: 'RequestDownloadResponse' },
    xml: '<cwmp:RequestDownloadResponse/>',
  },
]

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', expectSample)
