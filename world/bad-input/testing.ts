/** Test support: what a refusal of the program looks like, and databases that are not as they should be. */
import { createServer, type Socket } from 'node:net'
import { pino } from 'pino'
import { expect } from 'vitest'
import { readSettings, type Server, startServer, StartProblem } from '../../server/main.ts'
import type { Ended, Place } from '../life/testing.ts'

/**
 * One line that begins with the program's name and matches the words; nothing on stdout, no stack trace.
 *
 * @param words  the reason and the advice, in their order
 */
export function expectRefusal({ code, output, errors }: Ended, words: RegExp, exitCode = 1): void {
  expect({ code, output, errors }).toEqual({ code: exitCode, output: '', errors: expect.stringMatching(words) })
  expect(errors).toMatch(/^offhook: [^\n]+\n$/)
  expect(errors).not.toMatch(/ at .*:\d+:\d+\)?|node:internal|Error: /)
}

/** Ends a server that had to start, and says whether it ended well. */
export async function startsWell(place: Place, env: Readonly<Record<string, string>>): Promise<void> {
  const run = place.offhook(['serve', '--log-level', 'error'], env)
  await run.until('offhook: phones at')
  expect((await run.stop('SIGTERM', 'process')).code).toBe(0)
}

/**
 * What the server says at a start that cannot be, in this process: the same words as the program's, without the seconds
 * that it takes to load. Fails when the server does start.
 */
export async function refusalOf(place: Place, env: Readonly<Record<string, string>>): Promise<string> {
  const ports = ['API', 'HTTP', 'HTTPS', 'TFTP', 'ACS', 'ACS_TLS', 'SYSLOG', 'SIP'].map(
    (name) => [`OFFHOOK_${name}_PORT`, '0'] as const,
  )
  const read = readSettings({ OFFHOOK_DATA: place.dataDir, ...Object.fromEntries(ports), ...env }, {})
  if (!read.ok) return read.error.map(({ setting, message }) => `${setting}: ${message}`).join('\n')
  let server: Server | undefined
  try {
    server = await startServer({ settings: read.value, what: 'a test', log: pino({ level: 'silent' }) })
  } catch (error) {
    if (!(error instanceof StartProblem)) throw error
    expect(error.message).not.toContain('\n')
    return error.message
  }
  await server.stop()
  throw new Error('The server started')
}

/** Debian's `nobody`. */
const NOBODY_ID = 65_534

/**
 * What a command is run by, so that it is run as a plain user. The clone may lie where only root may enter, so that user
 * sees it at another place.
 */
export function asUser(id = NOBODY_ID): readonly string[] {
  const visible = 'mount --bind "$PWD" /mnt && cd /mnt && exec "$@"'
  const user = ['setpriv', '--reuid', String(id), '--regid', String(id), '--clear-groups']
  return ['unshare', '--mount', 'sh', '-c', visible, 'sh', ...user]
}

// --- a PostgreSQL that is none

/** What the pretended server says to whoever connects. */
export type Pretence =
  | { readonly kind: 'wrong-password' }
  /** @param number  as `server_version_num` has it, e.g. 140010 */
  | { readonly kind: 'version'; readonly number: number }
  | { readonly kind: 'other-protocol' }

export interface PretendedPostgres {
  readonly port: number
  close(): Promise<void>
}

/** Speaks just enough of PostgreSQL's protocol, version 3, to be asked for its version. */
export async function pretendPostgres(pretence: Pretence): Promise<PretendedPostgres> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    let greeted = false
    socket.on('data', (data: Buffer) => {
      if (pretence.kind === 'other-protocol') return void socket.end('SSH-2.0-OpenSSH_9.2\r\n')
      if (!greeted) {
        greeted = true
        socket.write(greeting(pretence))
      } else if (data[0] === 'Q'.charCodeAt(0) && pretence.kind === 'version') {
        socket.write(oneRow('server_version_num', String(pretence.number)))
      }
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((closed) => server.close(closed))
    },
  }
}

function greeting(pretence: Pretence): Buffer {
  if (pretence.kind === 'wrong-password') {
    const fields = ['SFATAL', 'VFATAL', 'C28P01', 'Mpassword authentication failed for user "u"', '']
    return message('E', Buffer.from(`${fields.join('\0')}\0`))
  }
  return Buffer.concat([message('R', int32(0)), readyForQuery()])
}

function oneRow(name: string, value: string): Buffer {
  // Table and column of nothing, type text (25), any length, no modifier, as text.
  const column = Buffer.concat([
    Buffer.from(`${name}\0`),
    int32(0),
    int16(0),
    int32(25),
    int16(-1),
    int32(-1),
    int16(0),
  ])
  return Buffer.concat([
    message('T', Buffer.concat([int16(1), column])),
    message('D', Buffer.concat([int16(1), int32(value.length), Buffer.from(value)])),
    message('C', Buffer.from('SELECT 1\0')),
    readyForQuery(),
  ])
}

function readyForQuery(): Buffer {
  return message('Z', Buffer.from('I'))
}

function message(kind: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(kind), int32(body.length + 4), body])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
