/**
 * Answers that are ready in one turn of the event loop are sent one after the other at its end. To decide is work of
 * ours, to send is work of TLS and the kernel: in long stretches of one kind both are faster, and a peer that was woken
 * by one answer finds the next ones without being woken again.
 */
import type { Millis } from '../../../protocol/result.ts'

/** So many are sent without waiting for the end of the turn. */
const TOGETHER_MAX = 64
/** So long the first one waits: a turn in which much is rendered may be a long one. */
const WAIT_MAX_MS: Millis = 2

export interface Together {
  /** @param send called once, in the order of the calls, within this turn of the event loop; must not throw */
  add(send: () => void): void
}

export function createTogether(now: () => Millis = () => performance.now()): Together {
  let waiting: (() => void)[] = []
  let since: Millis = 0

  function sendAll(): void {
    const ready = waiting
    waiting = []
    for (const send of ready) send()
  }

  return {
    add(send) {
      waiting.push(send)
      if (waiting.length === 1) {
        since = now()
        setImmediate(sendAll)
      } else if (waiting.length >= TOGETHER_MAX || now() - since >= WAIT_MAX_MS) sendAll()
    },
  }
}
