/**
 * The command URLs: a GET that makes the phone do something, as the guide has it, and the upload of a profile.
 * Source: guide: Retail Distribution, Resynchronization Process; MPP §7.2, §7.3.
 */
import type { ActionUrl } from '../../../protocol/http/mod.ts'
import { readProfile } from '../../../protocol/profile/mod.ts'
import { assertNever } from '../../../protocol/result.ts'
import { evaluateRule, UNKNOWN_HERE } from '../../../protocol/rule/mod.ts'
import { serverFromCaller } from '../caller.ts'
import { parameterYes } from '../parameters.ts'
import type { Agent, Command, WebRequest, WebResponse } from '../types.ts'
import { sentence } from './response.ts'

/** Longest rule or URL in a command, as in a rule parameter. */
const RULE_CHARS_MAX = 4096

/** An answer, and the work that it promises. */
export interface CommandAnswer {
  readonly response: WebResponse
  readonly commands: readonly Command[]
}

/** Decides about a command URL of someone who may give commands. */
export function answerCommand(agent: Agent, action: ActionUrl, callerAddress: string): CommandAnswer {
  const off = switchedOff(agent, action.kind)
  if (off !== undefined) return refused(403, `${off} is No on this phone.`)
  switch (action.kind) {
    case 'resync':
      return resync(action.rule, callerAddress)
    case 'upgrade':
      return upgrade(action.url, callerAddress)
    case 'reboot':
      return accepted('The phone restarts now.', { kind: 'reboot', reason: 'User Triggered', resyncAfter: false })
    case 'factory-reset':
      // MPP §7.3: never in the middle of a call.
      if (agent.ram.busyLines.length > 0) return refused(409, 'A line is busy. Ask again when all lines are on hook.')
      return accepted('The phone returns to its factory settings.', { kind: 'factory-reset' })
    default:
      return assertNever(action)
  }
}

/** POST /admin/config.xml: the body is a profile to apply as it is. */
export function answerUpload(agent: Agent, request: WebRequest): CommandAnswer {
  const off = switchedOff(agent, 'upload')
  if (off !== undefined) return refused(403, `${off} is No on this phone.`)
  const profile = readProfile(request.body)
  if (!profile.ok) {
    const place = profile.error.line === undefined ? '' : ` (line ${profile.error.line})`
    return refused(400, `The profile cannot be read${place}: ${profile.error.code}.`)
  }
  return accepted('The phone applies the profile.', { kind: 'apply-profile', body: request.body })
}

/** MPP §7.3: letters, digits, hyphens and underscores; dots are inferred. */
const PING_HOST = /^[A-Za-z0-9._-]{1,253}$/

/** `/admin/ping?host`: judged as on a phone, but a virtual phone sends no ICMP. */
export function answerPing(agent: Agent, host: string): CommandAnswer {
  const off = switchedOff(agent, 'ping')
  if (off !== undefined) return refused(403, `${off} is No on this phone.`)
  if (!PING_HOST.test(host)) return refused(400, 'What stands after "?" is not the name or address of a host.')
  return refused(501, 'Ping is not available on a virtual phone.')
}

/** @returns the parameter that forbids it (MPP §7.2, §7.3), or undefined. */
function switchedOff(agent: Agent, what: ActionUrl['kind'] | 'upload' | 'ping'): string | undefined {
  if (!parameterYes(agent, 'Enable_Direct_Action_Url')) return 'Enable_Direct_Action_Url'
  if (what === 'resync' && !parameterYes(agent, 'Provision_Enable')) return 'Provision_Enable'
  if (what === 'upgrade' && !parameterYes(agent, 'Upgrade_Enable')) return 'Upgrade_Enable'
  return undefined
}

function resync(rule: string | undefined, callerAddress: string): CommandAnswer {
  if (rule !== undefined && !makesSense(rule, 'profile')) {
    return refused(400, 'What stands after "?" is not a profile rule. Write scheme://server[:port]/path.')
  }
  const text =
    rule === undefined ? 'The phone resyncs with its profile rules.' : 'The phone resyncs with the given profile.'
  return accepted(text, { kind: 'resync', rule, by: 'web', callerAddress })
}

function upgrade(url: string | undefined, callerAddress: string): CommandAnswer {
  // MPP §4.5: without a server in it the caller is the server, so it is judged with that.
  const whole = url === undefined ? undefined : serverFromCaller(url, callerAddress)
  if (
    url !== undefined &&
    whole !== undefined &&
    (!makesSense(whole, 'upgrade') || !/\.loads(?:$|[?\s|])/i.test(url))
  ) {
    return refused(
      400,
      'What stands after "?" is not the URL of a .loads file. Write scheme://server[:port]/path/file.loads.',
    )
  }
  return accepted('The phone upgrades as soon as it is idle.', { kind: 'upgrade', url, callerAddress })
}

/** @returns whether the text is a rule; macros have their values only when it runs. */
export function makesSense(rule: string, kind: 'profile' | 'upgrade'): boolean {
  return rule.length <= RULE_CHARS_MAX && evaluateRule(rule, kind, () => UNKNOWN_HERE).kind !== 'invalid'
}

function accepted(text: string, command: Command): CommandAnswer {
  return { response: sentence(200, 'Accepted', text), commands: [command] }
}

function refused(status: number, text: string): CommandAnswer {
  return { response: sentence(status, 'Refused', text), commands: [] }
}
