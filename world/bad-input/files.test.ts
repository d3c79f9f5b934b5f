import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, readlink, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../server/database/testing.ts'
import { plant } from '../../server/testing.ts'
import { type Ended, Place } from '../life/testing.ts'
import { asUser, expectRefusal } from './testing.ts'

const execute = promisify(execFile)
const MASTER_KEY = plant('3c'.repeat(32))
const NOBODY = asUser()

let place: Place
let database: TestDatabase
let env: Readonly<Record<string, string>>
beforeAll(async () => {
  place = await Place.make()
  database = await createTestDatabase()
  env = { DATABASE_URL: database.url, OFFHOOK_MASTER_KEY: MASTER_KEY }
  await mkdir(at('folder'))
  await writeFile(at('file'), '<flat-profile/>')
  await writeFile(at('closed'), '<flat-profile/>', { mode: 0o600 })
  await writeFile(at('broken.gz'), gzipSync('<flat-profile/>').subarray(0, 20))
  await writeFile(at('sparse'), '')
  await truncate(at('sparse'), 2 ** 30)
  await execute('mkfifo', [at('pipe')])
  // A device that is always full, as /dev/full: nothing of the machine itself is written to.
  await execute('mknod', [at('full'), 'c', '1', '7'])
})
afterAll(async () => {
  await place.clear()
  await database.drop()
})

function at(name: string): string {
  return join(place.folder, name)
}

function run(args: readonly string[], by: readonly string[] = []): Promise<Ended> {
  return place.offhook(args, env, by).ended
}

describe('a file that cannot be read', () => {
  it.each<[string, RegExp]>([
    ['folder', /Cannot read "[^"]+folder": it is a folder; name a file/],
    ['nothing', /Cannot read "[^"]+nothing": there is no such file or folder; name a file that this user may read/],
    ['file/below', /Cannot read "[^"]+": a part of the path is no folder; name a file/],
    ['sparse', /Cannot read "[^"]+sparse": it has more than 67108864 bytes/],
    ['broken.gz', /Cannot lint "[^"]+broken\.gz": The compressed file is cut off/],
    [`${'x'.repeat(300)}`, /Cannot read "[^"]+x": the name is too long; name a file/],
    ['two\nlines\u001b[31m', /Cannot read "[^"]+two\\x0alines\\x1b\[31m": there is no such file/],
  ])('%j is named by offhook lint', async (name, words) => {
    expectRefusal(await run(['lint', at(name)]), words)
  })

  it('of another user is named', async () => {
    expectRefusal(
      await run(['lint', at('closed')], NOBODY),
      /Cannot read "[^"]+closed": permission denied; name a file/,
    )
  })

  it('as a pipe without a writer waits, and ends by a signal; with one it is read', async () => {
    const waiting = place.offhook(['lint', at('pipe')], env)
    const opened = async () =>
      (
        await Promise.all((await readdir(`/proc/${waiting.pid}/fd`)).map(async (fd) => linkOf(waiting.pid, fd)))
      ).includes(at('pipe'))
    while (!(await opened())) await new Promise(setImmediate)
    expect(await waiting.stop('SIGINT', 'process')).toMatchObject({ code: 130, output: '' })
    const reading = place.offhook(['lint', at('pipe'), '--json'], env)
    await writeFile(at('pipe'), '<flat-profile></flat-profile>')
    expect(JSON.parse((await reading.ended).output)).toEqual({ problems: [] })
  })
})

async function linkOf(pid: number, fd: string): Promise<string> {
  return readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
}

