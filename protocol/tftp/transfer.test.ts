import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { Step } from '../result.ts'
import { DEFAULT_TRANSFER_POLICY, HOLD_MAX_MS } from './conversation.ts'
import type { TransferInput, TransferOutput, TransferPolicy } from './conversation.ts'
import { decodePacket, encodePacket } from './packet.ts'
import type { TftpPacket } from './packet.ts'
import { bytesSource } from './source.ts'
import { isConfirmed, isEnded, isOver, startReceiving, startSending, startsAnew, stepTransfer } from './transfer.ts'
import type { Transfer } from './transfer.ts'

const policy = DEFAULT_TRANSFER_POLICY
const NO_OPTIONS: ReadonlyMap<string, string> = new Map()

/**
 * A conversation in lines: `<` what comes in, `>` what goes out because of it, `@` time passing to that ms (a timer).
 * `D1:512` is DATA 1 with 512 bytes, `A1` ACK 1, `E3` ERROR 3, `O(…)` OACK, `R` our or their request.
 */
function play(
  first: Step<Transfer, TransferOutput>,
  script: string,
): { readonly log: string; readonly state: Transfer } {
  const log = [...shown(first.outputs)]
  let state = first.state
  let now = 0
  for (const line of script
    .trim()
    .split('\n')
    .map((text) => text.trim())) {
    if (line.startsWith('>')) continue
    if (line.startsWith('@')) now = Number(line.slice(1))
    const step = stepTransfer(state, line.startsWith('@') ? { kind: 'timer' } : inputOf(line.slice(1).trim()), now)
    state = step.state
    log.push(line, ...shown(step.outputs))
  }
  return { log: log.join('\n'), state }
}

function expectPlay(first: Step<Transfer, TransferOutput>, script: string): Transfer {
  const clean = script
    .trim()
    .split('\n')
    .map((text) => text.trim())
  const { log, state } = play(first, clean.slice(clean.findIndex((line) => !line.startsWith('>'))).join('\n'))
  expect(log).toBe(clean.join('\n'))
  return state
}

describe('sending to a reader', () => {
  it('sends block by block and ends with a short block [RFC 1350 §2]', () => {
    expectPlay(
      answering(1100, 'send'),
      `
      > D1:512
      < A1
      > D2:512
      < A2
      > D3:76
      < A3
      > done 1100
    `,
    )
  })

  it('ends a file of whole blocks with an empty one [RFC 1350 §2]', () => {
    expectPlay(
      answering(512, 'send'),
      `
      > D1:512
      < A1
      > D2:0
      < A2
      > done 512
    `,
    )
  })

  it('sends an empty file as one empty block', () => {
    expectPlay(
      answering(0, 'send'),
      `
      > D1:0
      < A1
      > done 0
    `,
    )
  })

  it('sends nothing for an ACK it has had, so that no packet doubles for ever [RFC 1123 §4.2.3.1]', () => {
    expectPlay(
      answering(1100, 'send'),
      `
      > D1:512
      < A1
      > D2:512
      < A1
      < A1
      < A0
      < A9
      < A2
      > D3:76
      < A2
    `,
    )
  })

  it('offers options and waits for ACK 0 [RFC 2347 §3]', () => {
    expectPlay(
      answering(1000, 'send', { blksize: '600', tsize: '0' }),
      `
      > O(blksize=600 tsize=1000)
      < A0
      > D1:600
      < A1
      > D2:400
      < A2
      > done 1000
    `,
    )
  })

  it('resends after a wait that doubles, and measures no packet sent twice [RFC 6298 §3, §5.5]', () => {
    expectPlay(
      answering(1100, 'send', { tsize: '0' }),
      `
      > O(tsize=1100)
      @10
      < A0
      > D1:512
      @59
      @60
      > D1:512
      @159
      @160
      > D1:512
      @170
      < A1
      > D2:512
      @369
      @370
      > D2:512
      < A2
      > D3:76
    `,
    )
  })

  it('keeps the agreed interval [RFC 2349 §3]', () => {
    expectPlay(
      answering(100, 'send', { timeout: '2' }),
      `
      > O(timeout=2)
      < A0
      > D1:100
      @1999
      @2000
      > D1:100
      @3999
      @4000
      > D1:100
    `,
    )
  })

  it('sends a window for one ACK and goes on after the block acknowledged [RFC 7440 §4]', () => {
    expectPlay(
      answering(60, 'send', { blksize: '8', windowsize: '3' }),
      `
      > O(blksize=8 windowsize=3)
      < A0
      > D1:8
      > D2:8
      > D3:8
      < A2
      > D3:8
      > D4:8
      > D5:8
      < A5
      > D6:8
      > D7:8
      > D8:4
      < A8
      > done 60
    `,
    )
  })

  it('resends few times to someone who has confirmed nothing, and says nothing at the end', () => {
    const state = expectPlay(
      answering(100, 'send'),
      `
      > D1:100
      @250
      > D1:100
      @750
      > D1:100
      @1750
      > D1:100
      @3750
      > failed timeout
    `,
    )
    expect(isEnded(state)).toBe(true)
  })

  it('gives up after the retries of its policy on someone it has met, and says so', () => {
    const few: TransferPolicy = { ...policy, retriesMax: 2 }
    expectPlay(
      answering(600, 'send', {}, few),
      `
      > D1:512
      < A1
      > D2:88
      @50
      > D2:88
      @150
      > D2:88
      @350
      > E0
      > failed timeout 0
    `,
    )
  })

  it('takes the same request again as the loss of its first packet, until something is confirmed', () => {
    expectPlay(
      answering(600, 'send'),
      `
      > D1:512
      < R
      > D1:512
      < A1
      > D2:88
      < R
    `,
    )
  })

  it('ends at an ERROR and does not answer it [RFC 1350 §7]', () => {
    expectPlay(
      answering(600, 'send'),
      `
      > D1:512
      < E3
      > failed peer-error 3
      < E3
      < A1
    `,
    )
  })

  it('stops after its longest time, however lively the peer', () => {
    const brief: TransferPolicy = { ...policy, durationMaxMs: 100 }
    expectPlay(
      answering(60_000, 'send', {}, brief),
      `
      > D1:512
      < A1
      > D2:512
      @20
      < A2
      > D3:512
      @70
      > D3:512
      @101
      < A3
      > E0
      > failed timeout 0
    `,
    )
  })
})

