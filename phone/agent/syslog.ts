/** Log lines to the server named in Syslog_Server. Source: MPP §12.1; RFC 3164 §4.1 for the frame. */
import type { Millis } from '../../protocol/result.ts'
import { expandMacros } from '../../protocol/rule/mod.ts'
import { localTime, printTime } from './local-time.ts'
import { macroLookup } from './macros.ts'
import { hideStored } from './mask.ts'
import { parameterText } from './parameters.ts'
import type { Agent, AgentAction } from './types.ts'

/** RFC 3164 §4.1: a packet has at most 1024 bytes; one character may take four. */
const MESSAGE_CHARS_MAX = 900
const FACILITY_LOCAL0 = 16
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const LEVELS = ['EMERGENCY', 'ALERT', 'CRITICAL', 'ERROR', 'WARNING', 'NOTICE', 'INFO', 'DEBUG']

/** The message templates of MPP §12.1. */
export type LogTemplate =
  | 'Log_Request_Msg'
  | 'Log_Success_Msg'
  | 'Log_Failure_Msg'
  | 'Log_Upgrade_Request_Msg'
  | 'Log_Upgrade_Success_Msg'
  | 'Log_Upgrade_Failure_Msg'

/** @returns the datagram for a template; nothing for an empty template, no server, or a level that is not logged. */
export function logFrom(agent: Agent, template: LogTemplate, now: Millis): readonly AgentAction[] {
  const severity = template.endsWith('Failure_Msg') ? 'ERROR' : 'NOTICE'
  const text = parameterText(agent, template)
  return text.trim() === '' ? [] : logLine(agent, severity, expandMacros(text, macroLookup(agent, now)).text, now)
}

/**
 * One syslog datagram, or nothing. As on the real phone a one-time code in a path is not hidden here: the operator's own
 * server reads it; stored secrets never leave.
 */
export function logLine(agent: Agent, severity: string, text: string, now: Millis): readonly AgentAction[] {
  const server = parameterText(agent, 'Syslog_Server').trim()
  if (server === '' || !isLogged(agent, severity)) return []
  const priority = FACILITY_LOCAL0 * 8 + LEVELS.indexOf(severity)
  // A line end would start a second message for some receivers.
  const clean = hideStored(agent, text).replace(/[\u0000-\u001f\u007f]+/g, ' ')
  return [{ kind: 'syslog', server, text: `<${priority}>${frame(agent, now)} ${clean}`.slice(0, MESSAGE_CHARS_MAX) }]
}

function isLogged(agent: Agent, severity: string): boolean {
  const level = LEVELS.indexOf(parameterText(agent, 'Debug_Level').trim().toUpperCase())
  return LEVELS.indexOf(severity) <= (level === -1 ? LEVELS.indexOf('NOTICE') : level)
}

/** `Mon DD HH:MM:SS`, day padded with a space, then the identifier that Syslog_Identifier chooses. */
function frame(agent: Agent, now: Millis): string {
  const time = localTime(agent, now)
  const stamp = `${MONTHS[time.month - 1]} ${String(time.day).padStart(2, ' ')} ${printTime(time)}`
  const chosen = parameterText(agent, 'Syslog_Identifier').trim()
  if (!/^\$(?:MA|MAU|MAC|SN)$/.test(chosen)) return stamp
  return `${stamp} ${expandMacros(chosen, macroLookup(agent, now)).text}`
}
