import { describe, expect, it } from 'vitest'
import { nextState, TRANSITIONS } from './state.ts'
import type { DeviceState } from './types.ts'

describe('the life of a device', () => {
  const ROWS = [
    // state      bind     hold    confirm  release     disable     register
    ['known', 'bound', 'held', undefined, undefined, 'disabled', 'known'],
    ['held', 'bound', 'held', 'bound', 'released', 'disabled', 'known'],
    ['bound', 'bound', undefined, undefined, 'released', 'disabled', undefined],
    ['released', 'bound', 'held', undefined, undefined, 'disabled', 'known'],
    ['disabled', undefined, undefined, undefined, undefined, undefined, 'known'],
  ] as const
  const EVENTS = ['bind', 'hold', 'confirm', 'release', 'disable', 'register'] as const

  it.each(ROWS.flatMap(([state, ...next]) => EVENTS.map((event, index) => [state, event, next[index]] as const)))(
    '%s, %s: %s',
    (state, event, expected) => {
      expect(nextState(state, event)).toBe(expected)
    },
  )

  it('every state is in the table and reachable', () => {
    const states = Object.keys(TRANSITIONS) as DeviceState[]
    const reached = new Set(states.flatMap((state) => Object.values(TRANSITIONS[state])))
    expect([...reached].sort()).toEqual(states.toSorted())
  })
})
