/** Runs `offhook dhcp` within the test's own process, which a program of its own would take seconds to load. */
import { vi } from 'vitest'
import { programFor } from '../commands.ts'
import { CliProblem } from '../exit-codes.ts'

export interface Said {
  readonly code: number
  readonly output: string
  readonly errors: string
}

/** What the command writes is taken from stdout and stderr while it runs: one at a time. */
export async function dhcpHere(args: readonly string[]): Promise<Said> {
  const [output, errors]: [string[], string[]] = [[], []]
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((piece) => Boolean(output.push(textOf(piece)))),
    vi.spyOn(process.stderr, 'write').mockImplementation((piece) => Boolean(errors.push(textOf(piece)))),
  ]
  const before = process.exitCode
  process.exitCode = undefined
  try {
    await (await programFor('dhcp')).parseAsync(['node', 'offhook', 'dhcp', ...args])
    return { code: Number(process.exitCode ?? 0), output: output.join(''), errors: errors.join('') }
  } catch (error) {
    // As `runCommand` and `failWith` end; commander has written its own words.
    if (isOfCommander(error)) return { code: 2, output: output.join(''), errors: errors.join('') }
    if (!(error instanceof CliProblem)) throw error
    return { code: error.exitCode, output: output.join(''), errors: `${errors.join('')}offhook: ${error.message}\n` }
  } finally {
    process.exitCode = before
    for (const spy of spies) spy.mockRestore()
  }
}

function textOf(piece: string | Uint8Array): string {
  return typeof piece === 'string' ? piece : new TextDecoder().decode(piece)
}

function isOfCommander(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.')
}
