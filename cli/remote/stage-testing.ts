/** Test support: what the server tells of a batch. */
import type { Box, Staging, Stranger } from './stage-words.ts'

const AT = '2026-11-29T10:01:00.000Z'

/** A box whose numbers end with `number`, in its stage for a minute. */
export function testBox(number: number, more: Partial<Box> = {}): Box {
  return {
    mac: `000e08${String(number).padStart(6, '0')}`,
    serial: `FCH2305${String(number).padStart(4, '0')}`,
    model: 'CP-8851-3PCC',
    name: '',
    stage: 'missing',
    since: '2026-11-29T10:00:00.000Z',
    scannedAt: '2026-11-29T10:00:00.000Z',
    lines: [],
    keysConfirmed: false,
    problem: null,
    ...more,
  }
}

export function testStranger(number: number, more: Partial<Stranger> = {}): Stranger {
  const { mac, serial, model } = testBox(number)
  return {
    mac,
    serial,
    productName: model,
    address: `192.0.2.${number}`,
    source: 'certificate',
    firstSeenAt: '2026-11-29T10:00:00.000Z',
    lastSeenAt: '2026-11-29T10:00:55.000Z',
    problem: null,
    ...more,
  }
}

export function testStaging(
  more: Partial<Pick<Staging, 'boxes' | 'strangers' | 'at'>> & { readonly expected?: number; readonly name?: string },
): Staging {
  const { boxes = [], strangers = [], at = AT, expected = null, name = 'Monday' } = more
  const counts: Record<string, number> = {}
  for (const { stage } of boxes) counts[stage] = (counts[stage] ?? 0) + 1
  return {
    batch: {
      id: 'bat_1',
      accountId: 'acc_1',
      name,
      model: null,
      expected,
      state: 'open',
      progress: { total: boxes.length },
      createdAt: AT,
      shippedAt: null,
    },
    at,
    counts,
    boxes,
    strangers,
  }
}
