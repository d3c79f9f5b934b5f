/** The short memories of the status pages. Source: MPP §7.4. */
import type { Millis } from '../../protocol/result.ts'
import { hideStored, maskText } from './mask.ts'
import { withFlash } from './turn.ts'
import type { Agent, HistoryEntry, RebootReason } from './types.ts'

/** MPP §7.4: Provisioning Status 1-3, Firmware Upgrade Status 1-3. */
export const STATUS_ENTRIES_MAX = 3
/** MPP §5.7: the last five reboots. */
export const REBOOTS_MAX = 5
const ENTRY_CHARS_MAX = 300

/** Notes how a resync ended. */
export function noteProvisioning(agent: Agent, text: string, now: Millis): Agent {
  return withFlash(agent, { provisioningHistory: added(agent, agent.flash.provisioningHistory, text, now) })
}

/** Notes how an upgrade attempt ended. */
export function noteUpgrade(agent: Agent, text: string, now: Millis): Agent {
  return withFlash(agent, { upgradeHistory: added(agent, agent.flash.upgradeHistory, text, now) })
}

/** Notes why the phone restarts. */
export function noteReboot(agent: Agent, reason: RebootReason, now: Millis): Agent {
  return withFlash(agent, { rebootHistory: [{ at: now, reason }, ...agent.flash.rebootHistory].slice(0, REBOOTS_MAX) })
}

function added(agent: Agent, entries: readonly HistoryEntry[], text: string, at: Millis): readonly HistoryEntry[] {
  // Pages and display show these texts, so they are masked before they are kept.
  const shown = hideStored(agent, maskText(text)).slice(0, ENTRY_CHARS_MAX)
  return [{ at, text: shown }, ...entries].slice(0, STATUS_ENTRIES_MAX)
}
