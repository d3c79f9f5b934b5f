/** The door to the SIP side: feeds it and hands on what it wants done. */
import { type LinesInput, stepLines } from './sip/mod.ts'
import type { Moment, Turn } from './turn.ts'
import type { Agent, Command } from './types.ts'

/** A step of the lines with the commands that came out of it (from NOTIFY). */
export interface LinesTurn extends Turn {
  readonly commands: readonly Command[]
}

/** Moves the lines by one input. */
export function moveLines(agent: Agent, input: LinesInput, { now, rng }: Moment): LinesTurn {
  return stepLines(agent, input, now, rng)
}

/** As `moveLines`, for inputs that never give commands. */
export function tellLines(agent: Agent, input: LinesInput, moment: Moment): Turn {
  const { agent: moved, actions } = moveLines(agent, input, moment)
  return { agent: moved, actions }
}
