/**
 * Lists of delays, MPP §5.2 and §14 (DelayList).
 *
 *     DelayList = elem *( "," elem )        elem = seconds [ "+" random-seconds ]
 */

import { err, ok, type Result, type Rng } from '../result.ts'
import { type Problem, problem } from './problems.ts'

export interface Delay {
  readonly seconds: number
  readonly randomSeconds: number
}

/** In the order of use; the last one repeats for ever. No delays at all: switched off. */
export interface DelayList {
  readonly delays: readonly Delay[]
}

/** The guide's longest list has 12. */
export const DELAYS_MAX = 64
const DELAY_LIST_CHARS_MAX = 2048
/** Unsigned 32 bits, the widest number type of the catalogue. */
export const DELAY_SECONDS_MAX = 4_294_967_295

/** @returns the list; the empty text gives an empty list, which is off. White space around parts is tolerated. */
export function parseDelayList(text: string): Result<DelayList, Problem> {
  if (text.length > DELAY_LIST_CHARS_MAX) return err(problem('too-many-delays', { start: 0, end: text.length }))
  if (text.trim() === '') return ok({ delays: [] })
  const texts = text.split(',')
  if (texts.length > DELAYS_MAX) return err(problem('too-many-delays', { start: 0, end: text.length }))
  const delays: Delay[] = []
  let start = 0
  for (const part of texts) {
    const delay = parseDelay(part)
    if (delay === undefined) return err(problem('bad-delay', { start, end: start + part.length }))
    delays.push(delay)
    start += part.length + 1
  }
  return ok({ delays })
}

function parseDelay(text: string): Delay | undefined {
  const match = /^([0-9]{1,10})\s*(?:\+\s*([0-9]{1,10}))?$/.exec(text.trim())
  if (match === null) return undefined
  const seconds = Number(match[1])
  const randomSeconds = Number(match[2] ?? 0)
  return seconds > DELAY_SECONDS_MAX || randomSeconds > DELAY_SECONDS_MAX ? undefined : { seconds, randomSeconds }
}

/** MPP §5.2: `0` alone, or nothing, means never. */
export function isOff({ delays }: DelayList): boolean {
  const [first] = delays
  return first === undefined || (delays.length === 1 && first.seconds === 0 && first.randomSeconds === 0)
}

/**
 * The delay of the `index`-th use in a row, counted from 0.
 * @returns seconds with a fraction, in [seconds, seconds + random); Infinity when the list is off: ask `isOff` first.
 */
export function delayAt(list: DelayList, index: number, rng: Rng): number {
  if (isOff(list)) return Number.POSITIVE_INFINITY
  const delay = list.delays[Math.min(Math.max(index, 0), list.delays.length - 1)]
  return delay === undefined ? Number.POSITIVE_INFINITY : delay.seconds + rng() * delay.randomSeconds
}
