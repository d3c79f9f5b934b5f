/**
 * POST /CGI/Execute: a Cisco XML object whose items tell the phone what to do. Of the many items of XML services only
 * `Resync:` concerns provisioning; the others need a display and are answered as not supported.
 *
 *     <CP-8851-3PCCExecute><ExecuteItem URL="Resync:[profile-rule]"/></CP-8851-3PCCExecute>
 *
 * Source: MPP §7.3, §5.3. Answer bodies are not documented (Model).
 */
import { utf8Text } from '../../../protocol/bytes.ts'
import { parseXml } from '../../../protocol/xml/mod.ts'
import { parameterText, parameterYes } from '../parameters.ts'
import type { Agent, Command, WebRequest } from '../types.ts'
import { makesSense } from './commands.ts'
import type { CommandAnswer } from './commands.ts'
import { sentence } from './response.ts'

/** An object with a few items has a few hundred characters. */
const OBJECT_CHARS_MAX = 16_384
const ITEMS_MAX = 8

/** @returns whether the object is taken from anybody: CISCO_XML_EXE_Auth_Mode is Trusted. */
export function trustsExecute(agent: Agent): boolean {
  return authMode(agent) === 'Trusted'
}

/** Decides about an object of someone who may send one. */
export function answerExecute(agent: Agent, request: WebRequest): CommandAnswer {
  if (!parameterYes(agent, 'CISCO_XML_EXE_Enable')) return refused(403, 'CISCO_XML_EXE_Enable is No on this phone.')
  if (authMode(agent) === 'Remote Credential') {
    return refused(501, 'CISCO_XML_EXE_Auth_Mode Remote Credential is not available on a virtual phone.')
  }
  const urls = itemsOf(utf8Text(request.body) ?? '')
  if (urls === undefined || urls.length === 0) return refused(400, 'The body is not an Execute object with items.')
  const rules = urls.map((url) => /^Resync:(.*)$/is.exec(url)?.[1]?.trim())
  if (rules.some((rule) => rule === undefined)) return refused(501, 'A virtual phone executes Resync: items only.')
  if (!parameterYes(agent, 'Provision_Enable')) return refused(403, 'Provision_Enable is No on this phone.')
  if (rules.some((rule) => rule !== undefined && rule !== '' && !makesSense(rule, 'profile'))) {
    return refused(400, 'What stands after "Resync:" is not a profile rule.')
  }
  const commands = rules.map(
    (rule): Command => ({
      kind: 'resync',
      rule: rule === '' ? undefined : rule,
      by: 'web',
      callerAddress: request.peerAddress,
    }),
  )
  return { response: sentence(200, 'Accepted', 'The phone resyncs.'), commands }
}

function authMode(agent: Agent): string {
  return parameterText(agent, 'CISCO_XML_EXE_Auth_Mode').trim()
}

/** The URLs of the items, or undefined if this is no such object. A URL without quotes, as the guide prints it, passes. */
function itemsOf(text: string): readonly string[] | undefined {
  if (text.length > OBJECT_CHARS_MAX) return undefined
  const quoted = text.replace(/(<ExecuteItem\s+URL=)([^\s"'<>][^\s"<>]*?)(\s*\/?>)/gi, '$1"$2"$3')
  const root = parseXml(quoted, { maxChars: OBJECT_CHARS_MAX, maxDepth: 4, maxElements: 64 })
  if (!root.ok || !root.value.name.endsWith('Execute')) return undefined
  return root.value.children
    .flatMap((node) =>
      node.kind === 'element' && node.name === 'ExecuteItem' ? [node.attributes.get('URL') ?? ''] : [],
    )
    .slice(0, ITEMS_MAX)
}

function refused(status: number, text: string): CommandAnswer {
  return { response: sentence(status, 'Refused', text), commands: [] }
}
