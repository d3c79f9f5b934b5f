/** Runs the command line as a program of its own, for tests. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const MAIN = new URL('main.ts', import.meta.url).pathname
const folders: string[] = []

/** A folder that is removed when the file's tests are over. The first call must not come from within a test. */
export function scratch(): string {
  if (folders.length === 0) {
    afterAll(() => {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    })
  }
  const folder = mkdtempSync(join(tmpdir(), 'offhook-cli-test-'))
  folders.push(folder)
  return folder
}

export interface Ended {
  readonly code: number | null
  readonly output: Buffer
  readonly errors: string
}

/** @param input goes to standard input, which is empty without it */
export async function offhook(args: readonly string[], input?: string | Uint8Array): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), MAIN, ...args])
  const output: Buffer[] = []
  let errors = ''
  child.stdout.on('data', (piece: Buffer) => output.push(piece))
  child.stderr.on('data', (piece: Buffer) => {
    errors += piece.toString()
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output: Buffer.concat(output), errors }
}
