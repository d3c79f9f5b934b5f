/** A real `sipp` that plays one of our scenarios, as a child process in a folder of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from './kamailio.ts'

export interface SippOptions {
  /** Of `testdata/`, without `.xml`. */
  readonly scenario: 'sipp-proxy-and-phone' | 'sipp-sender'
  /** One line of values for `[field0]`, `[field1]`, …; they go by file, so that no secret stands in an argument. */
  readonly fields: readonly string[]
  readonly transport: 'UDP' | 'TCP'
  /** Where to send; absent: it waits to be asked. */
  readonly to?: { readonly host: string; readonly port: number }
}

export interface Sipp {
  readonly host: string
  readonly port: number
  /** Resolves when the scenario was played. @returns whether all of it came as written, what sipp said if not, and what the scenario logs */
  ended(): Promise<{ readonly ok: boolean; readonly complaint: string; readonly logged: string }>
}

const HOST = '127.0.0.1'
/** It ends by itself after this. */
const SECONDS_MAX = 20
const LISTEN_MS_MAX = 10_000
const COMPLAINT_CHARS_MAX = 3000

/** @throws Error with one line to show when the program is missing */
export async function startSipp(options: SippOptions): Promise<Sipp> {
  const { scenario, fields, transport, to } = options
  const folder = await mkdtemp(join(tmpdir(), 'offhook-sipp-'))
  const values = join(folder, 'fields.csv')
  const log = join(folder, 'scenario.log')
  await writeFile(values, `SEQUENTIAL\n${fields.join(';')}\n`, { mode: 0o600 })
  const port = await freePort()
  const script = fileURLToPath(new URL(`testdata/${scenario}.xml`, import.meta.url))
  const target = to === undefined ? [] : [`${to.host}:${to.port}`]
  const bounds = [
    '-m',
    '1',
    '-timeout',
    String(SECONDS_MAX),
    '-timeout_error',
    '-recv_timeout',
    String(SECONDS_MAX * 1000),
  ]
  const place = ['-i', HOST, '-p', String(port), '-t', transport === 'TCP' ? 't1' : 'u1']
  const args = [
    ...target,
    '-sf',
    script,
    '-inf',
    values,
    ...place,
    ...bounds,
    '-nostdin',
    '-trace_logs',
    '-log_file',
    log,
  ]
  const child = spawn('sipp', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    complaint = `${complaint}${part}`.slice(0, COMPLAINT_CHARS_MAX)
  })
  const over = once(child, 'close').then(async ([code]) => {
    const logged = await readFile(log, 'utf8').catch(() => '')
    await rm(folder, { recursive: true, force: true })
    return { ok: code === 0, complaint: code === 0 ? '' : complaint, logged }
  })
  child.once('error', () => {
    complaint = 'Cannot run "sipp": install the Debian package sip-tester'
  })
  over.catch(() => undefined)
  if (to === undefined && transport === 'TCP') await listens(port)
  return { host: HOST, port, ended: () => over }
}

async function listens(port: number): Promise<void> {
  const deadline = Date.now() + LISTEN_MS_MAX
  while (Date.now() < deadline) {
    const socket = connect(port, HOST)
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (isOpen) return
    await pause(20)
  }
}
