/**
 * How the rooms of the agent work together: each step gives the next agent and what to do meanwhile, and steps are
 * strung together without anyone holding a mutable phone.
 */
import type { Millis, Rng } from '../../protocol/result.ts'
import type { Agent, AgentAction, Flash, Ram } from './types.ts'

/** When a step happens, and the chance it may use. */
export interface Moment {
  readonly now: Millis
  readonly rng: Rng
}

/** The outcome of a step. */
export interface Turn {
  readonly agent: Agent
  readonly actions: readonly AgentAction[]
}

/** A step that does nothing more than give the agent. */
export function turnOf(agent: Agent, ...actions: readonly AgentAction[]): Turn {
  return { agent, actions }
}

/** Runs the next step on the agent of the first; actions keep their order. */
export function andThen(first: Turn, next: (agent: Agent) => Turn): Turn {
  const second = next(first.agent)
  return { agent: second.agent, actions: [...first.actions, ...second.actions] }
}

/** @returns the agent with some of its volatile memory replaced. */
export function withRam(agent: Agent, change: Partial<Ram>): Agent {
  return { ...agent, ram: { ...agent.ram, ...change } }
}

/** @returns the agent with some of its lasting memory replaced. */
export function withFlash(agent: Agent, change: Partial<Flash>): Agent {
  return { ...agent, flash: { ...agent.flash, ...change } }
}
