/** The files of this repository, for the tools that read all of them. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `path` is relative to the root, with `/`. */
export interface RepositoryFile {
  readonly path: string
  readonly text: string
}

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Made by tools, not written by us. `data` only at the root, where first run keeps its database. */
const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', '.git'])
const SKIPPED_AT_ROOT = new Set(['data'])

/** More is a captured file or a binary, which no rule here is about. */
const TEXT_BYTES_MAX = 1024 * 1024

/** @returns all text files below `root`, in the order of their names; what git ignores is left out. */
export function readRepository(root: string = ROOT): readonly RepositoryFile[] {
  return listFolder(root, '')
    .filter((path) => statSync(join(root, path)).size <= TEXT_BYTES_MAX)
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter((file) => !file.text.includes('\0'))
}

function listFolder(root: string, folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) return isSkipped(folder, entry.name) ? [] : listFolder(root, path)
      return entry.isFile() && !entry.name.endsWith('.log') ? [path] : []
    })
}

function isSkipped(folder: string, name: string): boolean {
  return SKIPPED_FOLDERS.has(name) || (folder === '' && SKIPPED_AT_ROOT.has(name))
}
