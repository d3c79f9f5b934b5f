import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../server/database/testing.ts'
import { plant } from '../../server/testing.ts'
import { eventually, Place } from '../life/testing.ts'
import { asUser, expectRefusal, refusalOf, startsWell } from './testing.ts'

const run = promisify(execFile)
const NOBODY = asUser()
const TOKEN = ['token', 'create', '--init']
const MASTER_KEY = plant(randomBytes(32).toString('hex'))

let place: Place
let database: TestDatabase
let env: Readonly<Record<string, string>>
beforeAll(async () => {
  database = await createTestDatabase()
  env = { DATABASE_URL: database.url, OFFHOOK_MASTER_KEY: MASTER_KEY }
}, 60_000)
afterAll(() => database.drop())
beforeEach(async () => {
  place = await Place.make()
})
afterEach(() => place.clear())

describe('a data directory', () => {
  it('that this user may not write to is named, and stays that of its owner', async () => {
    await mkdir(place.dataDir)
    await chmod(place.dataDir, 0o755)
    const ended = await place.offhook(['serve'], env, NOBODY).ended
    expectRefusal(
      ended,
      /Cannot use data directory "[^"]+\/data": .*permission denied.* It must be a folder that this user/i,
    )
    expect(await readdir(place.dataDir)).toEqual([])
    await chown(place.dataDir, 65_534, 65_534)
    expect(await place.offhook(TOKEN, {}, NOBODY).ended).toMatchObject({ code: 0, errors: '' })
    const mode = (await stat(join(place.dataDir, 'master.key'))).mode & 0o777
    expect(mode).toBe(0o600)
    const daemon = asUser(1)
    await chmod(place.dataDir, 0o777)
    const others = await place.offhook(['token', 'create'], {}, daemon).ended
    expectRefusal(others, /Cannot read the master key "[^"]+": this user may not read it\. Expected a file/)
    expect((await stat(join(place.dataDir, 'master.key'))).uid).toBe(65_534)
    expect(await place.offhook(['token', 'create'], {}, NOBODY).ended).toMatchObject({ code: 0, errors: '' })
  })

  it.each<[string, (path: string) => Promise<unknown>]>([
    ['is a file', (path) => writeFile(path, 'a file')],
    ['is a link to nothing', (path) => symlink('/nowhere/at/all', path)],
    ['is a link to itself', (path) => symlink(path, path)],
  ])('that %s is named', async (_name, make) => {
    await make(place.dataDir)
    expect(await refusalOf(place, env)).toMatch(
      /^Cannot use data directory "[^"]+\/data": .*It must be a folder that this/,
    )
    expect(await readdir(place.folder)).toEqual(['data'])
  })

  it('whose path has spaces, other letters and 200 characters works, with a database of its own', async () => {
    const far = join(place.folder, `Büro Zürich 電話 '"$(x)`, 'x'.repeat(100), 'y'.repeat(60))
    const data = ['--data', far]
    expect(await place.offhook([...TOKEN, ...data]).ended).toMatchObject({ code: 0, errors: '' })
    const link = join(place.folder, 'link')
    await symlink(far, link)
    expect(await place.offhook(['token', 'create', '--data', link]).ended).toMatchObject({ code: 0, errors: '' })
    // Where a path is too long for a socket, its folder lies elsewhere.
    const { socketFolder } = JSON.parse(await readFile(join(far, 'postgres.json'), 'utf8')) as { socketFolder: string }
    if (!socketFolder.startsWith(place.folder)) await rm(socketFolder, { recursive: true })
  })

  it('on a disk that is full is told, and the start works once there is room', async () => {
    await mkdir(place.dataDir)
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=0711', 'offhook-test', place.dataDir])
    try {
      await writeFile(join(place.dataDir, 'filler'), Buffer.alloc(64 * 1024)).catch(() => undefined)
      const ended = await place.offhook(['serve'], { DATABASE_URL: database.url }).ended
      expectRefusal(ended, /Cannot .*"[^"]+": ENOSPC: no space left on device/)
      expect(await readdir(place.dataDir)).toEqual(['filler'])
      await rm(join(place.dataDir, 'filler'))
      await run('mount', ['-o', 'remount,size=4m', place.dataDir])
      await startsWell(place, env)
    } finally {
      await run('umount', ['--lazy', place.dataDir])
    }
  })

  it('that is removed while the server runs does not end it, nor keep it from ending', async () => {
    const server = place.offhook(['serve', '--log-level', 'error'], env)
    await server.until('offhook: phones at')
    const token = (await place.offhook(['token', 'create', '--scope', 'write'], env).ended).output.trim()
    await rm(place.dataDir, { recursive: true })
    expect(await place.health()).toBe(200)
    const answer = await fetch(`http://127.0.0.1:${place.ports.api}/api/v1/firmware?name=x.loads`, {
      method: 'POST',
      headers: { authorization: `Bearer ${plant(token)}`, 'content-type': 'application/octet-stream' },
      body: 'some bytes',
    })
    expect(answer.status).toBeGreaterThanOrEqual(500)
    expect(await answer.text()).not.toContain(place.folder)
    expect((await place.api('firmware', token)).body).toEqual({ items: [] })
    expect((await server.stop('SIGTERM', 'process')).code).toBe(0)
  })
})

