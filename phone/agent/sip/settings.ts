/** Reads the parameters that the SIP side obeys: accounts, timers, retries. Source: MPP §13.4, §13.8, §7.2. */
import { expandMacros } from '../../../protocol/rule/mod.ts'
import { macWithColons, productSeriesName } from '../../../protocol/identity.ts'
import { modelInfo } from '../../../protocol/profile/mod.ts'
import type { Millis, Rng } from '../../../protocol/result.ts'
import { parameterText, parameterYes } from '../parameters.ts'
import { hostAllowed } from '../restricted.ts'
import type { Agent, SipPeer, SipTransport } from '../types.ts'
import type { LineAccount } from './state.ts'

const REGISTER_SECONDS_MIN = 32
const REGISTER_SECONDS_MAX = 2_000_000
/** A line count for a model that the catalogue does not know. */
const LINES_FALLBACK = 1

/** How many extensions the model has. */
export function lineCount(agent: Agent): number {
  return modelInfo(agent.hardware.productName)?.lines ?? LINES_FALLBACK
}

/** A number of seconds from a parameter, at least 0; `otherwise` when it is no number. */
export function secondsOf(agent: Agent, element: string, otherwise: number): number {
  const text = parameterText(agent, element).trim()
  const value = text === '' ? Number.NaN : Number(text)
  return Number.isFinite(value) && value >= 0 ? value : otherwise
}

/** The transaction timers of RFC 3261 §17.1.2.2 as the phone has them (MPP §13.8), in milliseconds. */
export function timersOf(agent: Agent): { readonly t1Ms: Millis; readonly t2Ms: Millis; readonly timerFMs: Millis } {
  // A zero T1 would retransmit without pause.
  const t1Ms = Math.max(50, Math.round(secondsOf(agent, 'SIP_T1', 0.5) * 1000))
  const t2Ms = Math.max(t1Ms, Math.round(secondsOf(agent, 'SIP_T2', 4) * 1000))
  return { t1Ms, t2Ms, timerFMs: Math.max(t1Ms, Math.round(secondsOf(agent, 'SIP_Timer_F', 16) * 1000)) }
}

/** Extension n as something that can be challenged and called, registered or not. */
export interface Extension {
  readonly line: number
  readonly userId: string
  readonly authId: string
  readonly password: string
}

/** @returns extension n when it is in service and has a user id. */
export function extensionOf(agent: Agent, line: number): Extension | undefined {
  const userId = parameterText(agent, `User_ID_${line}_`).trim()
  if (!parameterYes(agent, `Line_Enable_${line}_`) || userId === '') return undefined
  return {
    line,
    userId,
    authId: parameterText(agent, `Auth_ID_${line}_`).trim(),
    password: parameterText(agent, `Password_${line}_`),
  }
}

/** @returns what line n registers, or undefined when it is off, incomplete, or its server is not allowed. */
export function accountOf(agent: Agent, line: number): LineAccount | undefined {
  const extension = extensionOf(agent, line)
  if (extension === undefined || !parameterYes(agent, `Register_${line}_`)) return undefined
  const peer = proxyOf(agent, line)
  const proxy =
    parseHostPort(parameterText(agent, `Proxy_${line}_`)) ??
    parseHostPort(parameterText(agent, `Outbound_Proxy_${line}_`))
  // MPP §7.2: the guide names line 1, the reference names registration as such; here it counts for every line.
  if (peer === undefined || proxy === undefined || !hostAllowed(agent, peer.host)) return undefined
  const scheme = 'sip'
  const registrar = hostPortText(proxy)
  const expires = Math.round(secondsOf(agent, `Register_Expires_${line}_`, 3600))
  return {
    ...extension,
    displayName: parameterText(agent, `Display_Name_${line}_`).trim(),
    authId: extension.authId === '' ? extension.userId : extension.authId,
    registrarUri: `${scheme}:${registrar}`,
    addressOfRecord:
      addressFrom(parameterText(agent, `SIP_URI_${line}_`)) ??
      `${scheme}:${escapeUser(extension.userId)}@${hostPortText({ host: proxy.host, port: undefined })}`,
    peer,
    expiresSeconds: Math.min(Math.max(expires, REGISTER_SECONDS_MIN), REGISTER_SECONDS_MAX),
    preferSha256: parameterYes(agent, `Auth_Support_RFC8760_${line}_`),
  }
}

/** @returns where line n sends its requests: the outbound proxy, else the proxy; undefined when neither is usable. */
export function proxyOf(agent: Agent, line: number): SipPeer | undefined {
  const server =
    parseHostPort(parameterText(agent, `Outbound_Proxy_${line}_`)) ??
    parseHostPort(parameterText(agent, `Proxy_${line}_`))
  if (server === undefined) return undefined
  const transport = transportOf(parameterText(agent, `SIP_Transport_${line}_`))
  return { host: server.host, port: server.port ?? defaultSipPort(transport), transport }
}

