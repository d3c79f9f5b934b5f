/**
 * What the phone does next when its hands are free: it has one download, one run, one upgrade at a time. The order is
 * that of MPP §5.5: after a resync the custom CA, the upgrade, reports, the reboot; then whatever resync waits.
 */
import { refreshCustomCa } from './custom-ca.ts'
import { dueTransfer, startTransfer } from './cwmp/mod.ts'
import { sendProblemReport } from './prt.ts'
import { factoryReset, reboot } from './reboot.ts'
import { sendNextReport } from './report.ts'
import { resyncMayStart, startPending } from './resync.ts'
import { andThen, type Moment, type Turn, turnOf } from './turn.ts'
import type { Agent } from './types.ts'
import { considerUpgrade } from './upgrade.ts'

/** Pieces of work begun by one event; each piece removes itself, so this is only a guard. */
const PIECES_MAX = 16

/** Begins work until something is in flight or nothing is left to do. */
export function doNextWork(agent: Agent, moment: Moment): Turn {
  let turn = turnOf(agent)
  for (let count = 0; count < PIECES_MAX; count += 1) {
    const next = nextPiece(turn.agent, moment)
    if (next === undefined) break
    turn = andThen(turn, (agent) => next(agent, moment))
  }
  return turn
}

function nextPiece(agent: Agent, { now }: Moment): ((agent: Agent, moment: Moment) => Turn) | undefined {
  const { ram } = agent
  const busy = [ram.download, ram.run, ram.upgrade, ram.discovery, ram.srvQueryId].some((work) => work !== undefined)
  if (ram.mode !== 'running' || busy) return undefined
  const idle = ram.busyLines.length === 0
  // [TR-069 §7]: what would cut a session with the ACS waits for its end.
  const free = idle && ram.cwmp.session === undefined
  const why = ram.pendingReboot
  if (ram.pendingFactoryReset && free) return factoryReset
  if (ram.pendingCustomCa) return refreshCustomCa
  if (ram.pendingUpgrade !== undefined && free) return considerUpgrade
  if (ram.reports.length > 0) return sendNextReport
  if (ram.problemReport !== undefined) return sendProblemReport
  if (why !== undefined && free) return (agent, moment) => reboot(agent, why, moment)
  if (free && dueTransfer(agent, now) !== undefined) return startTransfer
  return resyncMayStart(ram, now) ? startPending : undefined
}
