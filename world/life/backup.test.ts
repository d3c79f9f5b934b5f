import { cp, mkdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { plant } from '../../server/testing.ts'
import { bindAll, makeProvider, serve, untruths, withPlatform } from '../durability/testing.ts'
import { type Ended, Place } from './testing.ts'

vi.setConfig({ testTimeout: 180_000 })

const PHONES = 20

const places: Place[] = []
afterEach(async () => {
  for (const place of places.splice(0)) await place.clear()
})

async function newPlace(): Promise<Place> {
  const place = await Place.make()
  places.push(place)
  return place
}

/** A running server with bound phones and a firmware file, backed up; and an empty place to restore to. */
async function backedUp() {
  const place = await newPlace()
  const provider = await makeProvider(place, 2, PHONES / 2)
  const server = await serve(place)
  const phones = bindAll(place, provider, PHONES / 2, 8)
  await phones.done
  const stored = await fetch(
    `http://127.0.0.1:${place.ports.api}/api/v1/firmware?name=sip88xx.12-0-7MPP0201-66.loads`,
    {
      method: 'POST',
      headers: { authorization: `Bearer ${provider.token}`, 'content-type': 'application/octet-stream' },
      body: Buffer.alloc(500_000, 'firmware'),
    },
  )
  expect(stored.status).toBe(201)
  const file = join(place.folder, 'offhook.backup')
  const made = await place.offhook(['backup', file, '--json']).ended
  expect(made.errors).toBe('')
  expect(JSON.parse(made.output)).toMatchObject({ files: 1 })
  expect((await server.stop('SIGTERM', 'process')).code).toBe(0)
  return { place, file, phones, target: await newPlace() }
}

async function giveKey(from: Place, to: Place): Promise<void> {
  await mkdir(to.dataDir, { recursive: true, mode: 0o700 })
  await cp(join(from.dataDir, 'master.key'), join(to.dataDir, 'master.key'))
}

function refused({ code, errors }: Ended): string {
  expect(code).not.toBe(0)
  return errors
}

describe('offhook backup and restore', () => {
  it('brings every device, key and file back; the master key is not in the backup', async () => {
    const { place, file, phones, target } = await backedUp()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const key = plant((await readFile(join(place.dataDir, 'master.key'), 'utf8')).trim())
    const text = gunzipSync(await readFile(file)).toString()
    expect(
      [key, phones.told[0]?.profileKey ?? '-', phones.told[0]?.password ?? '-'].map((secret) => text.includes(secret)),
    ).toEqual([false, false, false])

    const withoutKey = refused(await target.offhook(['restore', file]).ended)
    expect(withoutKey).toContain('Cannot restore without the master key')
    await giveKey(place, target)
    expect((await target.offhook(['restore', file]).ended).errors).toBe('')
    await withPlatform(target, async (platform) => {
      expect(await untruths(platform, phones.told)).toEqual([])
      const { sha256 } = (await platform.directory.firmware('sip88xx.12-0-7MPP0201-66.loads')) ?? { sha256: '' }
      expect((await stat(platform.firmwarePath({ sha256 }))).size).toBe(500_000)
    })
    const server = await serve(target)
    expect((await server.stop('SIGTERM', 'process')).code).toBe(0)

    const again = refused(await target.offhook(['restore', file]).ended)
    expect(again).toContain('there is data in this database already')
  })

  it('refuses another master key, a file that is cut off, and what is no backup, and restores nothing of it', async () => {
    const { place, file, target } = await backedUp()
    await giveKey(place, target)
    const cut = join(place.folder, 'cut.backup')
    await cp(file, cut)
    await truncate(cut, Math.floor((await stat(file)).size * 0.7))
    expect(refused(await target.offhook(['restore', cut]).ended)).toMatch(
      /cut off or damaged|cannot be read to its end/,
    )
    const other = join(place.folder, 'other.txt')
    await writeFile(other, 'not a backup')
    expect(refused(await target.offhook(['restore', other]).ended)).toContain('cannot be read to its end')
    expect(refused(await target.offhook(['restore', join(place.folder, 'nowhere')]).ended)).toContain(
      'There is no file',
    )

    await writeFile(join(target.dataDir, 'master.key'), `${plant('0123456789abcdef'.repeat(4))}\n`)
    expect(refused(await target.offhook(['restore', file]).ended)).toContain('was sealed with master key')
    await rm(join(target.dataDir, 'master.key'))
    await giveKey(place, target)
    expect((await target.offhook(['restore', file]).ended).code).toBe(0)
  })
})

describe('offhook key rotate', () => {
  it('seals everything under a new key, keeps the old one beside it, and goes on after it was cut short', async () => {
    const place = await newPlace()
    const provider = await makeProvider(place, 1, 5)
    const server = await serve(place)
    const phones = bindAll(place, provider, 5, 2)
    await phones.done
    expect(refused(await place.offhook(['key', 'rotate']).ended)).toContain('Stop it first')
    expect((await server.stop('SIGTERM', 'process')).code).toBe(0)

    const file = join(place.dataDir, 'master.key')
    const old = plant((await readFile(file, 'utf8')).trim())
    const done = await place.offhook(['key', 'rotate', '--json']).ended
    expect(done.errors).toBe('')
    const told = JSON.parse(done.output) as { oldFile: string; secrets: number }
    expect(told.secrets).toBeGreaterThan(5 * 4)
    expect((await readFile(told.oldFile, 'utf8')).trim() === old).toBe(true)
    expect(plant((await readFile(file, 'utf8')).trim()) === old).toBe(false)
    await withPlatform(place, async (platform) => expect(await untruths(platform, phones.told)).toEqual([]))

    // As after a power cut between the database's commit and the renaming.
    await rename(file, `${file}.new`)
    await cp(told.oldFile, file)
    const early = place.offhook(['serve'])
    expect(refused(await early.ended)).toContain('offhook key rotate')
    expect((await place.offhook(['key', 'rotate']).ended).code).toBe(0)
    await withPlatform(place, async (platform) => expect(await untruths(platform, phones.told)).toEqual([]))
  })
})
