/** Requests to end: heard from the first moment on, so that none is lost while the rest of the program still loads. */
import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type StopSignal = (typeof SIGNALS)[number]

/** Ctrl-C under npm comes twice, from the terminal and from npm: only what comes later than this is a second request. */
const REPEAT_MS = 1000
/** An orderly end takes well below a second. Whatever hangs then is given up. */
const END_MAX_MS = 10_000

let listening = false
/** Whether an early end is a success: true for the commands that stay up until they are asked to end. */
let staysUp = false
let awaited = false
let askedAt: number | undefined
const stopping = new AbortController()

/**
 * Takes the signals over. Until somebody waits for `stopSignal`, nothing is open yet and one ends the process at once.
 *
 * @param options.staysUp  the command stays up until it is asked to end, so ending early is no failure
 */
export function listenForStop(options: { readonly staysUp: boolean }): void {
  staysUp = options.staysUp
  if (listening) return
  listening = true
  for (const signal of SIGNALS) process.on(signal, () => hear(signal))
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever read our output has gone, as after `| head`.
    if (error.code !== 'EPIPE') throw error
    hear('SIGHUP')
  })
}

/** Resolves at the first SIGINT, SIGTERM or SIGHUP. A second one, a second later, ends the process at once. */
export function stopSignal(): Promise<void> {
  listenForStop({ staysUp })
  awaited = true
  return new Promise((stopped) => {
    if (stopAsked()) stopped()
    else untilStopped.addEventListener('abort', () => stopped(), { once: true })
  })
}

/** Aborted at the first of these signals. */
export const untilStopped: AbortSignal = stopping.signal

/** Whether such a signal came: what fails from then on is no failure. */
export function stopAsked(): boolean {
  return untilStopped.aborted
}

/** Ends the process when nothing is left to do, or a second later whatever is left. */
export function endSoon(): void {
  setTimeout(() => process.exit(), REPEAT_MS).unref()
}

function hear(signal: StopSignal): void {
  if (!awaited) process.exit(staysUp ? 0 : exitCodeOf(signal))
  if (askedAt !== undefined) {
    if (Date.now() - askedAt > REPEAT_MS) process.exit(exitCodeOf(signal))
    return
  }
  askedAt = Date.now()
  setTimeout(() => process.exit(exitCodeOf(signal)), END_MAX_MS).unref()
  stopping.abort()
}

/** As a shell reports it. */
function exitCodeOf(signal: StopSignal): number {
  return 128 + constants.signals[signal]
}
