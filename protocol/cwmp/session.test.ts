import { expect, test } from 'vitest'

import {
  nextSession,
  SESSION_ORDER,
  SESSION_START,
  type SessionEvent,
  type SessionMessage,
  type SessionState,
} from './session.ts'

type Sent = Extract<SessionEvent, { readonly kind: 'message' }>

const MESSAGES: readonly SessionMessage[] = [
  'inform',
  'informResponse',
  'request',
  'response',
  'fault',
  'retry',
  'empty',
]
/** All that either side might try, the ACS with HoldRequests too. */
const ALPHABET: readonly Sent[] = MESSAGES.flatMap((message): Sent[] => [
  { kind: 'message', from: 'CPE', message },
  { kind: 'message', from: 'ACS', message, hold: false },
  { kind: 'message', from: 'ACS', message, hold: true },
])
const LONGEST = 7

/** What the ACS may say to what the device said [TR-069 §1.1, §1.2]. */
const ACS_ANSWERS: Readonly<Partial<Record<SessionMessage, readonly SessionMessage[]>>> = {
  inform: ['informResponse', 'retry', 'fault'],
  request: ['response', 'retry', 'fault'],
  empty: ['request', 'empty'],
  response: ['request', 'empty'],
  fault: ['request', 'empty'],
}

/** The rules of the guide, put by the last two messages alone and without the stages of the code. */
function allowedAfter(history: readonly Sent[]): readonly SessionMessage[] {
  const [before, last] = [history.at(-2), history.at(-1)]
  if (last === undefined) return ['inform']
  if (last.from === 'CPE') return ACS_ANSWERS[last.message] ?? []
  if (before?.message === 'inform' && last.message === 'retry') return ['inform']
  if (before?.message === 'inform' && last.message === 'fault') return []
  if (before?.message === 'empty' && last.message === 'empty') return []
  if (last.message === 'request') return ['response', 'fault']
  return last.hold === true ? ['empty'] : ['request', 'empty']
}

/** Every sequence that is allowed, with its state; calls `visit` for each, shortest first on each branch. */
function walk(visit: (history: readonly Sent[], state: SessionState) => void): void {
  const waiting: (readonly [readonly Sent[], SessionState])[] = [[[], SESSION_START]]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [history, state] = next
    visit(history, state)
    if (history.length === LONGEST) continue
    for (const event of ALPHABET) {
      const after = nextSession(state, event)
      if (after !== undefined) waiting.push([[...history, event], after])
    }
  }
}

test('allows of all sequences of 7 messages from both sides exactly those of the rules [TR-069 §1.1, §1.2]', () => {
  let sequences = 0
  walk((history, state) => {
    sequences += 1
    const side = history.at(-1)?.from === 'CPE' ? 'ACS' : 'CPE'
    const rules = allowedAfter(history)
    for (const event of ALPHABET) {
      const allowed = event.from === side && rules.includes(event.message)
      expect(nextSession(state, event) !== undefined, JSON.stringify([...history, event])).toBe(allowed)
      // The table says the same, but for HoldRequests.
      const row = SESSION_ORDER.find(
        (one) => one.stage === state.stage && one.from === event.from && one.message === event.message,
      )
      const held = state.hold && event.from === 'CPE' && event.message === 'request'
      expect(row !== undefined && !held, JSON.stringify([...history, event])).toBe(allowed)
    }
  })
  // The order has few branches: nearly all that could be tried is refused.
  expect(sequences).toBe(353)
})

test('holds the rules in every sequence of 7 messages [TR-069 §1.1, §1.2]', () => {
  walk((history, { stage }) => {
    const line = history.map((one) => `${one.from === 'CPE' ? '>' : '<'}${one.message}`).join(' ')
    // The device begins and the sides take turns.
    expect(history.every((one, at) => one.from === (at % 2 === 0 ? 'CPE' : 'ACS'))).toBe(true)
    // The Inform comes first, and again only after a fault 8005.
    expect(line).toMatch(/^$|^>inform/)
    expect(line.replaceAll('<retry >inform', '')).not.toMatch(/ >inform/)
    // No request of the ACS in the answer to the Inform or to a request; no answer to what was not asked.
    expect(line).not.toMatch(/>(?:inform|request) <(?:request|empty)/)
    expect(line).not.toMatch(/<(?!request)\w+ >(?:response|fault)/)
    expect(line).not.toMatch(/>(?!request|inform)\w+ <(?:response|fault|retry)/)
    // Nothing follows an empty answer to an empty message, nor a fault to the Inform.
    expect(line).not.toMatch(/>empty <empty ./)
    expect(line).not.toMatch(/>inform <fault ./)
    expect(line.endsWith('>empty <empty')).toBe(stage === 'done')
    expect(line.endsWith('>inform <fault')).toBe(stage === 'failed')
  })
})

test('may fail at any time but after its end, and is closed only after an empty answer [TR-069 §1.1]', () => {
  walk((history, state) => {
    const over = state.stage === 'done' || state.stage === 'failed'
    const [before, last] = [history.at(-2)?.message, history.at(-1)]
    expect(nextSession(state, { kind: 'failure' })?.stage).toBe(over ? undefined : 'failed')
    const mayClose = last?.from === 'ACS' && last.message === 'empty' && before !== 'empty'
    expect(nextSession(state, { kind: 'close' })?.stage).toBe(mayClose ? 'done' : undefined)
  })
})
