import { chmod, mkdir } from 'node:fs/promises'

import { areRoot } from './run-as.ts'

/**
 * Makes the data directory when it is not there: 0700, but 0711 for root, so that the database's own user may pass
 * through to its folder. Every file in it with a secret has a mode of its own.
 */
export async function makeDataDirectory(folder: string): Promise<void> {
  const mode = areRoot() ? 0o711 : 0o700
  const made = await mkdir(folder, { recursive: true, mode })
  // Whatever umask we were started with.
  if (made !== undefined) await chmod(folder, mode)
}
