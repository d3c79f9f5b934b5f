/** One request on an open connection, and what comes back within bounds of time and bytes. */
import type { Socket } from 'node:net'
import { type LooseAnswer, type Reading, readLooseAnswer } from './loose-answer.ts'

export type Heard =
  | { readonly kind: 'answer'; readonly answer: LooseAnswer }
  | { readonly kind: 'broken'; readonly detail: string }
  /** Not a single byte: the other side closed, or said nothing in time. */
  | { readonly kind: 'nothing'; readonly because: 'closed' | 'late' }

export interface ExchangeLimits {
  readonly answerMs: number
  readonly bytesMax: number
}

/**
 * Sends a request and reads until the answer is whole, the other side closes, or a bound is met. An answer whose status
 * is known when that happens counts, so that an endless body or a forgotten blank line hides nothing.
 * Never throws; leaves the socket to the caller, paused.
 */
export function exchange(socket: Socket, request: string, { answerMs, bytesMax }: ExchangeLimits): Promise<Heard> {
  return new Promise((done) => {
    let bytes: Uint8Array = new Uint8Array(0)
    const finish = (heard: Heard): void => {
      clearTimeout(timer)
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onEnd)
      socket.pause()
      done(heard)
    }
    const onData = (part: Uint8Array): void => {
      // A copy that is never longer than the bound.
      const tooMuch = bytes.length + part.length > bytesMax
      bytes = Buffer.concat([bytes, part.subarray(0, bytesMax - bytes.length)])
      const heard = heardOf(readLooseAnswer(bytes, false), tooMuch, bytesMax)
      if (heard !== undefined) finish(heard)
    }
    const onEnd = (): void => finish(heardAtEnd(bytes, 'closed'))
    const timer = setTimeout(() => finish(heardAtEnd(bytes, 'late')), answerMs)
    // An error says no more than the end that comes with it.
    socket.on('data', onData).on('end', onEnd).on('close', onEnd).on('error', onEnd)
    if (socket.destroyed || socket.readableEnded || !socket.writable) onEnd()
    else socket.resume().write(request, 'utf8')
  })
}

/** @returns undefined while more is to be waited for */
function heardOf(reading: Reading, tooMuch: boolean, bytesMax: number): Heard | undefined {
  if (reading.kind === 'broken') return reading
  if (reading.kind === 'whole') {
    return { kind: 'answer', answer: { ...reading.answer, reusable: reading.answer.reusable && !tooMuch } }
  }
  if (!tooMuch) return undefined
  if (reading.answer !== undefined) return { kind: 'answer', answer: reading.answer }
  return { kind: 'broken', detail: `Its headers are longer than ${bytesMax} bytes` }
}

function heardAtEnd(bytes: Uint8Array, because: 'closed' | 'late'): Heard {
  if (bytes.length === 0) return { kind: 'nothing', because }
  const reading = readLooseAnswer(bytes, true)
  if (reading.kind === 'broken') return reading
  if (reading.answer === undefined) return { kind: 'broken', detail: 'Its answer ended before its status' }
  return { kind: 'answer', answer: reading.answer }
}
