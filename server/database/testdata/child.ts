import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * A process of our own for tests that must be able to kill one. It ends when its parent does (its standard input
 * closes).
 */
export interface Child {
  readonly pid: number
  /** Exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>
  output(): string
  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Waits until the output has this many lines beginning with the word. */
  lines(word: string, count: number): Promise<readonly string[]>
}

const WAIT_MS = 30_000

/** Runs testdata/<script>.ts and waits until it says `ready` or ends. */
export async function startChild(
  script: string,
  args: readonly string[],
  as: { readonly uid?: number; readonly gid?: number; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Child> {
  const file = fileURLToPath(new URL(`${script}.ts`, import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
    env: { ...process.env, ...as.env, ...identity(as) },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)))
  const lines = (word: string, count: number) => waitForLines(child, () => text, word, count)
  await Promise.race([lines('ready', 1), ended])
  return {
    pid: child.pid ?? 0,
    ended,
    output: () => text,
    lines,
    async kill(signal) {
      child.kill(signal)
      await ended
    },
  }
}

function waitForLines(child: ChildProcess, text: () => string, word: string, count: number): Promise<readonly string[]> {
  return new Promise((done, failed) => {
    const timer = setTimeout(() => finish(new Error(`No ${count} lines of "${word}", but: ${text()}`)), WAIT_MS)
    function finish(error?: Error): void {
      clearTimeout(timer)
      child.stdout?.off('data', look)
      if (error === undefined) done(found())
      else failed(error)
    }
    function found(): readonly string[] {
      const whole = text().slice(0, text().lastIndexOf('\n') + 1)
      return whole.split('\n').filter((line) => line.startsWith(word))
    }
    function look(): void {
      if (found().length >= count) finish()
    }
    child.stdout?.on('data', look)
    child.once('close', () => {
      clearTimeout(timer)
    })
    look()
  })
}

function identity({ uid, gid }: { readonly uid?: number; readonly gid?: number }): NodeJS.ProcessEnv {
  return uid === undefined || gid === undefined ? {} : { BECOME_UID: String(uid), BECOME_GID: String(gid) }
}
