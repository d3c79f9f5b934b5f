/** Resync_Trigger_1 and _2. Source: MPP §5.3 (they gate automatic resyncs; by policy they also start one). */
import { evaluateTrigger } from '../../protocol/rule/mod.ts'
import { macroLookup } from './macros.ts'
import { parameterText } from './parameters.ts'
import { setTimer } from './timers.ts'
import { type Moment, withRam } from './turn.ts'
import type { Agent } from './types.ts'

/** MPP §5.3 (Model): the expressions are looked at once a minute. */
export const TRIGGER_POLL_MS = 60_000

/** @returns whether an automatic resync may go ahead: no trigger is set, or one of them is true. */
export function triggersAllow(agent: Agent, now: number): boolean {
  return expressions(agent).length === 0 || anyTrue(agent, now)
}

/** Starts the polling when the policy asks for it. */
export function armTriggerPoll(agent: Agent, { now }: Moment): Agent {
  return agent.policies.triggersStart ? setTimer(agent, 'trigger-poll', now + TRIGGER_POLL_MS) : agent
}

/** One look: whether an expression turned from false to true since the last one. Sets the next look. */
export function pollTriggers(agent: Agent, moment: Moment): { readonly agent: Agent; readonly turnedTrue: boolean } {
  const isTrue = anyTrue(agent, moment.now)
  const turnedTrue = isTrue && !agent.ram.triggersWereTrue
  return { agent: armTriggerPoll(withRam(agent, { triggersWereTrue: isTrue }), moment), turnedTrue }
}

function expressions(agent: Agent): readonly string[] {
  return (
    ['Resync_Trigger_1', 'Resync_Trigger_2']
      .map((element) => parameterText(agent, element).trim())
      // MPP §1.6: a leading # comments the value out.
      .filter((text) => text !== '' && !text.startsWith('#'))
  )
}

function anyTrue(agent: Agent, now: number): boolean {
  const lookup = macroLookup(agent, now)
  return expressions(agent).some((text) => evaluateTrigger(text, lookup, agent.policies.rule) === true)
}
