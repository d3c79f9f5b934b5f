/** The parameters that the web server itself obeys (MPP §7.2), and how sections of the catalogue become tabs. */
import { catalogue, storedParameter } from '../../../protocol/profile/mod.ts'
import type { Parameter, StoredParameter } from '../../../protocol/profile/mod.ts'
import { liveSetting } from '../cwmp/mod.ts'
import { parameterText } from '../parameters.ts'
import type { Agent } from '../types.ts'
import type { Account } from './state.ts'

/** Seconds from a parameter; `otherwise` when it is empty, zero or no number. */
export function secondsOf(agent: Agent, element: string, otherwise: number): number {
  const value = Number(parameterText(agent, element))
  return Number.isFinite(value) && value > 0 ? value : otherwise
}

/** The password of an account; empty when none is set (MPP §7.1: its pages then open without a prompt). */
export function passwordOf(agent: Agent, account: Account): string {
  return parameterText(agent, account === 'admin' ? 'Admin_Password' : 'User_Password')
}

/** One parameter as a page may show it. */
export interface Field {
  readonly element: string
  readonly parameter: Parameter
  readonly stored: StoredParameter
  readonly tab: string
  /** Heading inside the tab. */
  readonly group: string
  readonly writable: boolean
}

/**
 * The parameters that an account may see, in catalogue order. `na` hides a parameter from the user, `ro` shows it
 * (MPP §1.3); write-only registers such as GPP_SA appear to nobody (MPP §5.1).
 */
export function fieldsFor(agent: Agent, account: Account): readonly Field[] {
  return catalogue.allFor(agent.hardware.productName).flatMap(({ element, parameter }) => {
    const field = fieldOf(agent, account, element, parameter)
    return field === undefined ? [] : [field]
  })
}

function fieldOf(agent: Agent, account: Account, element: string, parameter: Parameter): Field | undefined {
  if (parameter.settableBy === 'profile-only') return undefined
  const kept = storedParameter(agent.flash.parameters, element)
  const live = liveSetting(agent, element)
  const stored = live === undefined ? kept : { ...kept, value: live }
  if (account === 'user' && stored.ua === 'na') return undefined
  const [tab = 'System', group = ''] = parameter.section.split(' / ')
  return {
    element,
    parameter,
    stored,
    tab: tab === 'Ext n' ? `Ext ${lineOf(element)}` : tab,
    group,
    writable: parameter.settableBy === 'anyone' && (account === 'admin' || stored.ua === 'rw'),
  }
}

/** `Proxy_2_` belongs to extension 2. */
function lineOf(element: string): string {
  return /_([0-9]{1,2})_$/.exec(element)?.[1] ?? '1'
}

/** @returns the tabs that have at least one parameter, in the order of the phone's own pages. */
export function tabsOf(fields: readonly Field[]): readonly string[] {
  const known = ['System', 'SIP', 'Provisioning', 'Regional', 'Phone', 'User']
  const found = [...new Set(fields.map(({ tab }) => tab))]
  const extensions = found
    .filter((tab) => tab.startsWith('Ext '))
    .toSorted((a, b) => Number(a.slice(4)) - Number(b.slice(4)))
  const rest = found.filter((tab) => !known.includes(tab) && !tab.startsWith('Ext '))
  return [...known.filter((tab) => found.includes(tab)), ...extensions, ...rest]
}
