/**
 * The life of a device as a table.
 *
 * - known: registered in advance, or confirmed as nobody's; it has not proved itself yet.
 * - held: proved itself inside an enrolment window; waits for a person; has no line.
 * - bound: tied to an account; its profile carries lines and keys.
 * - released: its account let it go; one farewell profile is owed; it may be bound again.
 * - disabled: shut out; one farewell profile is owed; only a new registration brings it back.
 */
import type { DeviceState } from './types.ts'

export const TRANSITIONS = {
  known: { bind: 'bound', hold: 'held', disable: 'disabled', register: 'known' },
  held: { bind: 'bound', hold: 'held', confirm: 'bound', release: 'released', disable: 'disabled', register: 'known' },
  bound: { bind: 'bound', release: 'released', disable: 'disabled' },
  released: { bind: 'bound', hold: 'held', disable: 'disabled', register: 'known' },
  disabled: { register: 'known' },
} as const satisfies Record<DeviceState, Readonly<Record<string, DeviceState>>>

type EventsOf<S> = S extends DeviceState ? keyof (typeof TRANSITIONS)[S] : never

/** What can happen to a device. */
export type DeviceEvent = EventsOf<DeviceState>

/** @returns the next state, or undefined when the event is not allowed in this one */
export function nextState(state: DeviceState, event: DeviceEvent): DeviceState | undefined {
  const row: Readonly<Partial<Record<DeviceEvent, DeviceState>>> = TRANSITIONS[state]
  return row[event]
}