/** `$VERSION` in the user agent names (MPP §11.1): `Cisco-<PN>/<x.y.z>`. */
export function softwareName(agent: Agent, template: string): string {
  const { hardware, flash } = agent
  const version = /\.(\d+)-(\d+)-(\d+)/.exec(flash.activeLoad)
  const numbers = version === null ? '0.0.0' : `${version[1]}.${version[2]}.${version[3]}`
  const values = new Map([
    ['VERSION', `Cisco-${hardware.productName}/${numbers}`],
    ['MA', hardware.mac],
    ['MAU', hardware.mac.toUpperCase()],
    ['MAC', macWithColons(hardware.mac)],
    ['PN', hardware.productName],
    ['PSN', productSeriesName(hardware.productName)],
    ['SN', hardware.serial],
    ['SWVER', flash.activeLoad],
    ['HWVER', hardware.hardwareVersion],
  ])
  return cleanText(expandMacros(template, (name) => values.get(name)).text)
}

/** Text that may stand in a SIP header: one line, at most 200 characters. */
export function cleanText(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .trim()
    .slice(0, 200)
}

/** @returns the retry after a failure in milliseconds, undefined for never. `status` is absent when nobody answered. */
export function retryAfterMs(
  agent: Agent,
  failure: { readonly status: number | undefined; readonly failures: number; readonly askedSeconds: number },
  rng: Rng,
): Millis | undefined {
  // MPP §13.8: the short interval is for codes listed in Retry_Reg_RSC, and for silence, which has no code.
  const short = failure.status === undefined || matchesStatus(parameterText(agent, 'Retry_Reg_RSC'), failure.status)
  const base = short ? secondsOf(agent, 'Reg_Retry_Intvl', 30) : secondsOf(agent, 'Reg_Retry_Long_Intvl', 1200)
  if (base === 0) return undefined
  const cap = short ? secondsOf(agent, 'Reg_Retry_Intvl_Cap', 0) : 0
  const grown = cap > 0 ? Math.max(base, Math.min(base * 2 ** Math.min(failure.failures, 20), cap)) : base
  const spread = secondsOf(agent, short ? 'Reg_Retry_Random_Delay' : 'Reg_Retry_Long_Random_Delay', 0)
  return Math.round((Math.max(grown, failure.askedSeconds) + spread * rng()) * 1000)
}

/** MPP §14 RscTmplt: `404, 5*, 61?`. */
export function matchesStatus(templates: string, status: number): boolean {
  const text = String(status)
  return templates
    .split(',')
    .map((template) => template.trim())
    .filter((template) => /^[0-9?*]{1,8}$/.test(template))
    .some((template) => new RegExp(`^${template.replace(/\?/g, '\\d').replace(/\*+/g, '\\d*')}$`).test(text))
}

/** `host`, `host:port`, `[v6]:port` or a `sip:` URI; undefined when there is no usable host. */
export function parseHostPort(text: string): { readonly host: string; readonly port: number | undefined } | undefined {
  const match = /^(?:sips?:)?(?:\[([0-9a-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::([0-9]{1,5}))?(?:;.*)?$/i.exec(
    text.trim(),
  )
  const host = match?.[1] ?? match?.[2]
  if (match === null || host === undefined) return undefined
  const port = match[3] === undefined ? undefined : Number(match[3])
  if (port !== undefined && (port === 0 || port > 65_535)) return undefined
  return { host, port }
}

/** @returns `host:port` as it stands in a URI, with brackets around IPv6. */
export function hostPortText(server: { readonly host: string; readonly port: number | undefined }): string {
  const host = server.host.includes(':') ? `[${server.host}]` : server.host
  return server.port === undefined ? host : `${host}:${server.port}`
}

/** @returns whether two peers are the same place. */
export function samePeer(a: SipPeer, b: SipPeer): boolean {
  return a.host.toLowerCase() === b.host.toLowerCase() && a.port === b.port && a.transport === b.transport
}

function transportOf(text: string): SipTransport {
  switch (text.toUpperCase()) {
    case 'TCP':
      return 'tcp'
    case 'TLS':
      return 'tls'
    default:
      // AUTO asks NAPTR on a real phone; without it RFC 3263 §4.1 ends at UDP.
      return 'udp'
  }
}

function defaultSipPort(transport: SipTransport): number {
  return transport === 'tls' ? 5061 : 5060
}

/** RFC 3261 §25.1: characters outside `user` are escaped. */
export function escapeUser(user: string): string {
  // A lone surrogate has no UTF-8 form and would make encodeURIComponent throw.
  return encodeURIComponent(user.replace(/\p{Surrogate}/gu, '')).replace(/%(2B|24|26|2C|3B|3D|3F|2F)/gi, (escaped) =>
    decodeURIComponent(escaped),
  )
}

function addressFrom(text: string): string | undefined {
  const trimmed = text.trim()
  // A space, angle bracket or control character would end the URI early inside a header.
  if (trimmed === '' || /[\s<>"\u0000-\u001f\u007f]/.test(trimmed) || !trimmed.includes('@')) return undefined
  return /^sips?:/i.test(trimmed) ? trimmed : `sip:${trimmed}`
}
