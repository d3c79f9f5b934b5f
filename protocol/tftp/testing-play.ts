/** Plays a transfer as lines of text; shared by the tests of both directions. */
import { expect } from 'vitest'

import type { Step } from '../result.ts'
import { DEFAULT_TRANSFER_POLICY } from './conversation.ts'
import type { TransferInput, TransferOutput, TransferPolicy } from './conversation.ts'
import { decodePacket, encodePacket } from './packet.ts'
import type { TftpPacket } from './packet.ts'
import { bytesSource } from './source.ts'
import { startReceiving, startSending, stepTransfer } from './transfer.ts'
import type { Transfer } from './transfer.ts'

export const policy = DEFAULT_TRANSFER_POLICY
export const NO_OPTIONS: ReadonlyMap<string, string> = new Map()

/**
 * A conversation in lines: `<` what comes in, `>` what goes out because of it, `@` time passing to that ms (a timer).
 * `D1:512` is DATA 1 with 512 bytes, `A1` ACK 1, `E3` ERROR 3, `O(…)` OACK, `R` our or their request.
 */
export function play(
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

export function expectPlay(first: Step<Transfer, TransferOutput>, script: string): Transfer {
  const clean = script
    .trim()
    .split('\n')
    .map((text) => text.trim())
  const { log, state } = play(first, clean.slice(clean.findIndex((line) => !line.startsWith('>'))).join('\n'))
  expect(log).toBe(clean.join('\n'))
  return state
}

export function answering(
  byteCount: number,
  role: 'send' | 'receive' | 'hold',
  options: Readonly<Record<string, string>> = {},
  how: TransferPolicy = policy,
): Step<Transfer, TransferOutput> {
  const asked = new Map(Object.entries(options))
  if (role === 'send') return startSending(bytesSource(pattern(byteCount)), { kind: 'answer', options: asked }, how, 0)
  return startReceiving({ kind: 'answer', options: asked, holdFinalAck: role === 'hold' }, how, 0)
}

export function asking(
  role: 'send' | 'receive',
  wanted: Readonly<{ blockSize?: number; windowSize?: number; timeoutSeconds?: number; transferSize?: boolean }>,
  how: TransferPolicy = policy,
  byteCount = 0,
): Step<Transfer, TransferOutput> {
  const opening = { kind: 'ask', filename: 'a', wanted } as const
  if (role === 'send') return startSending(bytesSource(pattern(byteCount)), opening, how, 0)
  return startReceiving(opening, how, 0)
}

export function feed(state: Transfer, input: TransferInput): Step<Transfer, TransferOutput> {
  return stepTransfer(state, input, 0)
}

export function data(block: number, size: number): TransferInput {
  const whole = pattern(100_000)
  const start = (block - 1) * 512
  return { kind: 'datagram', bytes: encodePacket({ kind: 'data', block, data: whole.subarray(start, start + size) }) }
}

export function nearPacket(op: number, block: number, size: number): TransferInput {
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

export function inputOf(text: string): TransferInput {
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

export function shown(outputs: readonly TransferOutput[]): readonly string[] {
  return outputs.flatMap((output) => {
    if (output.kind === 'send') return [`> ${shownPacket(output.bytes)}`]
    if (output.kind === 'done') return [`> done ${output.byteCount}`]
    if (output.kind === 'wake') return []
    return [['> failed', output.reason, output.errorCode].filter((part) => part !== undefined).join(' ')]
  })
}

export function shownPacket(bytes: Uint8Array): string {
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

export function sends(outputs: readonly TransferOutput[]): readonly Uint8Array[] {
  return outputs.flatMap((output) => (output.kind === 'send' ? [output.bytes] : []))
}

export function pattern(byteCount: number): Uint8Array {
  const bytes = new Uint8Array(byteCount)
  for (let index = 0; index < byteCount; index += 1) bytes[index] = (index * 7 + (index >> 8)) & 0xff
  return bytes
}
