import { expect, test } from 'vitest'

import { readCwmp } from '../read.ts'
import type { CwmpBody } from '../types.ts'
import { asMessage, readSample } from '../testing-samples.ts'
import { writeCwmp } from '../write.ts'

const CASES: readonly { readonly body: CwmpBody; readonly xml: string }[] = [
  {
    body: { kind: 'DeleteObject', objectName: 'Device.A.7.', parameterKey: 'k' },
    xml: '<cwmp:DeleteObject><ObjectName>Device.A.7.</ObjectName><ParameterKey>k</ParameterKey></cwmp:DeleteObject>',
  },
  {
    body: { kind: 'DeleteObjectResponse', status: 1 },
    xml: '<cwmp:DeleteObjectResponse><Status>1</Status></cwmp:DeleteObjectResponse>',
  },
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
