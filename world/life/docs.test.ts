/** The lines of the documentation, run as printed against a real server: what a reader pastes does what the page says. */
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { programFor } from '../../cli/commands.ts'
import { LINT_CODES } from '../../server/profiles/lint/mod.ts'
import { ALARM_KINDS } from '../../server/store/mod.ts'
import { plant } from '../../server/testing.ts'
import { Place, ROOT, Run } from './testing.ts'

// Some hundred lines, each a process or two, on a machine that runs other tests too.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

/** Where a receiver of webhooks stands: allowed, and not the address that the tour shows to be refused. */
const RECEIVER = '127.0.0.2'
const MARK = '@@ line '
const SIDE_PAGES = ['features', 'remote-control', 'watch', 'moving-in'] as const

interface Pasted {
  readonly line: string
  /** stdout and stderr, as a terminal shows them. */
  readonly output: string
  readonly status: number
}

let place: Place
let server: Run
beforeAll(async () => {
  place = await Place.make()
  server = place.offhook(['serve'], {
    OFFHOOK_SYSLOG_PORT: String(place.ports.phone),
    OFFHOOK_OUTBOUND_ALLOW: `${RECEIVER}/32`,
  })
  await server.until('phones at')
  await writeCommand(join(place.folder, 'offhook'))
})
afterAll(async () => {
  await place.clear()
})

/** The pages say `./offhook`, and leave their files where they are pasted: not in the repository. */
async function writeCommand(path: string): Promise<void> {
  const built = process.env['OFFHOOK_BUILT'] === 'yes'
  const how = built ? `'${ROOT}bin/offhook.js'` : `--import '${import.meta.resolve('tsx')}' '${ROOT}cli/main.ts'`
  await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' ${how} "$@"\n`)
  await chmod(path, 0o755)
}

const page = (name: string): Promise<string> => readFile(join(ROOT, 'docs', `${name}.md`), 'utf8')

/** The text of each block of that kind, in their order. */
function blocksOf(markdown: string, kind: string): readonly string[] {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${kind}\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text ?? '')
}

function linesOf(markdown: string): readonly string[] {
  const lines = blocksOf(markdown, 'sh').flatMap((block) => block.split('\n'))
  // The server runs already.
  return lines.filter((line) => line !== '' && line !== './offhook serve')
}

function withPortsOf({ ports }: Place, text: string): string {
  const { api, http, https, tftp, phone } = ports
  return text
    .replaceAll('127.0.0.1:8000', `127.0.0.1:${api}`)
    .replaceAll('localhost:8080', `localhost:${http}`)
    .replaceAll('localhost:8443', `localhost:${https}`)
    .replaceAll('localhost:6969', `localhost:${tftp}`)
    .replaceAll('/dev/udp/127.0.0.1/5514', `/dev/udp/127.0.0.1/${phone}`)
}

/** Pastes the lines one after the other into one shell. */
async function paste(lines: readonly string[], at: Place = place): Promise<readonly Pasted[]> {
  const marked = lines.map((line) => `${withPortsOf(at, line)}\nprintf '\\n${MARK}%s\\n' $?`)
  const ports = Object.entries(at.ports).map(([name, port]) => [`OFFHOOK_${name.toUpperCase()}_PORT`, String(port)])
  const others = {
    OFFHOOK_DATA: at.dataDir,
    OFFHOOK_SYSLOG_PORT: '0',
    OFFHOOK_SIP_PORT: '0',
    OFFHOOK_ACS_PORT: '0',
    OFFHOOK_ACS_TLS_PORT: '0',
  }
  const env: Readonly<Record<string, string>> = { ...Object.fromEntries(ports), ...others }
  const script = [`cd '${place.folder}'`, 'exec 2>&1', ...marked].join('\n')
  const { code, output } = await place.keep(new Run('bash', ['-c', script], env)).ended
  expect(code).toBe(0)
  const ends = [...output.matchAll(new RegExp(`^${MARK}(\\d+)$`, 'gm'))]
  expect(ends.length).toBe(lines.length)
  return lines.map((line, index) => {
    const from = index === 0 ? 0 : (ends[index - 1]?.index ?? 0) + (ends[index - 1]?.[0].length ?? 0)
    return { line, output: output.slice(from, ends[index]?.index).trim(), status: Number(ends[index]?.[1]) }
  })
}

