import { describe, expect, it } from 'vitest'

import { HOLD_MAX_MS } from './conversation.ts'
import type { TransferPolicy } from './conversation.ts'
import { isEnded } from './transfer.ts'
import { answering, data, expectPlay, feed, pattern, policy } from './testing-play.ts'

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
