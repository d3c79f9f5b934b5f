/**
 * The command URL of a phone's own web server, or what is in the way of asking it: known before anything is sent, so that
 * an action that cannot go is refused when it is made. Pure. Source: MPP §7.1, §7.2.
 */
import { isIP } from 'node:net'
import { err, ok, type Result } from '../../protocol/result.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import { readOutboundUrl } from '../outbound/mod.ts'
import { type PlatformFacts, resolveDevice } from '../profiles/mod.ts'
import type { ActionKind } from './action-states.ts'

export interface CommandUrlQuestion {
  readonly kind: ActionKind
  /** For `resync`: what to fetch instead of its own rules. */
  readonly profile: string | undefined
  readonly facts: DeviceFacts
  readonly platform: PlatformFacts
  /** Of its last believed request; undefined: there was none. */
  readonly address: string | undefined
  /** `settings.outboundAllow`. */
  readonly allow: readonly string[]
}

/** Elements that must be Yes, or the phone has no command URLs (MPP §7.2). */
const SWITCHES = ['Enable_Web_Server', 'Enable_Web_Admin_Access', 'Enable_Direct_Action_Url'] as const

/** @returns the URL, or one sentence that says what is in the way and which setting makes it possible */
export function commandUrl({
  kind,
  profile,
  facts,
  platform,
  address,
  allow,
}: CommandUrlQuestion): Result<string, string> {
  if (kind === 'report') return err('A phone has no command URL that asks for a report. Ask by SIP')
  const values = resolveDevice(facts, platform)
  for (const element of SWITCHES) {
    const value = values.get(element)?.value
    if (value !== undefined && !/^yes$/i.test(value))
      return err(
        `The profile of the phone sets ${element} to "${value}", so its command URLs are off. Set it to "Yes" in a layer, or ask by SIP`,
      )
  }
  if (address === undefined)
    return err(
      'It is not known where the phone is: no believed request of it has come yet. Wait for one, or ask by SIP',
    )
  const scheme = /^https$/i.test(values.get('Enable_Protocol')?.value ?? 'Http') ? 'https' : 'http'
  const port = Number(values.get('Web_Server_Port')?.value ?? (scheme === 'https' ? 443 : 80))
  const host = isIP(address) === 6 ? `[${address}]` : address
  const path = kind === 'resync' ? `/admin/resync?${profile ?? ''}` : '/admin/reboot?'
  const url = `${scheme}://${host}:${port}${path}`
  const allowed = readOutboundUrl(url, allow)
  return allowed.ok ? ok(url) : err(allowed.error.message)
}
