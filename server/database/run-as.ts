import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'

/** The user that a child process runs as; undefined where it is ours. */
export interface RunAs {
  readonly uid: number
  readonly gid: number
}

/** What a child gets to see: nothing of our own settings, and the same language and time zone on every machine. */
export const CHILD_ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
  LC_ALL: 'C',
  TZ: 'UTC',
} as const

const OUTPUT_CHARS_MAX = 20_000

/** How a command ended. `code` is undefined when it could not be started or a signal ended it. */
export interface Ran {
  readonly code: number | undefined
  /** Both output streams, the last 20,000 characters, and the reason when it could not be started. */
  readonly output: string
}

/** Runs a short command to its end; never throws. Its folder is `/`, which every user may enter. */
export function run(program: string, args: readonly string[], runAs: RunAs | undefined): Promise<Ran> {
  return new Promise((done) => {
    let output = ''
    function add(part: string): void {
      output = (output + part).slice(-OUTPUT_CHARS_MAX)
    }
    try {
      const child = spawn(program, args, {
        ...runAs,
        cwd: '/',
        env: CHILD_ENVIRONMENT,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      child.stdout.setEncoding('utf8').on('data', add)
      child.stderr.setEncoding('utf8').on('data', add)
      child.once('error', (error) => done({ code: undefined, output: error.message }))
      child.once('close', (code) => done({ code: code ?? undefined, output: output.trim() }))
    } catch (error) {
      // Some systems report a forbidden change of user by throwing.
      done({ code: undefined, output: error instanceof Error ? error.message : String(error) })
    }
  })
}

/**
 * Whether that user may go into the folder and make files in it. Found by trying: modes, lists and mounts all have a
 * say.
 */
export async function canUse(folder: string, runAs: RunAs | undefined): Promise<boolean> {
  const ran = await run('/bin/sh', ['-c', 'test -x "$1" && test -w "$1"', 'sh', folder], runAs)
  return ran.code === 0
}

/**
 * Users that may run PostgreSQL when we are root (it refuses to run as root), best first: its own where the machine has
 * one, else nobody. They must have an entry in passwd, or initdb refuses.
 */
export async function unprivilegedUsers(): Promise<readonly RunAs[]> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  return ['postgres', 'nobody'].flatMap((name) => {
    const row = lines.find(([first]) => first === name)
    const uid = Number(row?.[2])
    const gid = Number(row?.[3])
    return row !== undefined && Number.isInteger(uid) && Number.isInteger(gid) && uid !== 0 ? [{ uid, gid }] : []
  })
}

/** Whether we are root and so must hand PostgreSQL to another user. */
export function areRoot(): boolean {
  return process.getuid?.() === 0
}
