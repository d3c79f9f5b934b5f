/** A phone with one line and a registrar to talk to, for the tests of this folder. */
import { parseMacAddress, parseProductName, parseSerialNumber } from '../../../../protocol/identity.ts'
import { decodeSip, encodeSip, header, headerAll } from '../../../../protocol/sip/mod.ts'
import type { SipHeader, SipRequest } from '../../../../protocol/sip/mod.ts'
import { assert } from '../../../../protocol/result.ts'
import { createAgent } from '../../create.ts'
import type { Agent, AgentAction, SipPeer } from '../../types.ts'

export const PASSWORD = 'Xq7-line-one-secret'
export const PROXY: SipPeer = { host: 'sip.example.net', port: 5060, transport: 'udp' }
export const START = 1_700_000_000_000

/** Chance from a seed: xorshift, good enough for tags. */
export function seeded(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 4_294_967_296
  }
}

/** A running CP-8851 with line 1 configured; `values` are set on top. */
export function phone(values: Readonly<Record<string, string>> = {}): Agent {
  const [mac, serial, productName] = [parseMacAddress('000e08aabbcc'), parseSerialNumber('FCH2305DMH0'), parseProductName('CP-8851-3PCC')]
  assert(mac !== undefined && serial !== undefined && productName !== undefined, 'the fixture names a phone')
  const blank = createAgent({
    mac,
    serial,
    productName,
    hardwareVersion: '2.0.1',
    factoryLoad: 'sip88xx.12-0-2MPP0001-609',
    clientCertificate: true,
    rcUrl: 'https://activate.example.net/',
  })
  const agent = withValues(blank, {
    User_ID_1_: '1001',
    Display_Name_1_: 'Ann "Reception" Lee',
    Password_1_: PASSWORD,
    Proxy_1_: 'sip.example.net',
    ...values,
  })
  const lease = { address: '192.0.2.5', domain: undefined, options: new Map<number, string>() }
  return { ...agent, ram: { ...agent.ram, mode: 'running', bootedAt: START, lease, sipPort: 5060 } }
}

/** The phone with other parameters, as after a profile. */
export function withValues(agent: Agent, values: Readonly<Record<string, string>>): Agent {
  const parameters = new Map(agent.flash.parameters)
  for (const [element, value] of Object.entries(values)) {
    parameters.set(element, { value, ua: 'na', userPref: false, userModified: false })
  }
  return { ...agent, flash: { ...agent.flash, parameters } }
}

/** The requests among the actions, decoded. */
export function sent(actions: readonly AgentAction[]): readonly SipRequest[] {
  return messages(actions).flatMap((message) => (message.kind === 'request' ? [message] : []))
}

/** The statuses of the responses among the actions. */
export function answers(actions: readonly AgentAction[]) {
  return messages(actions).flatMap((message) => (message.kind === 'response' ? [message] : []))
}

function messages(actions: readonly AgentAction[]) {
  return actions.flatMap((action) => {
    if (action.kind !== 'send-sip') return []
    const decoded = decodeSip(action.bytes)
    assert(decoded.ok, 'the phone sends SIP')
    return [decoded.value]
  })
}

/** What was said, by name. */
export function said(actions: readonly AgentAction[]): readonly string[] {
  return actions.flatMap((action) => (action.kind === 'say' ? [action.event.name] : []))
}

/** What a registrar answers to a request. */
export function reply(request: SipRequest | undefined, status: number, headers: readonly SipHeader[] = [], reason = 'Because'): Uint8Array {
  assert(request !== undefined, 'there is a request to answer')
  const copied = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].flatMap((name) => headerAll(request, name).map((value): SipHeader => [name, value]))
  return encodeSip({ kind: 'response', status, reason, headers: [...copied, ...headers], body: new Uint8Array(0) })
}

/** A 200 that grants what Contact asks for, or `seconds`. */
export function grant(request: SipRequest | undefined, seconds?: number): Uint8Array {
  assert(request !== undefined, 'there is a request to answer')
  const contact = (header(request, 'Contact') ?? '').replace(/expires=(\d+)/, (_, asked: string) => `expires=${seconds ?? asked}`)
  return reply(request, 200, [['Contact', contact]], 'OK')
}