describe('the master key', () => {
  it.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    [
      'garbage',
      (path) => writeFile(path, 'hello\n'),
      /^Cannot use the master key in "[^"]+": expected 32 bytes as 64 hex/,
    ],
    ['empty', (path) => writeFile(path, ''), /^Cannot use the master key in "[^"]+": expected 32 bytes/],
    [
      'binary',
      (path) => writeFile(path, randomBytes(5000)),
      /^Cannot use the master key in "[^"]+": expected 32 bytes/,
    ],
    [
      'a folder',
      (path) => mkdir(path),
      /^Cannot read the master key "[^"]+": it is a folder\. Expected a file of 64 hex digits/,
    ],
    [
      'an endless file',
      (path) => symlink('/dev/zero', path),
      /^Cannot use the master key in "[^"]+": expected 32 bytes/,
    ],
    [
      'not there',
      async () => undefined,
      /^Cannot read the master key "[^"]+": there is no such file\. Expected a file/,
    ],
    [
      'wrong',
      (path) => writeFile(path, plant('7b'.repeat(32))),
      /^The master key is not the one .* Give the right one by/,
    ],
  ])('in a file that is %s is refused without being repeated', async (_name, make, words) => {
    await expect(refusalOf(place, env)).rejects.toThrow('The server started')
    const file = join(place.folder, 'key')
    await make(file)
    const said = await refusalOf(place, { DATABASE_URL: database.url, OFFHOOK_MASTER_KEY_FILE: file })
    expect(said).toMatch(words)
    expect(said).not.toContain('7b7b')
    await expect(refusalOf(place, env)).rejects.toThrow('The server started')
  })

  it('that is missing beside a database of its own is not made anew; back in its place it works', async () => {
    expect(await place.offhook(TOKEN).ended).toMatchObject({ code: 0, errors: '' })
    const file = join(place.dataDir, 'master.key')
    const key = plant((await readFile(file, 'utf8')).trim())
    await rm(file)
    const ended = await place.offhook(['serve']).ended
    expectRefusal(ended, /The master key "[^"]+master\.key" is missing, but there is a database .* Put the file back/)
    expect(ended.errors.includes(key)).toBe(false)
    expect(await readdir(place.dataDir)).not.toContain('master.key')
    await writeFile(file, key, { mode: 0o644 })
    expect(await place.offhook(['token', 'create']).ended).toMatchObject({ code: 0, errors: '' })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('in a given file that others may read is used with a warning, and the file left as it is', async () => {
    const file = join(place.folder, 'key')
    await writeFile(file, MASTER_KEY, { mode: 0o644 })
    const server = place.offhook(['serve', '--log-level', 'warn'], {
      DATABASE_URL: database.url,
      OFFHOOK_MASTER_KEY_FILE: file,
    })
    await server.until('offhook: phones at')
    await eventually('the warning', () => server.errors.includes('master-key-open'))
    expect((await server.stop('SIGTERM', 'process')).errors).toMatch(/Others may read the master key .*\(chmod 600\)/)
    expect((await stat(file)).mode & 0o777).toBe(0o644)
  })
})
