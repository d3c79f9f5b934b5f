// The whole test run: types, lint, format, every test, and a search of all that was printed for secrets.
//   node tools/test.js                     everything
//   node tools/test.js --check-only        types, lint, format and tools/tidy
//   node tools/test.js -- <vitest args>    only the tests that the arguments choose
// The last line on stdout is `N passed, N failed`; each check counts as one test. The exit code is 0 only when nothing failed.
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isBuilt, ROOT } from './setup.js'
import { countTests } from './test-count.js'
import { findSecrets, readSecrets } from './secret-search.js'

/** A whole run plants at least so many different secrets; fewer, and the search would prove nothing. */
const SECRETS_MIN = 20

const CHECKS = [
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'] },
  {
    name: 'lint',
    args: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings', '--report-unused-disable-directives'],
  },
  { name: 'format', args: ['node_modules/@biomejs/biome/bin/biome', 'format', '.'] },
]

/** Settings of a shell that would change what the tests see; a test names all that it needs itself. */
const FOREIGN_SETTINGS = /^(?:OFFHOOK_.*|DATABASE_URL|PG[A-Z]+|NODE_OPTIONS|NODE_ENV|(?:https?|all)_proxy)$/i

async function main() {
  const asked = process.argv.slice(2)
  const checkOnly = asked.includes('--check-only')
  const filters = asked.includes('--')
    ? asked.slice(asked.indexOf('--') + 1)
    : asked.filter((arg) => arg !== '--check-only')
  scratch = mkdtempSync(join(tmpdir(), 'offhook-test-')) // 0700
  const output = { path: join(scratch, 'output.txt'), file: openSync(join(scratch, 'output.txt'), 'wx', 0o600) }
  let keep = false
  try {
    const results = []
    for (const check of CHECKS) results.push(await runCheck(check, output))
    results.push(await runTests(checkOnly ? ['tools/tidy'] : filters, output))
    const whole = !checkOnly && filters.length === 0
    const search = searchForSecrets(output, whole)
    keep = search.found
    results.push(...search.results)
    return report(results)
  } finally {
    closeSync(output.file)
    if (!keep) rmSync(scratch, { recursive: true, force: true })
  }
}

async function runCheck({ name, args }, output) {
  const startedAt = Date.now()
  const code = await run(process.execPath, args, process.env, output)
  say(`${code === 0 ? 'ok' : 'FAILED'}: ${name} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`, output)
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 }
}

// --- vitest

async function runTests(args, output) {
  const jsonPath = join(scratch, 'vitest.json')
  const secretLog = join(scratch, 'secrets.txt')
  writeFileSync(secretLog, '', { mode: 0o600 })
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN_SETTINGS.test(name)))
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${jsonPath}`]
  const code = await run(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...args],
    // Tests of the command itself take what was built, as a user does, unless it is of other sources.
    { ...env, NODE_ENV: 'test', OFFHOOK_SECRET_LOG: secretLog, OFFHOOK_BUILT: isBuilt() ? 'yes' : 'no' },
    output,
  )
  const { passed, problems } = countTests(readJson(jsonPath), code)
  for (const problem of problems.filter(({ told }) => !told)) say(`FAILED: ${problem.text}`, output)
  return { passed, failed: problems.length }
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined // absent or cut short: vitest did not come to its end
  }
}

// --- secrets

function searchForSecrets(output, whole) {
  const secrets = readSecrets(readFileSync(join(scratch, 'secrets.txt'), 'utf8'))
  const places = findSecrets(readFileSync(output.path), secrets)
  const results = [{ passed: places.length === 0 ? 1 : 0, failed: places.length === 0 ? 0 : 1 }]
  for (const place of places) {
    say(
      `FAILED: secret ${place.secretNumber} (as ${place.form}) is in line ${place.line}, column ${place.column}`,
      output,
    )
  }
  if (places.length > 0)
    say(`The lines are those of ${output.path}, which is kept; the secrets are in secrets.txt beside it`, output)
  // A run of some tests only may well plant none.
  if (whole) {
    const enough = secrets.length >= SECRETS_MIN
    if (!enough)
      say(
        `FAILED: the tests planted ${secrets.length} secrets, ${SECRETS_MIN} are needed for a search that counts`,
        output,
      )
    results.push({ passed: enough ? 1 : 0, failed: enough ? 0 : 1 })
  }
  return { found: places.length > 0, results }
}

function report(results) {
  const sum = (key) => results.reduce((total, result) => total + result[key], 0)
  process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed\n`)
  return sum('failed') === 0 ? 0 : 1
}

// --- children

/** The group of the child that runs now: tsc, oxlint and vitest all start programs of their own. */
let runningGroup
let askedToEnd
/** Files of this run, to be removed also when a signal ends it. */
let scratch

function run(program, args, env, output) {
  return new Promise((resolve) => {
    if (askedToEnd !== undefined) return // main() stays here while endOn() leaves
    const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    runningGroup = child.pid
    child.stdout.on('data', (chunk) => tee(chunk, process.stdout, output))
    child.stderr.on('data', (chunk) => tee(chunk, process.stderr, output))
    child.once('error', (error) => {
      say(`FAILED: cannot run "${program}": ${error.message}`, output)
      resolve(-1)
    })
    child.once('close', (code, signal) => {
      runningGroup = undefined
      if (askedToEnd === undefined) resolve(code ?? signal)
    })
  })
}

function tee(chunk, stream, output) {
  stream.write(chunk)
  writeSync(output.file, chunk)
}

function say(text, output) {
  tee(`${text}\n`, process.stdout, output)
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }
/** Vitest's workers may wait for a server that a test started; after that they are ended the hard way. */
const END_WAIT_MS = 5000

function endOn(signal) {
  const again = askedToEnd !== undefined
  askedToEnd = signal
  if (runningGroup === undefined) leave(signal)
  signalGroup(again ? 'SIGKILL' : signal)
  const startedAt = Date.now()
  const wait = setInterval(() => {
    if (runningGroup !== undefined && Date.now() - startedAt > END_WAIT_MS) signalGroup('SIGKILL')
    if (runningGroup !== undefined) return
    clearInterval(wait)
    leave(signal)
  }, 20)
}

function leave(signal) {
  if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true })
  process.exit(EXIT_CODES[signal])
}

function signalGroup(signal) {
  try {
    process.kill(-runningGroup, signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error // ESRCH: it has just ended by itself
  }
}

for (const signal of Object.keys(EXIT_CODES)) process.on(signal, () => endOn(signal))
process.exitCode = await main()
