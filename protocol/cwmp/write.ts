import { assert } from '../result.ts'
import { assertXmlName, escapeXml } from '../xml/mod.ts'
import { RPCS } from './rpc/all.ts'
import { fault } from './rpc/fault.ts'
import type { Codec, WriteForm } from './schema.ts'
import type { CwmpBody, CwmpHeaders, CwmpMessage } from './types.ts'

/** What some agents need otherwise. */
export interface CwmpWriteOptions {
  /** One real agent refuses the declaration [TR-069 §3.1]. */
  readonly omitXmlDeclaration?: boolean
  /** How truth values stand in arguments and in values of that type; words if left out [TR-069 §3.5]. */
  readonly booleans?: 'words' | 'digits'
}

/** Writes one message, without added white space, to be sent as UTF-8 [TR-069 §3.1]. */
export function writeCwmp(message: CwmpMessage, options: CwmpWriteOptions = {}): string {
  const declaration = options.omitXmlDeclaration === true ? '' : '<?xml version="1.0" encoding="UTF-8"?>'
  const namespaces =
    ' xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/"' +
    ' xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/"' +
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"' +
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"' +
    ` xmlns:cwmp="${escapeXml(message.namespace)}"`
  const head = writeHeaders(message.id, message.headers)
  const header = head === '' ? '' : `<soap-env:Header>${head}</soap-env:Header>`
  const body = `<soap-env:Body>${writeBody(message.body, { booleans: options.booleans ?? 'words' })}</soap-env:Body>`
  return `${declaration}<soap-env:Envelope${namespaces}>${header}${body}</soap-env:Envelope>`
}

function writeHeaders(id: string | undefined, headers: CwmpHeaders): string {
  const { sessionTimeoutSeconds, holdRequests, supportedVersions, useVersion } = headers
  // Whether the other side must understand it is the guide's column [TR-069 §3.2].
  return [
    headerOf('ID', 1, id),
    headerOf('HoldRequests', 1, holdRequests === undefined ? undefined : Number(holdRequests).toString()),
    headerOf('SessionTimeout', 0, sessionTimeoutSeconds?.toString()),
    headerOf('SupportedCWMPVersions', 0, supportedVersions?.join(',')),
    headerOf('UseCWMPVersion', 1, useVersion),
  ].join('')
}

function headerOf(name: string, mustUnderstand: 0 | 1, value: string | undefined): string {
  if (value === undefined) return ''
  return `<cwmp:${name} soap-env:mustUnderstand="${mustUnderstand}">${escapeXml(value)}</cwmp:${name}>`
}

function writeBody(body: CwmpBody, form: WriteForm): string {
  if (body.kind === 'Fault') return fault.write('soap-env:Fault', body, form)
  if (body.kind === 'Unknown') {
    assertXmlName(body.name)
    assert(!body.name.includes(':'), 'the name of a method has no prefix')
    return `<cwmp:${body.name}/>`
  }
  // As in reading: that kind and content go together is known, but cannot be said of a union.
  const codec = RPCS[body.kind] as unknown as Codec<object>
  return codec.write(`cwmp:${body.kind}`, body, form)
}
