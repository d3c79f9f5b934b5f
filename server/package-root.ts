/** Where the package lies: run from source or from `dist`, its data files (SQL) are read from the same place. */
import { existsSync } from 'node:fs'

/** The folder with package.json, as a URL that ends in a slash. */
export function packageRoot(): URL {
  for (const up of ['../', '../../', '../../../']) {
    const candidate = new URL(up, import.meta.url)
    if (existsSync(new URL('package.json', candidate))) return candidate
  }
  throw new Error(`Cannot find package.json above ${import.meta.url}`)
}
