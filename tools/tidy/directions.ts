/** Checks every import against the table of places: who may import whom, and through which door. */
import type { RepositoryFile } from '../repository.ts'
import { type Import, importsOf } from './lexer.ts'
import {
  isCode,
  isPure,
  isTest,
  KEY_MAKERS,
  NOUNS,
  PLACES,
  type Place,
  placeOf,
  SHIPPED_PARTS,
  UNDIVIDED_PARTS,
} from './places.ts'
import type { Violation } from './violation.ts'

/** Names of node:crypto that make chance. Pure code gets chance as an argument. */
const CHANCE_NAMES = /^(?:random|generate|webcrypto$|getRandomValues$|create(?:DiffieHellman|ECDH)$)/

/** All that node:net has for pure code: questions about the text of an address. */
const ADDRESS_NAMES = /^(?:isIP|isIPv4|isIPv6|BlockList|SocketAddress)$/

/** A test may use these, and Node to read its samples, wherever it stands. */
const TEST_PACKAGES: ReadonlySet<string> = new Set(['vitest', 'fast-check'])

interface Surroundings {
  /** Folders that have a mod.ts. */
  readonly doors: ReadonlySet<string>
  /** Packages that are installed with the product. */
  readonly dependencies: ReadonlySet<string>
  readonly devDependencies: ReadonlySet<string>
}

/** @returns every import of the code among `files` that the table does not allow; `package.json` must be among them. */
export function checkDirections(files: readonly RepositoryFile[]): readonly Violation[] {
  const parts = new Set(PLACES.map((place) => firstOf(place.path)))
  const surroundings = surroundingsOf(files)
  return files
    .filter((file) => isCode(file.path) && file.path.includes('/') && parts.has(firstOf(file.path)))
    .flatMap((file) => checkFile(file, surroundings))
}

function surroundingsOf(files: readonly RepositoryFile[]): Surroundings {
  const text = files.find((file) => file.path === 'package.json')?.text ?? '{}'
  const manifest = JSON.parse(text) as Record<string, Record<string, string> | undefined>
  const names = (key: string): readonly string[] => Object.keys(manifest[key] ?? {})
  return {
    doors: new Set(files.filter((file) => file.path.endsWith('/mod.ts')).map((file) => folderOf(file.path))),
    dependencies: new Set([...names('dependencies'), ...names('optionalDependencies')]),
    devDependencies: new Set(names('devDependencies')),
  }
}

function checkFile(file: RepositoryFile, surroundings: Surroundings): readonly Violation[] {
  const place = placeOf(file.path)
  if (place === undefined) {
    return [{ path: file.path, line: 1, message: 'has no row in tools/tidy/places.ts: say there what it may import' }]
  }
  return importsOf(file.text).flatMap((found) => {
    const messages = found.specifier.startsWith('.')
      ? checkOwnImport(file.path, place, found, surroundings)
      : found.specifier.startsWith('node:')
        ? checkNodeImport(file.path, place, found)
        : checkPackageImport(file.path, place, found, surroundings)
    return messages.map((message) => ({ path: file.path, line: found.line, message }))
  })
}

// --- imports of our own files

function checkOwnImport(from: string, place: Place, found: Import, { doors }: Surroundings): readonly string[] {
  const to = resolvePath(from, found.specifier)
  // Built by `npm start`; the command is all that bin/ may run.
  const source = to.replace(/^dist\/(.*)\.js$/, '$1.ts')
  const target = placeOf(source)
  if (target === undefined) return [`imports "${to}", which has no row in tools/tidy/places.ts`]
  const messages: string[] = []
  const supportForTest = isTest(from) && target.name === 'server/testing'
  if (!supportForTest && !mayImport(place, target))
    messages.push(`may not import "${to}": ${place.name} does not see ${target.name}`)
  if (place.name !== 'bin' && !entersByDoor(from, to, found, doors)) {
    messages.push(`imports "${to}" past the front door "${folderOf(to)}/mod.ts"`)
  }
  if (isTest(to) && !isTest(from) && SHIPPED_PARTS.has(firstOf(from)))
    messages.push(`imports "${to}", which is for tests`)
  if (!/\.(?:tsx?|js|json)$/.test(to)) messages.push(`imports "${found.specifier}" without the .ts ending`)
  return messages
}

function mayImport(from: Place, to: Place): boolean {
  return from.name === to.name || from.may.some((name) => to.name === name || to.name.startsWith(`${name}/`))
}

/**
 * Files at the top of a part have no folder to enter; within one folder, only a sub-folder with a mod.ts is closed.
 * A `types.ts` is a second door, for types only: nothing of it is left when the code runs.
 */
