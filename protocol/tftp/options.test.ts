import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { acceptOptions, answerOptions, PLAIN_TERMS, requestOptions, WINDOW_BLOCKS_MAX } from './options.ts'
import type { WantedOptions } from './options.ts'

const limits = { blockSizeMax: 1468, windowSizeMax: 16, timeoutMaxMs: 5000 }

/** Asked, granted for a read of 3000 bytes. */
const answers = `
blksize=1428                        -> blksize=1428
blksize=8                           -> blksize=8
blksize=65464                       -> blksize=1468
blksize=100000                      -> blksize=1468
blksize=7                           ->
blksize=0                           ->
blksize=-512                        ->
blksize=512x                        ->
blksize=0x200                       ->
blksize=                            ->
blksize=99999999999999999999        ->
windowsize=4                        -> windowsize=4
windowsize=65535                    -> windowsize=16
windowsize=0                        ->
windowsize=65536                    ->
timeout=1                           -> timeout=1
timeout=5                           -> timeout=5
timeout=6                           ->
timeout=0                           ->
timeout=256                         ->
tsize=0                             -> tsize=3000
tsize=17                            -> tsize=3000
tsize=x                             ->
multicast=                          ->
rollover=0                          ->
tsize=0 blksize=1024 timeout=2      -> tsize=3000 blksize=1024 timeout=2
blksize=x windowsize=2              -> windowsize=2
`

describe('answerOptions', () => {
  it.each(lines(answers))('grants for "%s" "%s" [RFC 2347 §3]', (asked, granted) => {
    expect(printOptions(answerOptions(readOptions(asked), limits, 3000).granted)).toBe(granted)
  })

  it('repeats the size told with a write [RFC 2349 §4]', () => {
    const { terms, granted } = answerOptions(readOptions('tsize=12345'), limits, undefined)
    expect(printOptions(granted)).toBe('tsize=12345')
    expect(terms.transferSize).toBe(12345)
  })

  it('never lets a policy open a window that wraps block numbers', () => {
    const { terms } = answerOptions(readOptions('windowsize=65535'), { ...limits, windowSizeMax: 65535 }, 1)
    expect(terms.windowSize).toBe(WINDOW_BLOCKS_MAX)
  })
})

/** OACK to a client that asked blksize=1428 timeout=2 tsize windowsize=8; what it makes of it. */
const acceptances = `
blksize=1428 windowsize=8 timeout=2 tsize=9 -> 1428 8 2000 9
blksize=512                                 -> 512 1 - -
blksize=1429                                -> error
blksize=7                                   -> error
blksize=banana                              -> error
windowsize=9                                -> error
windowsize=0                                -> error
timeout=3                                   -> error
tsize=banana                                -> 512 1 - -
multicast=1                                 -> 512 1 - -
tsize=0                                     -> 512 1 - 0
`

describe('acceptOptions', () => {
  const wanted: WantedOptions = { blockSize: 1428, timeoutSeconds: 2, transferSize: true, windowSize: 8 }

  it.each(lines(acceptances))('makes of OACK "%s": %s [RFC 2347 §4]', (granted, expected) => {
    const result = acceptOptions(wanted, readOptions(granted))
    const { blockSize, windowSize, timeoutMs, transferSize } = result.ok ? result.value : PLAIN_TERMS
    const shown = [blockSize, windowSize, timeoutMs ?? '-', transferSize ?? '-'].join(' ')
    expect(result.ok ? shown : 'error').toBe(expected)
  })

  it('ignores what was not asked [RFC 2347 §3]', () => {
    const unasked = readOptions('blksize=9999 windowsize=77 timeout=9 tsize=5')
    expect(acceptOptions({}, unasked)).toEqual({ ok: true, value: PLAIN_TERMS })
  })

  it('accepts with the same terms whatever our own side grants', () => {
    const wantedOptions = fc.record({
      blockSize: fc.option(fc.integer({ min: 8, max: 65464 }), { nil: undefined }),
      windowSize: fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
      timeoutSeconds: fc.option(fc.integer({ min: 1, max: 255 }), { nil: undefined }),
      transferSize: fc.boolean(),
    })
    fc.assert(
      fc.property(wantedOptions, fc.nat(1_000_000), (asked, size) => {
        const { terms, granted } = answerOptions(requestOptions(asked, undefined), limits, size)
        expect(acceptOptions(asked, granted)).toEqual({ ok: true, value: terms })
      }),
    )
  })
})

describe('requestOptions', () => {
  it('asks for nothing when nothing is wanted, as RFC 1350 does', () => {
    expect(requestOptions({}, 10).size).toBe(0)
  })

  it('asks for the size of a read and tells that of a write [RFC 2349 §4]', () => {
    expect(printOptions(requestOptions({ transferSize: true }, undefined))).toBe('tsize=0')
    expect(printOptions(requestOptions({ transferSize: true, blockSize: 1428 }, 77))).toBe('blksize=1428 tsize=77')
  })
})

function lines(table: string): readonly (readonly [string, string])[] {
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const [left = '', right = ''] = line.split('->')
      return [left.trim(), right.trim()] as const
    })
}

function readOptions(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(' ').map((pair) => pair.split('='))
  return new Map(pairs.map(([name = '', value = '']) => [name, value] as const))
}

function printOptions(options: ReadonlyMap<string, string>): string {
  return [...options].map(([name, value]) => `${name}=${value}`).join(' ')
}
