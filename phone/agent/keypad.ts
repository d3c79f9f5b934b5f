/** What a person does at the phone itself. Source: MPP §7.5, §1.3, guide: Manually Provision a Phone from the Keypad. */
import { setByUser } from '../../protocol/profile/mod.ts'
import { assertNever } from '../../protocol/result.ts'
import { isIdle } from './calls.ts'
import { runCommands } from './commands.ts'
import { isReserved } from './cwmp/mod.ts'
import { say } from './mask.ts'
import { parameterYes } from './parameters.ts'
import { type Moment, type Turn, turnOf, withFlash } from './turn.ts'
import type { Agent, KeypadEntry } from './types.ts'

/** Presses the keys. What the phone does not allow is said and changes nothing. */
export function pressKeys(agent: Agent, entry: KeypadEntry, moment: Moment): Turn {
  switch (entry.kind) {
    case 'enter-profile-rule':
      if (!parameterYes(agent, 'User_Configurable_Resync')) return refused(agent, 'User_Configurable_Resync is No')
      return store(agent, 'Profile_Rule', entry.rule, 'admin', moment)
    case 'set':
      // MPP §1.3: the display obeys the user access only with Phone-UI-User-Mode.
      return store(
        agent,
        entry.element,
        entry.value,
        parameterYes(agent, 'Phone-UI-User-Mode') ? 'user' : 'admin',
        moment,
      )
    case 'resync':
      return runCommands(agent, [{ kind: 'resync', rule: undefined, by: 'keypad', callerAddress: undefined }], moment)
    case 'reboot':
      return runCommands(agent, [{ kind: 'reboot', reason: 'User Triggered', resyncAfter: false }], moment)
    case 'factory-reset':
      if (!isIdle(agent)) return refused(agent, 'a line is in a call')
      return runCommands(agent, [{ kind: 'factory-reset' }], moment)
    case 'report-problem':
      return runCommands(agent, [{ kind: 'problem-report', description: entry.description }], moment)
    default:
      return assertNever(entry)
  }
}

function store(agent: Agent, element: string, value: string, account: 'admin' | 'user', moment: Moment): Turn {
  if (parameterYes(agent, 'Phone-UI-readonly')) return refused(agent, 'Phone-UI-readonly is Yes')
  if (isReserved(agent, element)) return refused(agent, `the ACS keeps ${element} for itself`)
  const set = setByUser(agent.flash.parameters, element, value, account, agent.hardware.productName)
  if (!set.ok) return refused(agent, `${element} cannot take this value`)
  const changed = withFlash(agent, { parameters: set.value })
  return runCommands(changed, [{ kind: 'locally-changed', elements: [element] }], moment)
}

function refused(agent: Agent, reason: string): Turn {
  return turnOf(agent, say(agent, 'keypad-refused', `Not possible: ${reason}`, { reason }))
}