/** `type` of each answer that is a problem, in their order. */
function refusalsIn(pasted: readonly Pasted[]): readonly string[] {
  return pasted.flatMap(({ output }) => /\{"type":"([\w-]+)","title":"[^"]*","status":\d+/.exec(output)?.[1] ?? [])
}

/** Lines that did not work, without what they printed: it may hold secrets. */
function brokenIn(pasted: readonly Pasted[]): readonly string[] {
  const isBroken = ({ output, status }: Pasted): boolean =>
    status !== 0 || /(?:^|\n)(?:curl: |offhook: |bash: |undefined$|.*Error: )/.test(output)
  return pasted.filter(isBroken).map(({ line }) => line)
}

/** Of each row whether a line with the first text printed the second. */
function checked(pasted: readonly Pasted[], rows: readonly (readonly [string, string | RegExp])[]): readonly string[] {
  return rows.flatMap(([part, expected]) => {
    const found = pasted.filter(({ line }) => line.includes(part))
    const right = found.some(({ output }) =>
      typeof expected === 'string' ? output.includes(expected) : expected.test(output),
    )
    return right ? [] : [`${part} -> ${String(expected)}`]
  })
}

/** What a page of its own begins with: the shell of the tour. */
async function shellOfTour(): Promise<readonly string[]> {
  const block = blocksOf(await page('api'), 'sh').find((text) => text.includes('TOKEN=$('))
  return linesOf(`\`\`\`sh\n${block ?? ''}\`\`\`\n`)
}

const EXPECTED = {
  readme: [
    ['devices/000e08c0ffee; echo', '"state":"bound"'],
    ['/config', '"origin"'],
    ['8851-3PCC.xml', '<flat-profile>'],
    ['-i https', '404'],
    ['events --limit', 'device.bound'],
    ['diff', 'served'],
    ['drift', '"reportedAt"'],
    ['doctor', '0 problems'],
  ],
  api: [
    ['/health', '"status":"ok"'],
    ['replayed', 'idempotency-replayed: true'],
    ['/tree', '"depth":1'],
    ['$LINE?reveal=true', 'made-up-Example-1'],
    ['/codes', '"state":"open"'],
    ['summary', '"known":1'],
    ['cisco-init/$CODE', '<flat-profile>'],
    ["grep -c '</'", /^\d{2,3}$/],
    ['./offhook open', '<flat-profile>'],
    ['openssl enc', '<flat-profile>'],
    ['rotate-key', /^2$/],
    ['parameters.Password_1_.origin.kind', /^line$/],
    ['/reports', '"kind":"delta"'],
    ['"index": 3', /^3$/],
    ['state=held', '000e08a1b2c4'],
    ['/confirm', 'bound'],
    ['"dryRun": true', '"dryRun":true'],
    ["field 'lines.length'", /^2$/],
    ['grep Line_Enable_1_', '<Line_Enable_1_>No</Line_Enable_1_>'],
    ["-w '%{http_code}\\n' https", /^404$/],
    ['/ship', 'shipped'],
    ['/undo', 'GMT+01:00'],
    ['to=draft', 'GMT+02:00'],
    ['-r 0-99', '206 100'],
    ['tftp://', /^20000$/],
    ['upload accounts &&', /"noun":"accounts".*\n.*"noun":"lines".*\n.*"noun":"devices"/],
    ['export/devices', 'mac,serial,model'],
    ['"label": "lobby"', '"name":"device.changed"'],
    ['$API/session; echo', '"kind":"session"'],
    ['who=user:ann', 'signed in'],
    ['/server-certificate | field hosts', 'localhost'],
    ['server-certificates | field', 'waiting'],
    ['state=entered', /^\d{4}-/],
  ],
  features: [
    ['features/check', 'fnc=blf+sd+cp'],
    ['q=9001', '"kind":"feature"'],
    ['element=Time_Zone', 'GMT+01:00'],
    ['hunt-groups', '"strategy":"linear"'],
    ['to=draft', 'GMT-05:00'],
  ],
  'remote-control': [
    ['sleep 1; api $API/actions/$ACTION', /sent to 127\.0\.0\.1:5999|"state":"queued"/],
    ['/cancel | field state', 'cancelled'],
    ['actions/cancel', /"cancelled":[01]/],
    ['/registration', '"registered":null'],
  ],
  watch: [
    ['00562b00dead.xml', '200'],
    ['capacity/measure', '"handshakesPerSecond"'],
    ['suggestion/apply', /^\d+$/],
    ['/metrics', 'offhook_handshakes_total'],
    ['/drift', '"element":"Resync_On_Reset"'],
    ['syslog.message', '"what":"resync-failed"'],
    ['/file | gunzip', 'an archive'],
  ],
  'moving-in': [
    ['--dry-run', '1 rows would be imported'],
    ['moving true', 'layers: 1'],
    ['element=Voice_Mail_Number', '*97'],
    ['moving-in/devices', '"format":"fusionpbx"'],
    ['$UID2', 'foreign-line-variable'],
    ['"firmware"', 'bad-value'],
  ],
} as const

const REFUSALS: Readonly<Record<string, readonly string[]>> = {
  api: [
    'idempotency-mismatch',
    'account-not-empty',
    'batch-shipped',
    'bad-value',
    'layer-changed',
    'firmware-in-use',
    'import-refused',
    'forbidden-address',
    'not-found',
    'not-found',
    'not-valid',
    'unknown-field',
    'no-token',
  ],
  features: ['too-few-keys'],
}

describe('the lines of the documentation', () => {
  it('work from top to bottom in the tour of the API', async () => {
    const pasted = await paste(linesOf(await page('api')))
    expect(brokenIn(pasted)).toEqual([])
    expect(refusalsIn(pasted)).toEqual(REFUSALS['api'])
    expect(checked(pasted, EXPECTED.api)).toEqual([])
  })

  it('work in each page beside it', async () => {
    const shell = await shellOfTour()
    const results = await Promise.all(
      SIDE_PAGES.map(async (name) => {
        const pasted = await paste([...shell, ...linesOf(await page(name))])
        return { name, broken: brokenIn(pasted), refusals: refusalsIn(pasted), not: checked(pasted, EXPECTED[name]) }
      }),
    )
    expect(results).toEqual(SIDE_PAGES.map((name) => ({ name, broken: [], refusals: REFUSALS[name] ?? [], not: [] })))
  })

  it('work in the README, beside the example', async () => {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
    const tryNext = readme.slice(readme.indexOf('## Try next'), readme.indexOf('### A phone of your own'))
    const example = await Place.make()
    try {
      await example.offhook(['start']).until('Ctrl-C ends everything.')
      const pasted = await paste(linesOf(tryNext), example)
      expect(brokenIn(pasted)).toEqual([])
      expect(checked(pasted, EXPECTED.readme)).toEqual([])
    } finally {
      await example.clear()
    }
  })

  it('check the signature of a webhook as the server makes it, and take no other', async () => {
    const [code = ''] = blocksOf(await page('security'), 'js')
    const { secret, signature, body } = await delivery()
    const text = body.toString()
    const cases = {
      asItCame: [secret, signature, text],
      changed: [secret, signature, `${text} `],
      otherSecret: [`${secret}x`, signature, text],
      old: [secret, signature, text, Date.now() / 1000 + 3600],
      none: [secret, null, text],
    }
    await writeFile(join(place.folder, 'cases.json'), JSON.stringify(cases))
    await writeFile(join(place.folder, 'signature.mjs'), `${code}${ASK_EACH_CASE}`)
    const { output, errors } = await place.keep(new Run(process.execPath, [`${place.folder}/signature.mjs`], {})).ended
    expect(errors).toBe('')
    expect(JSON.parse(output)).toEqual({ asItCame: true, changed: false, otherSecret: false, old: false, none: false })
  })
})

/** Goes behind the function of the page. */
const ASK_EACH_CASE = `
import { readFileSync } from 'node:fs'
const cases = JSON.parse(readFileSync(new URL('cases.json', import.meta.url)))
const answers = Object.entries(cases).map(([name, args]) => [name, isFromOffhook(...args)])
console.log(JSON.stringify(Object.fromEntries(answers)))
`

describe('the tables of the documentation', () => {
  it('name every setting', async () => {
    const source = await readFile(join(ROOT, 'server/config.ts'), 'utf8')
    const names = [...source.matchAll(/read\.\w+\('([A-Z_]+)'/g)].map(([, name]) => `OFFHOOK_${name}`)
    expect(names.length).toBeGreaterThan(20)
    const operating = await page('operating')
    expect(names.filter((name) => !operating.includes(`\`${name}\``))).toEqual([])
  })

  it('name every kind of problem that the API answers with', async () => {
    const folder = join(ROOT, 'server/api')
    const files = (await readdir(folder, { recursive: true })).filter((name) => /(?<!\.test)\.ts$/.test(name))
    const sources = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
    const types = sources.flatMap((text) =>
      [...text.matchAll(/new ApiProblem\(\s*\d+,\s*'([a-z][a-z0-9-]+)'/g)].map(([, type]) => type ?? ''),
    )
    expect(types.length).toBeGreaterThan(80)
    const api = await page('api')
    expect([...new Set(types)].filter((type) => !api.includes(`\`${type}\``))).toEqual([])
  })

  it('name every command', async () => {
    const names = (await programFor(undefined)).commands.map((command) => command.name())
    expect(names.length).toBeGreaterThan(20)
    const cli = await page('cli')
    expect(names.filter((name) => !new RegExp(`\`(?:offhook )?${name}\\b`).test(cli))).toEqual([])
  })

  it('show no command and no option that is not there', async () => {
    const program = await programFor(undefined)
    const shown = blocksOf(await page('cli'), 'sh').flatMap((block) => [...block.matchAll(/\.\/offhook ([^|\n#]*)/g)])
    expect(shown.length).toBeGreaterThan(40)
    const lines = shown.map(([, words = '']) => words.trim())
    expect(lines.filter((line) => !isKnown(program, line.split(/\s+/)))).toEqual([])
  })

  it('name every alarm and every check of lint', async () => {
    const [watch, moving] = [await page('watch'), await page('moving-in')]
    expect(ALARM_KINDS.filter((kind) => !watch.includes(`| \`${kind}\` |`))).toEqual([])
    expect(Object.keys(LINT_CODES).filter((code) => !moving.includes(`| \`${code}\` |`))).toEqual([])
  })
})

/** Whether there is such a command, at any depth, and it has each of the options. */
function isKnown(program: Command, words: readonly string[]): boolean {
  let command = program
  for (const word of words) {
    const below = command.commands.find((each) => each.name() === word)
    if (below === undefined) break
    command = below
  }
  const given = words.filter((word) => /^--?[a-z]/.test(word))
  // A group needs one of its commands, unless it does something by its own options.
  if (command.commands.length > 0 && (command === program || given.length === 0)) return false
  return given.every((word) => command.options.some(({ long, short }) => word === long || word === short))
}

/** One test delivery of a real webhook. */
async function delivery(): Promise<{ readonly secret: string; readonly signature: string; readonly body: Buffer }> {
  const made = await place.offhook(['token', 'create', '--scope', 'write']).ended
  const token = made.output.trim()
  plant(token)
  const arrived = new EventEmitter<{ arrived: [IncomingHttpHeaders, Buffer] }>()
  const receiver = createServer((request, response) => {
    void request.toArray().then((parts: Buffer[]) => {
      response.end()
      arrived.emit('arrived', request.headers, Buffer.concat(parts))
    })
  })
  await new Promise<void>((listening) => receiver.listen(0, RECEIVER, listening))
  try {
    const url = `http://${RECEIVER}:${(receiver.address() as AddressInfo).port}/hook`
    const { id, secret } = await post<{ id: string; secret: string }>(token, 'webhooks', { url, events: ['*'] })
    plant(secret)
    const arrival = once(arrived, 'arrived') as Promise<[IncomingHttpHeaders, Buffer]>
    await post(token, `webhooks/${id}/test`, {})
    const [headers, body] = await arrival
    return { secret, signature: String(headers['offhook-signature']), body }
  } finally {
    receiver.close()
  }
}

async function post<T>(token: string, path: string, body: object): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${place.ports.api}/api/v1/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.ok).toBe(true)
  return (await response.json()) as T
}
