import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import type { RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { tftpRead, tftpWrite } from '../../phone/shell/mod.ts'
import { bytesSource } from '../../protocol/tftp/mod.ts'
import { listenTftp } from '../../server/nps/tftp/mod.ts'
import type { TftpAnswer, TftpDoor, TftpDoorEvent, TftpRequest } from '../../server/nps/tftp/mod.ts'

/*
 * The TFTP door and clients that others wrote: tftp-hpa, atftp and curl; and then our own client. All over real
 * sockets on the loopback interface.
 */

const HOST = '127.0.0.1'

/** Program and the Debian package it comes in. */
const PROGRAMS: readonly (readonly [string, string])[] = [
  ['tftp', 'tftp-hpa'],
  ['atftp', 'atftp'],
  ['curl', 'curl'],
]

/** Longest a program may take; it is killed then. */
const PROGRAM_MS_MAX = 45_000

const files: ReadonlyMap<string, Uint8Array> = new Map([
  ['empty', new Uint8Array(0)],
  ['one-byte', Uint8Array.of(7)],
  ['one-block', fileOf(512)],
  [
    '8851-3PCC.xml',
    new TextEncoder().encode('<flat-profile>\n<Profile_Rule>$MA.cfg</Profile_Rule>\n</flat-profile>\n'),
  ],
  ['profile-20k', fileOf(20 * 1024)],
  ['blocks-of-1428', fileOf(1428 * 4)],
  // Over 32 MB the block number of 512-byte blocks wraps.
  ['firmware-34m', fileOf(34 * 1024 * 1024)],
  ['firmware-40m', fileOf(40 * 1024 * 1024)],
])
const smallNames = [...files.keys()].filter((name) => !name.startsWith('firmware'))

let door: TftpDoor
let folder: string
const written = new Map<string, Uint8Array>()
const events: TftpDoorEvent[] = []

beforeAll(async () => {
  for (const [program, debianPackage] of PROGRAMS) requireProgram(program, debianPackage)
  folder = await mkdtemp(join(tmpdir(), 'offhook-tftp-'))
  const note = (event: TftpDoorEvent): void => void events.push(event)
  const limits = { perAddressMax: 256 }
  door = await listenTftp({ port: 0, host: HOST, answer: answerRequest, limits, note })
})

afterAll(async () => {
  await door?.close()
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

describe.each([
  ['tftp-hpa', getWithHpa, putWithHpa],
  ['atftp', getWithAtftp, putWithAtftp],
  ['curl', getWithCurl, putWithCurl],
] as const)('%s', (_client, get, put) => {
  it.each(smallNames)('reads %s whole [RFC 1350 §2]', async (name) => {
    const { bytes } = await get(name, {})
    expect(digestOf(bytes)).toBe(digestOf(files.get(name)))
  })

  it('is told of a missing file [RFC 1350 §5]', async () => {
    const { output } = await get('missing', {})
    expect(output).toMatch(/File not found|curl: \(68\)/i) // 68: "file not found on TFTP server"
    expect(events).toContainEqual(expect.objectContaining({ kind: 'refused', filename: 'missing', code: 1 }))
  })

  it.each(smallNames)('writes %s whole [MPP §12.2]', async (name) => {
    written.delete(`accepted-${name}`)
    await put(name, `accepted-${name}`)
    expect(digestOf(written.get(`accepted-${name}`))).toBe(digestOf(files.get(name)))
  })

  it('is told that a file is not accepted', async () => {
    const { output } = await put('profile-20k', 'refused-report')
    expect(output).toMatch(/Not wanted|access violation|curl: \(69\)/i) // 69: "permission problem on TFTP server"
    expect(written.has('refused-report')).toBe(false)
  })

  it('reads a file of 34 MB in blocks of 512, past the last block number', async () => {
    const { bytes } = await get('firmware-34m', {})
    expect(digestOf(bytes)).toBe(digestOf(files.get('firmware-34m')))
  })
})

describe('programs with options', () => {
  it('tftp-hpa reads in netascii mode, the mode it starts with', async () => {
    const { bytes } = await getWithHpa('8851-3PCC.xml', { mode: 'netascii' })
    expect(digestOf(bytes)).toBe(digestOf(files.get('8851-3PCC.xml')))
  })

  it.each(['blksize 8', 'blksize 1428', 'blksize 65464', 'timeout 1', 'tsize', 'blksize 1000 tsize timeout 2'])(
    'atftp reads with %s [RFC 2347 §3]',
    async (options) => {
      const { bytes } = await getWithAtftp('profile-20k', { options: options.match(/[a-z]+( \d+)?/g) ?? [] })
      expect(digestOf(bytes)).toBe(digestOf(files.get('profile-20k')))
    },
  )

  it.each([[8], [512], [1428], [1468], [65464]])('curl reads with blksize %d [RFC 2348 §2]', async (blockSize) => {
    const { bytes } = await getWithCurl('profile-20k', { arguments: ['--tftp-blksize', String(blockSize)] })
    expect(digestOf(bytes)).toBe(digestOf(files.get('profile-20k')))
  })

  it('curl reads without options', async () => {
    const { bytes } = await getWithCurl('profile-20k', { arguments: ['--tftp-no-options'] })
    expect(digestOf(bytes)).toBe(digestOf(files.get('profile-20k')))
  })

  it('curl and atftp read at the same time', async () => {
    const results = await Promise.all(
      [1, 2, 3].flatMap(() => [getWithCurl('profile-20k', {}), getWithAtftp('profile-20k', {})]),
    )
    for (const { bytes } of results) expect(digestOf(bytes)).toBe(digestOf(files.get('profile-20k')))
  })
})

describe('our own client', () => {
  const optionSets = [
    {},
    { blockSize: 8 },
    { blockSize: 512 },
    { blockSize: 1428 },
    { blockSize: 65464 },
    { windowSize: 4 },
    { blockSize: 1428, windowSize: 16 },
  ]

  it.each(optionSets)('reads and writes every small file with %o', async (options) => {
    for (const name of smallNames) {
      const target = { host: HOST, port: door.port, ...options }
      const read = await tftpRead({ ...target, path: name, maxBytes: 1_000_000 })
      expect(read.kind === 'file' && digestOf(read.bytes)).toBe(digestOf(files.get(name)))
      const body = files.get(name) ?? new Uint8Array(0)
      const path = `accepted-ours-${name}`
      expect(await tftpWrite({ ...target, path, body })).toEqual({ kind: 'sent', byteCount: body.length })
      expect(digestOf(written.get(path))).toBe(digestOf(body))
    }
  })

  it.each([{}, { blockSize: 1428 }, { windowSize: 16 }])('reads 40 MB with %o', async (options) => {
    const path = 'firmware-40m'
    const read = await tftpRead({ host: HOST, port: door.port, path, maxBytes: 64 * 1024 * 1024, ...options })
    expect(read.kind === 'file' && digestOf(read.bytes)).toBe(digestOf(files.get(path)))
  })

  it.each([{}, { blockSize: 1428 }])(
    'reads 64 files at once with %o while one packet in a hundred is lost',
    async (options) => {
      const relay = await openRelay(door.port, 0.01)
      const times: number[] = []
      const readOne = async (): Promise<void> => {
        const before = performance.now()
        const read = await tftpRead({ host: HOST, port: relay.port, path: 'profile-20k', maxBytes: 1e6, ...options })
        times.push(performance.now() - before)
        expect(read.kind === 'file' && digestOf(read.bytes)).toBe(digestOf(files.get('profile-20k')))
      }
      await Promise.all(Array.from({ length: 64 }, readOne))
      await relay.close()
      expect(relay.lostCount()).toBeGreaterThan(0)
      expect(times).toHaveLength(64)
    },
  )
})

async function answerRequest({ op, filename, body }: TftpRequest): Promise<TftpAnswer> {
  const file = files.get(filename.replace(/^\//, ''))
  if (op === 'read' && file !== undefined) return { kind: 'file', source: bytesSource(file) }
  if (op === 'read') return { kind: 'error', code: 1, message: 'never shown' }
  if (!/accepted/.test(filename)) return { kind: 'error', code: 2, message: 'Not wanted' }
  written.set(filename.replace(/^\//, ''), body ?? new Uint8Array(0))
  return { kind: 'accepted' }
}

interface Got {
  readonly bytes: Uint8Array | undefined
  readonly output: string
}

interface GetOptions {
  readonly mode?: string
  readonly options?: readonly string[]
  readonly arguments?: readonly string[]
}

async function getWithHpa(name: string, { mode = 'binary' }: GetOptions): Promise<Got> {
  return got((local) => run('tftp', ['-4', '-m', mode, HOST, String(door.port), '-c', 'get', name, local]))
}

async function getWithAtftp(name: string, { options = [] }: GetOptions): Promise<Got> {
  const optionArguments = options.flatMap((option) => ['--option', option])
  return got((local) => run('atftp', [...optionArguments, '-g', '-r', name, '-l', local, HOST, String(door.port)]))
}

async function getWithCurl(name: string, options: GetOptions): Promise<Got> {
  const url = `tftp://${HOST}:${door.port}/${name}`
  return got(async (local) => {
    // It creates no file for no bytes.
    await writeFile(local, '')
    return run('curl', ['-sSf', ...(options.arguments ?? []), '-o', local, url])
  })
}

async function putWithHpa(name: string, as: string): Promise<{ readonly output: string }> {
  const local = await localFile(name)
  return run('tftp', ['-4', '-m', 'binary', HOST, String(door.port), '-c', 'put', local, as])
}

async function putWithAtftp(name: string, as: string): Promise<{ readonly output: string }> {
  return run('atftp', ['-p', '-l', await localFile(name), '-r', as, HOST, String(door.port)])
}

async function putWithCurl(name: string, as: string): Promise<{ readonly output: string }> {
  return run('curl', ['-sS', '-T', await localFile(name), `tftp://${HOST}:${door.port}/${as}`])
}

let localCount = 0

async function got(fetch: (local: string) => Promise<{ readonly output: string }>): Promise<Got> {
  localCount += 1
  const local = join(folder, `got-${localCount}`)
  const { output } = await fetch(local)
  const bytes = await readFile(local).catch(() => undefined)
  return { bytes, output }
}

async function localFile(name: string): Promise<string> {
  localCount += 1
  const local = join(folder, `put-${localCount}`)
  await writeFile(local, files.get(name) ?? new Uint8Array(0))
  return local
}

/** Runs a program to its end and gives back what it said on both streams. */
async function run(program: string, args: readonly string[]): Promise<{ readonly output: string }> {
  const child = spawn(program, [...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], timeout: PROGRAM_MS_MAX })
  const pieces: Buffer[] = []
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece))
  child.stderr.on('data', (piece: Buffer) => pieces.push(piece))
  await once(child, 'close')
  return { output: Buffer.concat(pieces).toString() }
}

function requireProgram(program: string, debianPackage: string): void {
  const found = spawnSync(program, ['--version'], { timeout: PROGRAM_MS_MAX })
  if (found.error !== undefined) throw new Error(`Cannot run "${program}": install the Debian package ${debianPackage}`)
}

interface Relay {
  readonly port: number
  lostCount(): number
  close(): Promise<void>
}

/** Stands between clients and the door, with a socket towards the door for each client, and loses packets both ways. */
async function openRelay(doorPort: number, lost: number): Promise<Relay> {
  const front = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 })
  const backs = new Map<number, ReturnType<typeof createSocket>>()
  let lostCount = 0
  let state = 12345
  const loses = (): boolean => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    const gone = state / 0x80000000 < lost
    if (gone) lostCount += 1
    return gone
  }
  front.on('message', (bytes: Uint8Array, client: RemoteInfo) => {
    const known = backs.get(client.port)
    const back = known ?? createSocket('udp4')
    backs.set(client.port, back)
    if (known === undefined) back.on('message', (answer) => void (loses() || front.send(answer, client.port, HOST)))
    if (!loses()) back.send(bytes, doorPort, HOST)
  })
  front.bind(0, HOST)
  await once(front, 'listening')
  const close = async (): Promise<void> => {
    for (const socket of [front, ...backs.values()]) socket.close()
  }
  return { port: front.address().port, lostCount: () => lostCount, close }
}

function fileOf(byteCount: number): Uint8Array {
  const bytes = new Uint8Array(byteCount)
  for (let index = 0; index < byteCount; index += 1) bytes[index] = (index * 7 + (index >> 9) * 13) & 0xff
  return bytes
}

function digestOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'no file' : `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`
}
