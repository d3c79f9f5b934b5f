import { expect, test } from 'vitest'

import { readCwmp } from '../read.ts'
import type { CwmpBody } from '../types.ts'
import { asMessage, readSample } from '../testing-samples.ts'
import { writeCwmp } from '../write.ts'

const CASES: readonly { readonly body: CwmpBody; readonly xml: string }[] = [
  { body: { kind: 'GetRPCMethods' }, xml: '<cwmp:GetRPCMethods/>' },
  {
    body: { kind: 'GetRPCMethodsResponse', methods: ['Reboot'] },
    xml: '<cwmp:GetRPCMethodsResponse><MethodList soap-enc:arrayType="xsd:string[1]"><string>Reboot</string></MethodList></cwmp:GetRPCMethodsResponse>',
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
