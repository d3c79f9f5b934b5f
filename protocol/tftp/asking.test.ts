import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { decodePacket, encodePacket } from './packet.ts'
import { bytesSource } from './source.ts'
import { isConfirmed, isEnded, isOver, startReceiving, startSending, startsAnew, stepTransfer } from './transfer.ts'
import { answering, asking, data, expectPlay, feed, nearPacket, pattern, policy, sends } from './testing-play.ts'

describe('asking to read', () => {
  it('takes the plain way when the server ignores the options [RFC 2347 §2]', () => {
    expectPlay(
      asking('receive', { blockSize: 1428 }),
      `
      > R
      < D1:512
      > A1
      < D2:1
      > A2
      > done 513
    `,
    )
  })

  it('acknowledges OACK as block 0, each time it comes [RFC 2347 §3]', () => {
    expectPlay(
      asking('receive', { blockSize: 1428, transferSize: true }),
      `
      > R
      < O(blksize=1000 tsize=1001)
      > A0
      < O(blksize=1000 tsize=1001)
      > A0
      < D1:1000
      > A1
      < O(blksize=1000 tsize=1001)
      < D2:1
      > A2
      > done 1001
    `,
    )
  })

  it('refuses an OACK that grants more than was asked [RFC 2347 §4]', () => {
    expectPlay(
      asking('receive', { blockSize: 1428 }),
      `
      > R
      < O(blksize=1429)
      > E8
      > failed bad-options 8
    `,
    )
  })

  it('refuses a file that the OACK tells to be too large [RFC 2349 §4]', () => {
    expectPlay(
      asking('receive', { blockSize: 1428, transferSize: true }, { ...policy, transferSizeMax: 1000 }),
      `
      > R
      < O(tsize=1001)
      > E3
      > failed too-large 3
    `,
    )
  })

  it('asks again, less and less often, then gives up in silence', () => {
    expectPlay(
      asking('receive', {}, { ...policy, retriesMax: 3 }),
      `
      > R
      @249
      @250
      > R
      @750
      > R
      @1750
      > R
      @3750
      > failed timeout
    `,
    )
  })

  it('reports the refusal of the server [MPP §5.6]', () => {
    expectPlay(
      asking('receive', {}),
      `
      > R
      < E1
      > failed peer-error 1
    `,
    )
  })

  it('is over after lingering, and then takes no more notice', () => {
    const done = feed(asking('receive', {}).state, data(1, 3)).state
    const over = stepTransfer(done, { kind: 'timer' }, 5000).state
    expect([isOver(done), isEnded(done), isOver(over)]).toEqual([false, true, true])
    expect(stepTransfer(over, data(1, 3), 5001).outputs).toEqual([])
  })
})

describe('asking to write', () => {
  it('starts at ACK 0 without options [RFC 1350 §4]', () => {
    expectPlay(
      asking('send', {}, policy, 513),
      `
      > W
      < A1
      < A0
      > D1:512
      < A0
      < A1
      > D2:1
      < A2
      > done 513
    `,
    )
  })

  it('starts at OACK with options, and keeps the agreed interval [RFC 2347 §3, RFC 2349 §3]', () => {
    expectPlay(
      asking('send', { blockSize: 16, timeoutSeconds: 1, windowSize: 2 }, policy, 40),
      `
      > W
      < O(blksize=16 timeout=1 windowsize=2)
      > D1:16
      > D2:16
      < O(blksize=16 timeout=1 windowsize=2)
      @999
      @1000
      > D1:16
      > D2:16
      < A2
      > D3:8
      < A3
      > done 40
    `,
    )
  })

  it('refuses an OACK that cannot be', () => {
    expectPlay(
      asking('send', { blockSize: 16 }, policy, 40),
      `
      > W
      < O(blksize=17)
      > E8
      > failed bad-options 8
    `,
    )
  })
})

