import { execFile } from 'node:child_process'
import { mkdir, open, readdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { eventually, Place } from '../life/testing.ts'
import { bindAll, halfDone, makeProvider, serve, untruths, withPlatform } from './testing.ts'

vi.setConfig({ testTimeout: 300_000 })

const run = promisify(execFile)
const PHONES = 600
const DISK_MIB = 160
const BLOCK = 64 * 1024

let place: Place
afterEach(async () => {
  await run('umount', ['--lazy', place.dataDir])
  await place.clear()
})

/** A data directory on a small disk of its own. Mounting needs root. */
async function smallDisk(): Promise<Place> {
  const made = await Place.make()
  await mkdir(made.dataDir)
  await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m,mode=0711`, 'offhook-test', made.dataDir])
  return made
}

/** Takes all the room that is left. @returns what gives it back */
async function fill(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'filler')
  const file = await open(path, 'wx')
  const block = Buffer.alloc(BLOCK)
  try {
    for (let size = BLOCK; size > 0; ) {
      const written = await file.write(block, 0, size).catch(() => ({ bytesWritten: 0 }))
      if (written.bytesWritten < size) size = Math.floor(size / 16)
    }
  } finally {
    await file.close()
  }
  expect((await statfs(folder)).bavail).toBe(0)
  return () => rm(path)
}

/** @returns the status; 0 when the connection was broken off, as by a server that answers before it has read all */
async function upload(token: string, bytes: number): Promise<number> {
  const asked = fetch(`http://127.0.0.1:${place.ports.api}/api/v1/firmware?name=big.loads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    body: Buffer.alloc(bytes, 7),
  })
  return asked.then(
    (answer) => answer.status,
    () => 0,
  )
}

describe('a full disk', () => {
  it('loses nothing that was answered, is told in words, and is over as soon as there is room', async () => {
    place = await smallDisk()
    const provider = await makeProvider(place, 1, PHONES)
    const server = await serve(place)
    const phones = bindAll(place, provider, PHONES, 16)
    await eventually('the first bindings', () => phones.told.length > PHONES / 6)

    const free = await fill(place.dataDir)
    const refused = phones.triedAgain()
    await eventually('bindings that cannot be written', () => phones.triedAgain() > refused + 50)
    expect(server.isOver).toBe(false)
    const told = phones.told.length
    expect([0, 500, 503, 507]).toContain(await upload(provider.token, 4 * 1024 * 1024))

    await free()
    await phones.done
    expect(told).toBeLessThan(PHONES)
    expect(await upload(provider.token, 1024 * 1024)).toBe(201)
    expect((await readdir(join(place.dataDir, 'firmware'))).length).toBe(1)
    expect((await server.stop('SIGTERM', 'process')).code).toBe(0)
    await withPlatform(place, async (platform) => {
      expect(await untruths(platform, phones.told)).toEqual([])
      expect(await halfDone(platform)).toEqual({ bound: PHONES, others: 0, keys: 0, lines: 0, uses: 0, events: 0 })
    })
  })
})