describe('a place that cannot be written to', () => {
  it.each<[string, RegExp]>([
    ['folder', /it is a folder/],
    ['full', /it is a device or pipe/],
    ['pipe', /it is a device or pipe/],
    ['nowhere/x', /there is no such file or folder/],
    ['file/below', /a part of the path is no folder/],
    ['x'.repeat(300), /the name is too long/],
  ])('%s is refused by offhook backup, and stays what it is', async (name, why) => {
    const before = (await readdir(place.folder)).toSorted()
    const kind = await kindOf(name)
    const ended = await run(['backup', at(name)])
    expectRefusal(
      ended,
      new RegExp(`Cannot write the backup to "[^"]+": ${why.source}\\. Nothing was written\\. Name a file`),
    )
    expect((await readdir(place.folder)).toSorted()).toEqual(before)
    expect(await kindOf(name)).toBe(kind)
  })

  it('is refused by offhook seal, whatever stands there', async () => {
    const seal = (out: string) => run(['seal', at('file'), '--key', plant('a made-up phrase'), '--out', at(out)])
    expectRefusal(await seal('full'), /Cannot write "[^"]+full": the disk is full; name a file/)
    expectRefusal(await seal('folder'), /Cannot write "[^"]+folder": it is a folder; name a file/)
    expect((await readdir(place.folder)).filter((name) => name.includes('tmp'))).toEqual([])
    expect((await stat(at('full'))).isCharacterDevice()).toBe(true)
  })

  it('standard output is no place for a backup', async () => {
    expectRefusal(await run(['backup', '-']), /Cannot write the backup to "-": standard output cannot be taken back/)
  })
})

async function kindOf(name: string): Promise<number | undefined> {
  return stat(at(name)).then(
    ({ mode }) => mode,
    () => undefined,
  )
}

describe('what is no backup', () => {
  it('of Offhook is refused before anything is made', async () => {
    const good = at('good.backup')
    expect(await run(['backup', good])).toMatchObject({ code: 0, errors: '' })
    const text = gunzipSync(await readFile(good)).toString()
    const [head = '', ...rows] = text.split('\n')
    const files: Readonly<Record<string, readonly [content: string | Uint8Array, words: RegExp]>> = {
      empty: ['', /it is cut off, or no backup|is no backup: it is empty/i],
      text: ['hello\n', /cannot be read to its end: incorrect header check\. It is cut off, or no backup/],
      other: [gzipSync('{"hello":"world"}\n'), /is no backup of Offhook, or of a newer release/],
      format: [gzipSync(text.replace('"format":1', '"format":2')), /is no backup of Offhook, or of a newer release/],
      newer: [
        gzipSync([head.replace(/"schema":\d+/, '"schema":9999'), ...rows].join('\n')),
        /its schema has version 9999, this release knows versions up to \d+\. Install the newer/,
      ],
    }
    const data = at('restored')
    for (const [name, [content, words]] of Object.entries(files)) {
      await writeFile(at(`bad-${name}`), content)
      expectRefusal(await run(['restore', at(`bad-${name}`), '--data', data]), words)
    }
    expect(await readdir(place.folder)).not.toContain('restored')
  })

  it.each<[string, RegExp]>([
    ['folder', /Cannot read "[^"]+folder": it is a folder\. Name a file that "offhook backup" wrote/],
    ['pipe', /Cannot read "[^"]+pipe": it is no file\. Name a file/],
    ['nothing', /There is no file "[^"]+nothing"/],
  ])('but a %s is named', async (name, words) => {
    expectRefusal(await run(['restore', at(name), '--data', at('restored')]), words)
    expect(await readdir(place.folder)).not.toContain('restored')
  })

  it('nor one that is closed to this user', async () => {
    await writeFile(at('closed.backup'), 'x', { mode: 0o600 })
    const ended = await run(['restore', at('closed.backup'), '--data', at('restored')], NOBODY)
    expectRefusal(ended, /Cannot read "[^"]+closed\.backup": this user may not\. Run as one who may/)
  })

  it('into a database with data is refused, and the data stays', async () => {
    const tokens = async () => (await (await database.open()).pool.query('select count(*) from token')).rows
    const before = await tokens()
    expectRefusal(
      await run(['restore', at('good.backup')]),
      /there is data in this database already .* Restore into a new/,
    )
    expect(await tokens()).toEqual(before)
    await rm(at('good.backup'))
  })
})
