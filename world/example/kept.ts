/** What the example remembers of earlier starts on a data directory, in `example.json`. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Kept {
  readonly accountId: string
  /** It stands in the lines, so the registrar should be there again. */
  readonly registrarPort: number
  /** When the enrolment window that was opened last closes, ISO 8601. */
  readonly windowUntil: string
}

/** @returns undefined at the first start */
export async function readKept(dataDir: string): Promise<Kept | undefined> {
  try {
    const kept = JSON.parse(await readFile(fileIn(dataDir), 'utf8')) as Partial<Kept>
    const { accountId, registrarPort, windowUntil } = kept
    if (accountId === undefined || registrarPort === undefined || windowUntil === undefined) return undefined
    return { accountId, registrarPort, windowUntil }
  } catch {
    // Absent, or not ours to read: what it says is found again in the database.
    return undefined
  }
}

export async function writeKept(dataDir: string, kept: Kept): Promise<void> {
  const file = fileIn(dataDir)
  await writeFile(`${file}.new`, `${JSON.stringify(kept, null, 2)}\n`)
  await rename(`${file}.new`, file)
}

function fileIn(dataDir: string): string {
  return join(dataDir, 'example.json')
}
