import { expect, test } from 'vitest'

import { readCwmp } from '../read.ts'
import type { CwmpBody } from '../types.ts'
import { asMessage, readSample } from '../testing-samples.ts'
import { writeCwmp } from '../write.ts'

const CASES: readonly { readonly body: CwmpBody; readonly xml: string }[] = [
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

test.each(CASES)('reads, writes and mirrors $body.kind [TR-069 §7]', ({ body, xml }) => {
  const message = asMessage(body)
  const written = writeCwmp(message)
  expect(written).toContain(`<soap-env:Body>${xml}</soap-env:Body>`)
  expect(readCwmp(Buffer.from(written), undefined)).toEqual({ ok: true, value: message })
  expect(readSample(xml.replaceAll(/>(?=<[^/])/g, '>\n').replaceAll('cwmp:', 'x:'))).toMatchObject({
    ok: true,
    value: { body },
  })
})
