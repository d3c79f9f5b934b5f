import { expect } from 'vitest'

import type { Result } from '../result.ts'
import { type CwmpProblem, readCwmp } from './read.ts'
import { CWMP_NAMESPACE, type CwmpBody, type CwmpMessage } from './types.ts'
import { writeCwmp } from './write.ts'

/** A body in a message with an ID. */
export function asMessage(body: CwmpBody): CwmpMessage {
  return { id: '42', namespace: CWMP_NAMESPACE, headers: {}, body }
}

/** Reads what stands below Body in an envelope with prefixes of a stranger's. */
export function readSample(inner: string, urn: string = CWMP_NAMESPACE): Result<CwmpMessage, CwmpProblem> {
  const envelope = `<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/" xmlns:x="${urn}"><S:Header><x:ID> 7 </x:ID></S:Header><S:Body>${inner}</S:Body></S:Envelope>`
  return readCwmp(new TextEncoder().encode(envelope), 'utf-8')
}

/** A body, and how it stands below Body. */
export interface Sample {
  readonly body: CwmpBody
  readonly xml: string
}

/** Writes a sample, reads it back, and reads it as a stranger writes it. */
export function expectSample({ body, xml }: Sample): void {
  const message = asMessage(body)
  const written = writeCwmp(message)
  expect(written).toContain(`<soap-env:Body>${xml}</soap-env:Body>`)
  expect(readCwmp(Buffer.from(written), undefined)).toEqual({ ok: true, value: message })
  expect(readSample(xml.replaceAll(/>(?=<[^/])/g, '>\n').replaceAll('cwmp:', 'x:'))).toMatchObject({
    ok: true,
    value: { body },
  })
}
