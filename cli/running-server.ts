/** What `start` and `serve` share: the server opened, kept until somebody asks to end, and closed. */
import { setTimeout as pause } from 'node:timers/promises'
import { pino } from 'pino'
import { StartProblem } from '../server/config.ts'
import type { Server, ServerOptions } from '../server/main.ts'
import { endSoon, stopAsked, stopSignal, untilStopped } from './signals.ts'
import { isHeldByCommand } from './store-access.ts'

/** A command such as `offhook token create` in a data directory without a server is done within this time. */
const COMMAND_MAX_MS = 30_000
const COMMAND_POLL_MS = 100

/**
 * Opens the server, runs the work beside it, and closes it after SIGINT, SIGTERM or SIGHUP. Until then the process stays
 * up, whether the work is done or not.
 *
 * @param work  gets a promise that resolves when it must come to its end
 */
export async function runServer(
  options: Pick<ServerOptions, 'settings' | 'what'>,
  work: (server: Server, stopped: Promise<void>) => Promise<void>,
): Promise<void> {
  const stopped = stopSignal()
  const log = pino({ level: options.settings.logLevel, base: null }, pino.destination(2))
  const server = await startAfterCommands({ ...options, log, wanted: untilStopped })
  try {
    if (!stopAsked()) await work(server, stopped)
    await stopped
  } finally {
    await server.stop()
  }
  endSoon()
}

async function startAfterCommands(options: ServerOptions): Promise<Server> {
  // Help and completion load this file, and do not wait for the server's code.
  const { startServer } = await import('../server/main.ts')
  const deadline = Date.now() + COMMAND_MAX_MS
  for (;;) {
    try {
      return await startServer(options)
    } catch (error) {
      const passes = error instanceof StartProblem && isHeldByCommand(error.message)
      if (!passes || stopAsked() || Date.now() > deadline) throw error
      await pause(COMMAND_POLL_MS)
    }
  }
}
