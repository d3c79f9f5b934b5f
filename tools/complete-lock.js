// Completes package-lock.json after `npm install <package>`: run `node tools/complete-lock.js` before the commit.
//
// `npm ci` refuses a lock that lacks an optional package of any platform, and npm leaves out those that the registry
// in use does not offer. A bare entry satisfies it, and nothing is downloaded for it on another platform.
import { readFileSync, writeFileSync } from 'node:fs'

const LOCK = new URL('../package-lock.json', import.meta.url)
const SYSTEMS = /android|darwin|win32|freebsd|linux|openharmony/
const PROCESSORS = /arm64|arm|x64|ia32|ppc64|riscv64|s390x|wasm32|loong64/
const EXACT_VERSION = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/

/** @returns {{ added: string[], lock: { packages: Record<string, object> } }} the lock with an entry for each platform package, names of the new ones */
export function completeLock(lock) {
  const packages = { ...lock.packages }
  const added = []
  for (const parent of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const path = `node_modules/${name}`
      if (packages[path] !== undefined || !EXACT_VERSION.test(version) || !SYSTEMS.test(name)) continue
      packages[path] = bareEntry(name, version, parent.dev === true)
      added.push(name)
    }
  }
  const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)))
  return { added, lock: { ...lock, packages: sorted } }
}

/** With a wrong `os` npm would try to fetch the package. */
function bareEntry(name, version, dev) {
  const entry = { version, optional: true, os: [SYSTEMS.exec(name)[0]] }
  const processor = PROCESSORS.exec(name.replace(SYSTEMS, ''))
  if (processor !== null) entry.cpu = [processor[0]]
  if (dev) entry.dev = true
  if (name.includes('musl')) entry.libc = ['musl']
  return entry
}

if (process.argv[1]?.endsWith('complete-lock.js')) {
  const { added, lock } = completeLock(JSON.parse(readFileSync(LOCK, 'utf8')))
  if (added.length > 0) writeFileSync(LOCK, `${JSON.stringify(lock, undefined, 2)}\n`)
  process.stderr.write(`${added.length} platform packages added to package-lock.json\n`)
}