describe('receiving from a writer', () => {
  it('acknowledges each block and hands over the file [RFC 1350 §4]', () => {
    const step = feed(feed(answering(0, 'receive').state, data(1, 512)).state, data(2, 3))
    const done = step.outputs.find((output) => output.kind === 'done')
    expect(done?.kind === 'done' && done.bytes).toEqual(pattern(515))
    expectPlay(
      answering(0, 'receive'),
      `
      > A0
      < D1:512
      > A1
      < D2:3
      > A2
      > done 515
    `,
    )
  })

  it('answers the options of a write with OACK instead of ACK 0 [RFC 2347 §3]', () => {
    expectPlay(
      answering(0, 'receive', { blksize: '16', tsize: '20' }),
      `
      > O(blksize=16 tsize=20)
      < D1:16
      > A1
      < D2:4
      > A2
      > done 20
    `,
    )
  })

  it('acknowledges a repeated block again, for its ACK was lost, and stores it once', () => {
    expectPlay(
      answering(0, 'receive'),
      `
      > A0
      < D1:512
      > A1
      < D1:512
      > A1
      < D2:3
      > A2
      > done 515
      < D2:3
      > A2
      < D1:512
    `,
    )
  })

  it('acknowledges a window at its end, and at once what it has when a block is missing [RFC 7440 §4]', () => {
    expectPlay(
      answering(0, 'receive', { blksize: '8', windowsize: '4' }),
      `
      > O(blksize=8 windowsize=4)
      < D1:8
      < D2:8
      < D3:8
      < D4:8
      > A4
      < D5:8
      < D7:8
      > A5
      < D8:8
      < D6:8
      < D7:8
      < D8:8
      < D9:8
      > A9
      < D9:8
      > A9
      < D10:1
      > A10
      > done 73
    `,
    )
  })

  it('refuses a file whose size is told to be too large [RFC 2349 §4]', () => {
    const small: TransferPolicy = { ...policy, transferSizeMax: 1000 }
    expectPlay(
      answering(0, 'receive', { tsize: '1001' }, small),
      `
      > E3
      > failed too-large 3
      < D1:512
      > E3
    `,
    )
  })

  it('refuses a file that turns out too large', () => {
    const small: TransferPolicy = { ...policy, transferSizeMax: 1000 }
    expectPlay(
      answering(0, 'receive', {}, small),
      `
      > A0
      < D1:512
      > A1
      < D2:512
      > E3
      > failed too-large 3
    `,
    )
  })

  it('refuses a block longer than agreed', () => {
    expectPlay(
      answering(0, 'receive'),
      `
      > A0
      < D1:513
      > E4
      > failed protocol 4
    `,
    )
  })

  it('holds the last ACK until the file is confirmed', () => {
    expectPlay(
      answering(0, 'hold'),
      `
      > A0
      < D1:3
      > done 3
      < D1:3
      < confirm
      > A1
      < D1:3
      > A1
    `,
    )
  })

  it('turns a held file into an error, and repeats the error to a writer that missed it', () => {
    expectPlay(
      answering(0, 'hold'),
      `
      > A0
      < D1:3
      > done 3
      < abort 2
      > E2
      > failed aborted 2
      < D1:3
      > E2
    `,
    )
  })

  it('does not hold a file for ever', () => {
    expectPlay(
      answering(0, 'hold'),
      `
      > A0
      < D1:3
      > done 3
      @${HOLD_MAX_MS - 1}
      @${HOLD_MAX_MS}
      > E0
      > failed timeout 0
    `,
    )
  })
})

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