function entersByDoor(from: string, to: string, found: Import, doors: ReadonlySet<string>): boolean {
  const folder = folderOf(to)
  // What only tests use is no part of a folder's front; that no other code imports it is checked elsewhere.
  if (isTest(to)) return true
  if (found.typeOnly && to.endsWith('/types.ts')) return true
  if (!folder.includes('/') || from.startsWith(`${folder}/`) || to.endsWith('/mod.ts')) return true
  return unitOf(from) === unitOf(to) && !doors.has(folder)
}

function unitOf(path: string): string {
  const part = firstOf(path)
  return UNDIVIDED_PARTS.has(part) ? part : path.split('/').slice(0, 2).join('/')
}

// --- imports of others' code

function checkNodeImport(from: string, place: Place, found: Import): readonly string[] {
  if (isTest(from) || place.node === undefined) return []
  if (!place.node.includes(found.specifier)) return [`may not import "${found.specifier}": ${place.name} is pure`]
  if (!isPure(from) || found.typeOnly) return []
  if (found.names === undefined) return [`must name what it imports of ${found.specifier}, so that it can be checked`]
  return found.names.flatMap((name) => {
    if (found.specifier === 'node:net' && !ADDRESS_NAMES.test(name))
      return [`may not import ${name} of node:net: a socket`]
    if (found.specifier !== 'node:crypto' || KEY_MAKERS.has(place.name) || !CHANCE_NAMES.test(name)) return []
    return [`may not import ${name} of node:crypto: chance is an argument of pure code`]
  })
}

function checkPackageImport(from: string, place: Place, found: Import, surroundings: Surroundings): readonly string[] {
  const name = found.specifier
    .split('/')
    .slice(0, found.specifier.startsWith('@') ? 2 : 1)
    .join('/')
  const isDev = hasPackage(surroundings.devDependencies, name)
  if (isTest(from) && (TEST_PACKAGES.has(name) || isDev)) return []
  if (!isDev && !hasPackage(surroundings.dependencies, name))
    return [`imports "${name}", which package.json does not name`]
  if (place.packages !== undefined && !place.packages.includes(name)) {
    return [`may not import "${name}": ${place.name} stands on no such package`]
  }
  return isDev && SHIPPED_PARTS.has(firstOf(from)) ? [`imports "${name}", which is not installed with the product`] : []
}

function hasPackage(packages: ReadonlySet<string>, name: string): boolean {
  if (!name.endsWith('*')) return packages.has(name)
  return [...packages].some((each) => each.startsWith(name.slice(0, -1)))
}

// --- cycles

/** @returns each import between two nouns that, followed on, leads back to where it began. Types leave no trace and do not count. */
export function checkNounCycles(files: readonly RepositoryFile[]): readonly Violation[] {
  const links = files
    .filter((file) => isCode(file.path) && !isTest(file.path) && nounOf(file.path) !== undefined)
    .flatMap((file) =>
      importsOf(file.text)
        .filter((found) => !found.typeOnly)
        .map((found) => linkOf(file.path, found)),
    )
    .filter((link) => link !== undefined)
  const reaches = (from: string, to: string, seen: ReadonlySet<string>): boolean =>
    from === to ||
    links.some((link) => link.from === from && !seen.has(link.to) && reaches(link.to, to, new Set([...seen, link.to])))
  return links
    .filter((link) => reaches(link.to, link.from, new Set([link.to])))
    .map(({ path, line, from, to }) => ({
      path,
      line,
      message: `closes a circle: ${to} already leads back to ${from}`,
    }))
}

interface Link {
  readonly path: string
  readonly line: number
  readonly from: string
  readonly to: string
}

function linkOf(path: string, found: Import): Link | undefined {
  const from = nounOf(path)
  const to = found.specifier.startsWith('.') ? nounOf(resolvePath(path, found.specifier)) : undefined
  if (from === undefined || to === undefined || from === to) return undefined
  return { path, line: found.line, from, to }
}

function nounOf(path: string): string | undefined {
  const [part, folder] = path.split('/')
  return part === 'server' && NOUNS.includes(folder ?? '') ? folder : undefined
}

// --- paths

function firstOf(path: string): string {
  return path.split('/')[0] ?? ''
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/** `server/nps/door.ts` and `../store/mod.ts` make `server/store/mod.ts`. A path that leaves the repository keeps its `..`. */
function resolvePath(from: string, specifier: string): string {
  const steps = [...folderOf(from).split('/'), ...specifier.split('/')]
  return steps
    .reduce<readonly string[]>((path, step) => {
      if (step === '.' || step === '') return path
      const canGoUp = step === '..' && path.length > 0 && path.at(-1) !== '..'
      return canGoUp ? path.slice(0, -1) : [...path, step]
    }, [])
    .join('/')
}
