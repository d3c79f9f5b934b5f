/** What web pages, command URLs, NOTIFY and the keypad make the phone do. Source: MPP §7.3, §7.5, §8. */
import { assertNever } from '../../protocol/result.ts'
import { NO_OPTIONS } from '../../protocol/rule/mod.ts'
import { applyToPhone, readDownloadedProfile } from './apply.ts'
import { plainAddress } from './caller.ts'
import { isBlank } from './discovery.ts'
import { parametersChanged } from './effects.ts'
import { say } from './mask.ts'
import { parameterYes } from './parameters.ts'
import { wantProblemReport } from './prt.ts'
import { reboot } from './reboot.ts'
import { wantReport } from './report.ts'
import { armReportAfterEdit } from './report-schedule.ts'
import { abandonSearch, customize, wishResync } from './resync.ts'
import { PROFILE_RULES } from './run.ts'
import { andThen, type Moment, type Turn, turnOf, withFlash, withRam } from './turn.ts'
import type { Agent, Command } from './types.ts'

/** Commands of one request; there is never more than a handful. */
const COMMANDS_MAX = 16

/** Runs commands in order. */
export function runCommands(agent: Agent, commands: readonly Command[], moment: Moment): Turn {
  return commands
    .slice(0, COMMANDS_MAX)
    .reduce<Turn>((turn, command) => andThen(turn, (agent) => runCommand(agent, command, moment)), turnOf(agent))
}

function runCommand(agent: Agent, command: Command, moment: Moment): Turn {
  // After a reboot has begun nothing else does.
  if (agent.ram.mode === 'rebooting') return turnOf(agent)
  switch (command.kind) {
    case 'resync':
      return resync(agent, command, moment)
    case 'upgrade':
      return upgrade(agent, command)
    case 'reboot':
      return restart(agent, command, moment)
    case 'factory-reset':
      return turnOf(withRam(agent, { pendingFactoryReset: true }))
    case 'apply-profile':
      return applyPosted(agent, command.body, moment)
    case 'report':
      return wantReport(agent, moment)
    case 'problem-report':
      return wantProblemReport(agent, command.description)
    case 'locally-changed':
      return locallyChanged(agent, command, moment)
    default:
      return assertNever(command)
  }
}

function callerOf({ callerAddress }: { readonly callerAddress: string | undefined }): string | undefined {
  return callerAddress === undefined ? undefined : plainAddress(callerAddress)
}

function resync(agent: Agent, command: Extract<Command, { kind: 'resync' }>, moment: Moment): Turn {
  if (command.by === 'sip' && !parameterYes(agent, 'Resync_From_SIP')) {
    return turnOf(agent, say(agent, 'resync-refused', 'No resync: Resync_From_SIP is No', { because: 'sip' }))
  }
  const { rule, by } = command
  return wishResync(agent, { cause: -1, rule, callerAddress: callerOf(command), because: by }, moment)
}

function upgrade(agent: Agent, command: Extract<Command, { kind: 'upgrade' }>): Turn {
  const wish = { url: command.url, callerAddress: callerOf(command), by: 'command' } as const
  const queued = withRam(agent, { pendingUpgrade: wish })
  return turnOf(
    queued,
    say(queued, 'upgrade-asked', `Upgrade asked for${command.url === undefined ? '' : ` with ${command.url}`}`),
  )
}

function restart(agent: Agent, command: Extract<Command, { kind: 'reboot' }>, moment: Moment): Turn {
  const why = { reason: command.reason, cause: command.resyncAfter ? 'web-submit' : 'power' } as const
  // MPP §8: NOTIFY is effective only at idle. Nothing interrupts the writing of flash.
  const waits = agent.ram.mode === 'flashing' || (command.reason === 'SIP Triggered' && agent.ram.busyLines.length > 0)
  return waits ? turnOf(withRam(agent, { pendingReboot: why })) : reboot(agent, why, moment)
}

/** MPP §7.3: the body of a POST to `/admin/config.xml` is a profile. */
function applyPosted(agent: Agent, body: Uint8Array, moment: Moment): Turn {
  const profile = readDownloadedProfile(agent, body, { options: NO_OPTIONS, contentEncoding: undefined })
  if (!profile.ok) return turnOf(agent, say(agent, 'profile-refused', `Posted profile refused: ${profile.error}`))
  const { agent: applied, changed, skippedCount } = applyToPhone(agent, profile.value)
  const text = `Posted profile applied, ${changed.length} elements changed`
  const told = turnOf(applied, say(applied, 'profile-applied', text, { changedCount: changed.length, skippedCount }))
  return andThen(told, (agent) => afterEdit(agent, changed, 'Provisioning', moment))
}

function locallyChanged(
  agent: Agent,
  { elements, restarts }: Extract<Command, { kind: 'locally-changed' }>,
  moment: Moment,
): Turn {
  const told = turnOf(
    agent,
    say(agent, 'edited', `Edited: ${elements.slice(0, 12).join(', ')}`, { count: elements.length }),
  )
  // The web pages ask for their own reboot; an edit on the display takes effect live.
  if (restarts === true) return andThen(told, (agent) => edited(agent, elements, moment))
  return andThen(told, (agent) => afterEdit(agent, elements, undefined, moment))
}

function afterEdit(agent: Agent, changed: readonly string[], reason: 'Provisioning' | undefined, moment: Moment): Turn {
  return andThen(edited(agent, changed, moment), (agent) => parametersChanged(agent, changed, reason, moment))
}

/** What follows from an edit whether or not the phone restarts: the report, and the end of remote customization. */
function edited(agent: Agent, changed: readonly string[], moment: Moment): Turn {
  return configuredElsewhere(armReportAfterEdit(withFlash(agent, { editsUnreported: true }), moment), changed, moment)
}

/** MPP §9.1: another source than RC has given configuration. */
export function configuredElsewhere(agent: Agent, changed: readonly string[], moment: Moment): Turn {
  const counts = agent.policies.editsAbort === 'any-parameter' || changed.some((name) => PROFILE_RULES.includes(name))
  if (!isBlank(agent) || changed.length === 0 || !counts) return turnOf(agent)
  return customize(abandonSearch(agent, moment), 'Aborted')
}
