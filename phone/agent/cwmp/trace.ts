/** What a watcher and the operator's log hear of sessions: methods and outcomes, never a value [TR-069 §10.1]. */
import type { Millis } from '../../../protocol/result.ts'
import { say } from '../mask.ts'
import { parameterYes } from '../parameters.ts'
import { logLine } from '../syslog.ts'
import type { Agent, AgentAction, PhoneEvent } from '../types.ts'

/** Characters of texts that an ACS has chosen. */
const WORD_CHARS_MAX = 80

/** One step of a session, or the beginning or end of one. */
export function tell(
  agent: Agent,
  name: `tr069-${string}`,
  text: string,
  data: PhoneEvent['data'],
  now: Millis,
): readonly AgentAction[] {
  return [say(agent, name, text, data), ...trace(agent, text, now)]
}

/** TR-069_Traceability: one line of the log for each transaction. */
export function trace(agent: Agent, text: string, now: Millis): readonly AgentAction[] {
  if (!parameterYes(agent, 'TR-069_Traceability')) return []
  return logLine(agent, 'NOTICE', `TR-069 ${text}`, now)
}

/** Text of somebody else's, short and on one line. */
export function shortened(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, WORD_CHARS_MAX)
}
