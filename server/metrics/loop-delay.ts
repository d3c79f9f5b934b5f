/** How late the event loop is: the one number that says whether this process still keeps up. */

const EVERY_MS = 50
/** A peak fades by this much each time, so that a single late moment is not forgotten at once. */
const FADING = 0.7

export interface LoopDelay {
  /** Milliseconds; counts a moment that is late right now. */
  currentMs(): number
  close(): void
}

export function createLoopDelay(): LoopDelay {
  let due = performance.now() + EVERY_MS
  let delay = 0
  const timer = setInterval(() => {
    const now = performance.now()
    delay = Math.max(now - due, delay * FADING, 0)
    due = now + EVERY_MS
  }, EVERY_MS)
  timer.unref()
  return {
    currentMs: () => Math.max(delay, performance.now() - due),
    close: () => clearInterval(timer),
  }
}
