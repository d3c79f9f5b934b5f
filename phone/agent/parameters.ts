/** Reads the stored parameters as the types that the agent needs. Source: MPP §14. */
import { storedParameter } from '../../protocol/profile/mod.ts'
import type { Agent } from './types.ts'

/** @returns the value, the default if it was never set, '' for an unknown element. */
export function parameterText(agent: Agent, element: string): string {
  return storedParameter(agent.flash.parameters, element).value
}

/** @returns whether a Bool says Yes, in any case (MPP §14). */
export function parameterYes(agent: Agent, element: string): boolean {
  return parameterText(agent, element).trim().toLowerCase() === 'yes'
}

/** What a number may be; outside it is moved to the nearest bound. */
export interface NumberBounds {
  readonly min: number
  readonly max: number
  /** For text that is no number. */
  readonly otherwise: number
}

/** @returns an unsigned number, decimal or `0x` hex (MPP §14), within its bounds. */
export function parameterNumber(agent: Agent, element: string, bounds: NumberBounds): number {
  const text = parameterText(agent, element).trim()
  const value = /^(?:[0-9]{1,10}|0x[0-9a-fA-F]{1,8})$/.test(text) ? Number(text) : bounds.otherwise
  return Math.min(Math.max(value, bounds.min), bounds.max)
}