describe('a transfer', () => {
  it('counts on past block 65535 with block 0, both ways', () => {
    // 8-byte blocks: the number wraps at 512 KiB, as it does at 32 MB with 512.
    const file = pattern(8 * 65540 + 3)
    const options = new Map([
      ['blksize', '8'],
      ['windowsize', '1'],
    ])
    let sender = startSending(bytesSource(file), { kind: 'answer', options }, policy, 0)
    let receiver = startReceiving({ kind: 'ask', filename: 'a', wanted: { blockSize: 8, windowSize: 1 } }, policy, 0)
    const wireBlocks = new Set<number>()
    let received: Uint8Array | undefined
    for (let round = 0; round < 70_000 && received === undefined; round += 1) {
      for (const bytes of sends(sender.outputs)) {
        receiver = stepTransfer(receiver.state, { kind: 'datagram', bytes }, round)
        const packet = decodePacket(bytes)
        if (packet.ok && packet.value.kind === 'data') wireBlocks.add(packet.value.block)
      }
      const done = receiver.outputs.find((output) => output.kind === 'done')
      if (done?.kind === 'done') received = done.bytes
      for (const bytes of sends(receiver.outputs)) {
        sender = stepTransfer(sender.state, { kind: 'datagram', bytes }, round)
      }
    }
    expect(wireBlocks.has(0)).toBe(true)
    expect(Buffer.compare(received ?? new Uint8Array(0), file)).toBe(0)
    expect(sender.outputs).toContainEqual({ kind: 'done', bytes: undefined, byteCount: file.length })
  })

  it('is a value: an earlier state gives the same answer again', () => {
    const first = answering(0, 'receive').state
    const one = feed(first, data(1, 512))
    feed(one.state, data(2, 512))
    expect(feed(first, data(1, 512))).toEqual(one)
    expect(feed(feed(first, data(1, 512)).state, data(2, 1)).outputs).toEqual(feed(one.state, data(2, 1)).outputs)
  })

  it('knows a peer that is there, and one that starts anew after silence', () => {
    const first = answering(600, 'send').state
    const second = stepTransfer(first, { kind: 'datagram', bytes: encodePacket({ kind: 'ack', block: 1 }) }, 100).state
    expect([isConfirmed(first), isConfirmed(second)]).toEqual([false, true])
    expect([startsAnew(second, 1099), startsAnew(second, 1100)]).toEqual([false, true])
  })

  it('survives any datagrams, timers and aborts in any order, and never says more than one outcome', () => {
    const input = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.tuple(fc.nat(6), fc.nat(4), fc.nat(600)).map(([op, block, size]) => nearPacket(op, block, size)),
      },
      { weight: 2, arbitrary: fc.uint8Array({ maxLength: 80 }).map((bytes) => ({ kind: 'datagram', bytes }) as const) },
      { weight: 2, arbitrary: fc.constant({ kind: 'timer' } as const) },
      { weight: 1, arbitrary: fc.constantFrom({ kind: 'abort', message: 'x' } as const, { kind: 'confirm' } as const) },
    )
    const start = fc.constantFrom(
      () => answering(1500, 'send'),
      () => answering(1500, 'send', { blksize: '64', windowsize: '4' }),
      () => answering(0, 'receive'),
      () => answering(0, 'receive', { blksize: '64', windowsize: '4' }),
      () => asking('receive', { blockSize: 64, windowSize: 4 }),
      () => asking('send', { blockSize: 64, windowSize: 4 }, policy, 1500),
    )
    fc.assert(
      fc.property(start, fc.array(fc.tuple(input, fc.nat(700)), { maxLength: 60 }), (begin, events) => {
        let step = begin()
        let now = 0
        let outcomeCount = 0
        for (const [event, laterMs] of events) {
          now += laterMs
          step = stepTransfer(step.state, event, now)
          outcomeCount += step.outputs.filter(({ kind }) => kind === 'done' || kind === 'failed').length
          expect(sends(step.outputs).length).toBeLessThanOrEqual(4)
          for (const output of step.outputs) if (output.kind === 'wake') expect(output.at).toBeGreaterThanOrEqual(now)
        }
        expect(outcomeCount).toBe(isEnded(step.state) ? 1 : 0)
      }),
      { numRuns: 3000 },
    )
  })

  it('comes to an end by its timer alone, from anywhere', () => {
    const starts = [
      answering(900, 'send'),
      answering(0, 'receive'),
      asking('receive', {}),
      asking('send', {}, policy, 9),
    ]
    for (const first of starts) {
      let step = first
      let sentCount = 0
      for (let wakes = 0; wakes < 50 && !isOver(step.state); wakes += 1) {
        const at = step.outputs.find((output) => output.kind === 'wake')
        step = stepTransfer(step.state, { kind: 'timer' }, at?.kind === 'wake' ? at.at : Number.NaN)
        sentCount += sends(step.outputs).length
      }
      expect(isOver(step.state)).toBe(true)
      expect(sentCount).toBeLessThanOrEqual(policy.retriesMax)
    }
  })
})
