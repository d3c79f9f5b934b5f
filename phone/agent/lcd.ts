/** What the display shows: idle screen, Status > Phone status > Provisioning, and each line. Source: MPP §7.4, §7.5. */
import type { Millis } from '../../protocol/result.ts'
import { localTime, printDateTime, printTime, utcTime } from './local-time.ts'
import { parameterText } from './parameters.ts'
import { status } from './status.ts'
import type { Agent, Mode } from './types.ts'

const MODES: Readonly<Record<Mode, string>> = {
  off: '',
  booting: 'Starting up',
  network: 'Waiting for the network',
  discovering: 'Looking for a provider',
  running: '',
  flashing: 'Upgrading. Do not switch off',
  rebooting: 'Restarting',
}

const LINE_STATES = {
  registered: 'Registered',
  failed: 'Not registered',
  registering: 'Registering',
  off: 'Off',
} as const

/** @returns the lines from top to bottom; none while the phone is off. Status messages are in UTC. */
export function lcdLines(agent: Agent, now: Millis): readonly string[] {
  if (agent.ram.mode === 'off') return []
  const name = parameterText(agent, 'Station_Display_Name').trim() || agent.hardware.productName
  const head = `${name}  ${printTime(localTime(agent, now)).slice(0, 5)}`
  const mode = MODES[agent.ram.mode]
  const state = status(agent, now)
  const used = state.lines.filter(({ userId }) => userId !== '')
  const lines = used.map(({ line, userId, state }) => `Line ${line}: ${userId} ${LINE_STATES[state]}`)
  const { run, busyLines, pending, upgrade } = agent.ram
  return [
    head,
    ...(mode === '' ? [] : [mode]),
    ...(state.customization === 'GDS-Pending' ? ['Enter activation code'] : []),
    ...(busyLines.length > 0 ? [`In a call on line ${busyLines.join(', ')}`] : []),
    ...(run !== undefined && mode === '' ? ['Provisioning...'] : []),
    ...(pending !== undefined && busyLines.length > 0 ? ['Resync waits for the end of the call'] : []),
    ...(upgrade !== undefined && mode === '' ? [`Upgrade to ${upgrade.load} is downloading`] : []),
    ...(lines.length > 0 ? lines : ['No line is set up']),
    `Customization: ${state.customization}`,
    ...state.provisioning.map(({ at, text }) => `Provisioning: ${printDateTime(utcTime(at))} ${text}`),
    ...state.upgrade.slice(0, 1).map(({ at, text }) => `Firmware: ${printDateTime(utcTime(at))} ${text}`),
  ]
}
