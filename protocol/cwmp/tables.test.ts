import { expect, test } from 'vitest'

import { asMessage } from './testing-samples.ts'
import {
  answersRequest,
  eventFor,
  faultCodeOf,
  faultFor,
  FAULTS,
  nextSession,
  normaliseEventCode,
  readBoolean,
  readDateTime,
  readInteger,
  readLong,
  RETRY_POLICY,
  retryRange,
  retryWaitSeconds,
  SESSION_ORDER,
  SESSION_START,
  type SessionEvent,
  type SessionMessage,
  type SessionState,
  writeBoolean,
  writeDateTime,
} from './mod.ts'

test('has each fault code once', () => {
  expect(new Set(FAULTS.map((one) => one.code)).size).toBe(7 + 33)
  expect(faultFor(9008)).toMatchObject({ side: 'Client', sender: 'CPE' })
  expect([faultCodeOf({ code: undefined }, 'ACS'), faultCodeOf({ code: undefined }, 'CPE')]).toEqual([8002, 9002])
})

test('matches event codes in any writing [TR-069 §5.1]', () => {
  expect(normaliseEventCode('  1   Boot ')).toBe('1 BOOT')
  expect(normaliseEventCode('X  Foo')).toBe('X Foo')
  expect(eventFor('m reboot')).toMatchObject({ multiplicity: 'multiple', deliveredBy: 'InformResponse' })
  expect(eventFor('5 KICKED')).toBeUndefined()
})

test.each([
  [1, 5, 10],
  [2, 10, 20],
  [9, 1280, 2560],
  [10, 2560, 5120],
  [99, 2560, 5120],
])('waits for retry %i between %i and %i s [TR-069 §6]', (n, low, high) => {
  expect(retryRange(n)).toEqual([low, high])
  expect(retryWaitSeconds(n, RETRY_POLICY, () => 0.5)).toBe((low + high) / 2)
})

test('reads values leniently and writes them strictly [TR-069 §3.5]', () => {
  expect([' TRUE ', '0', 'yes'].map(readBoolean)).toEqual([true, false, undefined])
  expect([writeBoolean(true), writeBoolean(true, 'digits')]).toEqual(['true', '1'])
  expect([
    readInteger(' +007 ', 'int'),
    readInteger('-1', 'unsignedInt'),
    readInteger('4294967296', 'unsignedInt'),
  ]).toEqual([7, undefined, undefined])
  expect(readLong('18446744073709551615', 'unsignedLong')).toBe(2n ** 64n - 1n)
  const time = Date.UTC(2026, 0, 2, 3, 4, 5)
  for (const text of [
    '2026-01-02T03:04:05Z',
    '2026-01-02T03:04:05',
    '2026-01-02T05:04:05+0200',
    '2026-01-02T01:34:05-01:30',
  ])
    expect(readDateTime(text)).toBe(time)
  expect([readDateTime('0000-00-00T00:00:00'), readDateTime('2026-02-30T00:00:00Z'), readDateTime('x')]).toEqual([
    'unknown',
    undefined,
    undefined,
  ])
  expect([writeDateTime(time + 9), writeDateTime(undefined)]).toEqual(['2026-01-02T03:04:05Z', '0001-01-01T00:00:00Z'])
})

const send = (from: 'ACS' | 'CPE', message: SessionMessage, hold = false): SessionEvent => ({
  kind: 'message',
  from,
  message,
  hold,
})
const run = (events: readonly SessionEvent[]) =>
  events.reduce<SessionState | undefined>((state, event) => state && nextSession(state, event), SESSION_START)
const BEGIN = [send('CPE', 'inform'), send('ACS', 'informResponse')]

test('runs the session of the guide and no second Inform [TR-069 §1]', () => {
  const asked = [
    ...BEGIN,
    send('CPE', 'request'),
    send('ACS', 'response'),
    send('CPE', 'empty'),
    send('ACS', 'request'),
    send('CPE', 'response'),
    send('ACS', 'empty'),
  ]
  expect(run(asked)?.stage).toBe('mayEnd')
  expect(run([...asked, { kind: 'close' }])?.stage).toBe('done')
  expect(run([...BEGIN, send('CPE', 'empty'), send('ACS', 'empty')])?.stage).toBe('done')
  expect(run([...BEGIN, send('CPE', 'inform')])).toBeUndefined()
  expect(run([send('CPE', 'empty')])).toBeUndefined()
  expect(run([send('CPE', 'inform'), send('ACS', 'informResponse', true), send('CPE', 'request')])).toBeUndefined()
  expect(run([...BEGIN, { kind: 'failure' }])?.stage).toBe('failed')
})

test('gives each stage to one side only', () => {
  for (const one of SESSION_ORDER)
    expect(SESSION_ORDER.filter((other) => other.stage === one.stage).every((other) => other.from === one.from)).toBe(
      true,
    )
})

test('matches an answer by method and ID [TR-069 §3.2]', () => {
  const request = asMessage({ kind: 'Reboot', commandKey: '' })
  expect(answersRequest(request, { ...asMessage({ kind: 'RebootResponse' }), id: ' 42' })).toBe(true)
  expect(answersRequest(request, asMessage({ kind: 'FactoryResetResponse' }))).toBe(false)
})