function answering(
  byteCount: number,
  role: 'send' | 'receive' | 'hold',
  options: Readonly<Record<string, string>> = {},
  how: TransferPolicy = policy,
): Step<Transfer, TransferOutput> {
  const asked = new Map(Object.entries(options))
  if (role === 'send') return startSending(bytesSource(pattern(byteCount)), { kind: 'answer', options: asked }, how, 0)
  return startReceiving({ kind: 'answer', options: asked, holdFinalAck: role === 'hold' }, how, 0)
}

function asking(
  role: 'send' | 'receive',
  wanted: Readonly<{ blockSize?: number; windowSize?: number; timeoutSeconds?: number; transferSize?: boolean }>,
  how: TransferPolicy = policy,
  byteCount = 0,
): Step<Transfer, TransferOutput> {
  const opening = { kind: 'ask', filename: 'a', wanted } as const
  if (role === 'send') return startSending(bytesSource(pattern(byteCount)), opening, how, 0)
  return startReceiving(opening, how, 0)
}

function feed(state: Transfer, input: TransferInput): Step<Transfer, TransferOutput> {
  return stepTransfer(state, input, 0)
}

function data(block: number, size: number): TransferInput {
  const whole = pattern(100_000)
  const start = (block - 1) * 512
  return { kind: 'datagram', bytes: encodePacket({ kind: 'data', block, data: whole.subarray(start, start + size) }) }
}

function nearPacket(op: number, block: number, size: number): TransferInput {
  const options = new Map([
    ['blksize', String(size)],
    ['windowsize', '4'],
  ])
  const choices: readonly TftpPacket[] = [
    { kind: 'data', block, data: pattern(size) },
    { kind: 'data', block, data: pattern(64) },
    { kind: 'data', block, data: pattern(512) },
    { kind: 'ack', block },
    { kind: 'oack', options },
    { kind: 'rrq', filename: 'a', mode: 'octet', options },
    { kind: 'error', code: block, message: '' },
  ]
  return { kind: 'datagram', bytes: encodePacket(choices[op] ?? { kind: 'ack', block }) }
}

function inputOf(text: string): TransferInput {
  if (text === 'confirm') return { kind: 'confirm' }
  if (text.startsWith('abort')) return { kind: 'abort', code: Number(text.slice(6)), message: 'no' }
  if (text === 'R') {
    const packet = { kind: 'rrq', filename: 'a', mode: 'octet', options: NO_OPTIONS } as const
    return { kind: 'datagram', bytes: encodePacket(packet) }
  }
  const number = Number(/\d+/.exec(text)?.[0] ?? 0)
  switch (text.charAt(0)) {
    case 'A':
      return { kind: 'datagram', bytes: encodePacket({ kind: 'ack', block: number }) }
    case 'E':
      return { kind: 'datagram', bytes: encodePacket({ kind: 'error', code: number, message: 'no' }) }
    case 'D':
      return data(number, Number(text.split(':')[1]))
    default: {
      const pairs = text
        .slice(2, -1)
        .split(' ')
        .map((pair) => pair.split('='))
      const options = new Map(pairs.map(([name = '', value = '']) => [name, value] as const))
      return { kind: 'datagram', bytes: encodePacket({ kind: 'oack', options }) }
    }
  }
}

function shown(outputs: readonly TransferOutput[]): readonly string[] {
  return outputs.flatMap((output) => {
    if (output.kind === 'send') return [`> ${shownPacket(output.bytes)}`]
    if (output.kind === 'done') return [`> done ${output.byteCount}`]
    if (output.kind === 'wake') return []
    return [['> failed', output.reason, output.errorCode].filter((part) => part !== undefined).join(' ')]
  })
}

function shownPacket(bytes: Uint8Array): string {
  const packet = decodePacket(bytes)
  if (!packet.ok) return 'broken'
  switch (packet.value.kind) {
    case 'rrq':
      return 'R'
    case 'wrq':
      return 'W'
    case 'data':
      return `D${packet.value.block}:${packet.value.data.length}`
    case 'ack':
      return `A${packet.value.block}`
    case 'error':
      return `E${packet.value.code}`
    case 'oack':
      return `O(${[...packet.value.options].map(([name, value]) => `${name}=${value}`).join(' ')})`
  }
}

function sends(outputs: readonly TransferOutput[]): readonly Uint8Array[] {
  return outputs.flatMap((output) => (output.kind === 'send' ? [output.bytes] : []))
}

function pattern(byteCount: number): Uint8Array {
  const bytes = new Uint8Array(byteCount)
  for (let index = 0; index < byteCount; index += 1) bytes[index] = (index * 7 + (index >> 8)) & 0xff
  return bytes
}
