/** Runs `ip` of iproute2, which changes addresses, links and routes. Never through a shell. */
import { execFile } from 'node:child_process'
import { err, type Millis, ok, type Result } from '../../../protocol/result.ts'

/** It asks the kernel and ends; what takes longer hangs. */
const IP_MS: Millis = 10_000
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024

/** @param input  its standard input. @returns what it printed, or its complaint in one line */
export function runIp(args: readonly string[], input = ''): Promise<Result<string, string>> {
  return new Promise((resolve) => {
    const limits = { timeout: IP_MS, maxBuffer: OUTPUT_BYTES_MAX }
    const child = execFile('ip', [...args], limits, (error, output, errors) => {
      if (error === null) return resolve(ok(output))
      resolve(err(complaintOf(error, errors)))
    })
    // It may end without reading.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

/** Does one command after another in one go, whatever becomes of each. */
export async function runIpBatch(commands: readonly (readonly string[])[]): Promise<void> {
  const text = commands.map((words) => `${words.join(' ')}\n`).join('')
  await runIp(['-force', '-batch', '-'], text)
}

function complaintOf(error: Error, errors: string): string {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
    return 'there is no program "ip" on this machine; install iproute2'
  }
  const said = errors.trim().split('\n').at(-1) ?? ''
  return said === '' ? error.message : said
}
