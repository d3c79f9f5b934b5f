/**
 * Takes the changes of a form over into the phone: all of them or none. Source: MPP §1.3 (user access), §5.3 and §16
 * row 6 ("Submit All Changes": reboot, then resync), §5.7 (which sections need a reboot), §7.1 (web passwords).
 */
import { catalogue, setByUser, storedParameter } from '../../../protocol/profile/mod.ts'
import type { ParameterStore } from '../../../protocol/profile/mod.ts'
import { err, ok } from '../../../protocol/result.ts'
import type { Result } from '../../../protocol/result.ts'
import { needsReboot } from '../apply.ts'
import { isReserved } from '../cwmp/mod.ts'
import type { Agent, Command } from '../types.ts'
import { FORM_VALUE_CHARS_MAX } from './form.ts'
import type { SubmittedForm } from './form.ts'
import { MASK, withoutSecrets } from '../hidden.ts'
import type { Account } from './state.ts'

export interface Submitted {
  readonly agent: Agent
  readonly changed: readonly string[]
  readonly commands: readonly Command[]
  readonly reboots: boolean
}

/** What is wrong, by element. No message holds the value. */
export type FieldErrors = ReadonlyMap<string, string>

/** @returns the phone with all changed fields, or the errors; then nothing was changed. */
export function submitForm(agent: Agent, account: Account, form: SubmittedForm): Result<Submitted, FieldErrors> {
  const errors = new Map<string, string>()
  const changed: string[] = []
  let store: ParameterStore = agent.flash.parameters
  for (const [element, value] of changesOf(agent, form)) {
    const set = setField(store, { element, value, account, agent })
    if (!set.ok) errors.set(element, set.error)
    // `yes` for `Yes` is no change.
    else if (set.value !== store) {
      store = set.value
      changed.push(element)
    }
  }
  if (errors.size > 0) return err(errors)
  const always = agent.policies.submitAllChanges === 'restart-always' && changed.length > 0
  const reboots = account === 'admin' && (always || needsReboot(agent, changed))
  return ok({
    agent: changed.length === 0 ? agent : { ...agent, flash: { ...agent.flash, parameters: store } },
    changed,
    reboots,
    commands: commandsFor(changed, reboots),
  })
}

function commandsFor(changed: readonly string[], reboots: boolean): readonly Command[] {
  if (changed.length === 0) return []
  if (!reboots) {
    const edited: Command = { kind: 'locally-changed', elements: changed }
    // Guide: Provisioning Overview. Provisioning information that is entered on the web pages is followed at once.
    const provisions = changed.some((element) => /^Profile_Rule(?:_[BCD])?$/.test(element))
    return provisions ? [edited, { kind: 'resync', rule: undefined, by: 'web', callerAddress: undefined }] : [edited]
  }
  return [
    { kind: 'locally-changed', elements: changed, restarts: true },
    { kind: 'reboot', reason: 'User Triggered', resyncAfter: true },
  ]
}

/** The fields that ask for another value than the one in force. */
function changesOf(agent: Agent, form: SubmittedForm): readonly (readonly [string, string])[] {
  const written = [...form.values].filter(([element, value]) => {
    if (form.cleared.has(element)) return false
    const parameter = catalogue.find(element)
    const current = storedParameter(agent.flash.parameters, element).value
    // An empty password field means: leave it alone.
    if (parameter?.secret === true && value === '') return false
    // What was shown with a mask and comes back so was not touched.
    return value !== current && value !== withoutSecrets(current)
  })
  const emptied = [...form.cleared].map((element) => [element, ''] as const)
  return [...written, ...emptied.filter(([element]) => storedParameter(agent.flash.parameters, element).value !== '')]
}

function setField(
  store: ParameterStore,
  {
    element,
    value,
    account,
    agent,
  }: { readonly element: string; readonly value: string; readonly account: Account; readonly agent: Agent },
): Result<ParameterStore, string> {
  const parameter = catalogue.find(element)
  const access = storedParameter(store, element).ua
  // The page does not offer these; a form made by hand must not get further (MPP §1.3, §5.1).
  if (parameter === undefined || (account === 'user' && access === 'na'))
    return err('This is not a parameter of this page.')
  if (parameter.settableBy !== 'anyone') return err('This parameter cannot be set on a web page.')
  if (account === 'user' && access === 'ro') return err('This parameter is read-only.')
  if (isReserved(agent, element)) return err('The ACS keeps this parameter for itself.')
  if (value.length > FORM_VALUE_CHARS_MAX) return err(`At most ${FORM_VALUE_CHARS_MAX} characters.`)
  if (!parameter.secret && value.includes(MASK))
    return err(`Write the key or password again: ${MASK} only stands for what is hidden.`)
  if (value !== '' && (element === 'Admin_Password' || element === 'User_Password') && !isStrongPassword(value)) {
    return err('A password has 8 to 127 characters of three kinds: capitals, small letters, digits, others; no spaces.')
  }
  const set = setByUser(store, element, value, account, agent.hardware.productName)
  return set.ok ? set : err(parameter.secret ? 'This value is not allowed.' : reasonOf(set.error.message))
}

/** What would have been right: the field and its value stand beside it, and a value may hold a password. */
function reasonOf(message: string): string {
  const mark = ': expected '
  const at = message.lastIndexOf(mark)
  return at < 0 ? withoutSecrets(message) : `Expected ${message.slice(at + mark.length)}.`
}

/** MPP §7.1: 8 to 127 characters from three of four classes, no space. */
export function isStrongPassword(text: string): boolean {
  const classes = [/[A-Z]/, /[a-z]/, /[0-9]/, /[^A-Za-z0-9\s]/].filter((characters) => characters.test(text)).length
  return text.length >= 8 && text.length <= 127 && !/\s/.test(text) && classes >= 3
}
