/** What the phone says about itself, for people and for tests. Source: MPP §7.4. */
import type { Millis } from '../../protocol/result.ts'
import { customCaStatus } from './custom-ca.ts'
import { isTr069On } from './cwmp/mod.ts'
import { maskText } from './mask.ts'
import { parameterText, parameterYes } from './parameters.ts'
import { nextResyncAt } from './schedule.ts'
import { lineStates } from './sip/mod.ts'
import type { Agent, CustomizationState, Flash, HistoryEntry, Mode } from './types.ts'

/** One extension. */
export interface LineReport {
  readonly line: number
  readonly userId: string
  readonly state: 'registered' | 'failed' | 'registering' | 'off'
  readonly since?: Millis
}

/** The Info page as a value. Texts are masked. */
export interface PhoneStatus {
  readonly load: string
  readonly inactiveLoad: string | undefined
  readonly customization: CustomizationState
  readonly mode: Mode
  /** Newest first, at most 3 each. */
  readonly provisioning: readonly HistoryEntry[]
  readonly upgrade: readonly HistoryEntry[]
  readonly rebootHistory: Flash['rebootHistory']
  readonly customCa: { readonly status: string; readonly info: string }
  readonly lines: readonly LineReport[]
  readonly profileRule: string
  readonly address: string | undefined
  /** When the phone will next act by itself on provisioning, if it knows. */
  readonly nextResyncAt: Millis | undefined
}

/** @returns the state of the phone at `now`. */
export function status(agent: Agent, now: Millis): PhoneStatus {
  const { flash, ram } = agent
  return {
    load: flash.activeLoad,
    inactiveLoad: flash.inactiveLoad,
    customization: flash.customization,
    mode: ram.mode,
    provisioning: flash.provisioningHistory,
    upgrade: flash.upgradeHistory,
    rebootHistory: flash.rebootHistory,
    customCa: { status: customCaStatus(agent), info: flash.customCa.info },
    lines: lineStates(agent, now).map(({ line, userId, state, since }) => ({
      line,
      userId,
      state,
      ...(since === undefined ? {} : { since }),
    })),
    profileRule: maskText(parameterText(agent, 'Profile_Rule')),
    address: ram.lease?.address,
    nextResyncAt: nextResyncAt(agent),
  }
}

/** Modes with a working system: while it starts, nobody can connect. */
const UP: readonly Mode[] = ['discovering', 'running', 'flashing']

/** Where and whether the built-in web server listens (MPP §7.2). */
export function webServer(agent: Agent): { readonly enabled: boolean; readonly port: number; readonly tls: boolean } {
  const tls = parameterText(agent, 'Enable_Protocol').trim().toLowerCase() === 'https'
  const written = Number(parameterText(agent, 'Web_Server_Port'))
  const port = Number.isInteger(written) && written > 0 && written <= 65_535 ? written : 80
  // MPP §7.2: with HTTPS as the protocol the default port is 443.
  const enabled = UP.includes(agent.ram.mode) && parameterYes(agent, 'Enable_Web_Server')
  return { enabled, port: tls && port === 80 ? 443 : port, tls }
}

/**
 * Whether connection requests are taken [TR-069 §8.1]. From power on, since the first Inform names where; on which port
 * is the choice of the surroundings.
 */
export function knockListener(agent: Agent): {
  readonly enabled: boolean
  readonly port: number
  readonly tls: boolean
} {
  return { enabled: agent.ram.mode !== 'off' && isTr069On(agent), port: 0, tls: false }
}
