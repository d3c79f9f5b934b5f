import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'

import { startChild } from './testdata/child.ts'
import { lockDataDirectory } from './lock.ts'

const folders: string[] = []

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'offhook-lock-'))
  folders.push(made)
  return made
}

afterEach(async () => {
  for (const made of folders.splice(0)) await rm(made, { recursive: true, force: true })
})

describe('lockDataDirectory', () => {
  it('gives the folder to the first and refuses the second in words that name the first', async () => {
    const dataDir = await folder()
    const first = await lockDataDirectory(dataDir, 'offhook serve')
    const second = await lockDataDirectory(dataDir, 'offhook key rotate')
    expect(first.ok).toBe(true)
    expect(second).toEqual({
      ok: false,
      error: {
        code: 'in-use',
        message: [
          `Cannot use data directory "${dataDir}": offhook serve (pid ${process.pid}) is running there. `,
          'Stop it first, or choose another folder',
        ].join(''),
      },
    })
    if (first.ok) await first.value.release()
  })

  it('refuses at once, whoever has the smaller ticket', { timeout: 3_000 }, async () => {
    const dataDir = await folder()
    const first = await lockDataDirectory(dataDir, 'offhook serve')
    for (let round = 0; round < 10; round++) {
      expect((await lockDataDirectory(dataDir, 'offhook serve')).ok).toBe(false)
    }
    if (first.ok) await first.value.release()
  })

  it('can be taken again after release, and release may be called twice', async () => {
    const dataDir = await folder()
    for (let round = 0; round < 3; round++) {
      const lock = await lockDataDirectory(dataDir, 'offhook serve')
      expect(lock.ok).toBe(true)
      if (!lock.ok) continue
      await lock.value.release()
      await lock.value.release()
    }
    expect(await readdir(dataDir)).toEqual([])
  })

  it('has one winner when many come at the same moment', async () => {
    const dataDir = await folder()
    const locks = await Promise.all(Array.from({ length: 12 }, () => lockDataDirectory(dataDir, 'offhook serve')))
    const held = locks.filter((lock) => lock.ok)
    expect(held).toHaveLength(1)
    for (const lock of held) await lock.value.release()
    expect(await readdir(dataDir)).toEqual([])
  })

  it('has one winner when many come at the same moment over a dead lock', async () => {
    const dataDir = await folder()
    const child = await startChild('hold-lock', [dataDir])
    await child.kill('SIGKILL')
    expect(await readdir(dataDir)).toHaveLength(1)
    const locks = await Promise.all(Array.from({ length: 12 }, () => lockDataDirectory(dataDir, 'offhook serve')))
    const held = locks.filter((lock) => lock.ok)
    expect(held).toHaveLength(1)
    for (const lock of held) await lock.value.release()
  })

  it('refuses while another process holds it, and takes over once that was killed', async () => {
    const dataDir = await folder()
    const child = await startChild('hold-lock', [dataDir])
    const refused = await lockDataDirectory(dataDir, 'offhook serve')
    expect(refused.ok ? '' : refused.error.message).toContain(`child (pid ${child.pid}) is running there`)
    await child.kill('SIGKILL')
    const lock = await lockDataDirectory(dataDir, 'offhook serve')
    expect(lock.ok).toBe(true)
    if (lock.ok) await lock.value.release()
  })

  it('counts a process that is stopped as a living one', async () => {
    const dataDir = await folder()
    const child = await startChild('hold-lock', [dataDir])
    process.kill(child.pid, 'SIGSTOP')
    const refused = await lockDataDirectory(dataDir, 'offhook serve')
    await child.kill('SIGKILL')
    expect(refused.ok ? '' : refused.error.code).toBe('in-use')
    expect(refused.ok ? '' : refused.error.message).toContain('does not answer')
  })

  it('works in a folder whose path is longer than a socket path may be [unix(7)]', async () => {
    const dataDir = join(await folder(), 'a'.repeat(120), 'b'.repeat(120))
    const first = await lockDataDirectory(dataDir, 'offhook serve')
    const second = await lockDataDirectory(dataDir, 'offhook serve')
    expect(first.ok).toBe(true)
    expect(second.ok ? '' : second.error.code).toBe('in-use')
    if (first.ok) await first.value.release()
  })

  it('makes the folder, closed to the eyes of others', async () => {
    const dataDir = join(await folder(), 'new', 'data')
    const lock = await lockDataDirectory(dataDir, 'offhook serve')
    expect((await stat(dataDir)).mode & 0o066).toBe(0)
    if (lock.ok) await lock.value.release()
  })

  it('does not keep its process alive', async () => {
    const dataDir = await folder()
    const child = await startChild('take-lock-and-return', [dataDir])
    expect(await child.ended).toBe(0)
  })

  it('says when the folder is a file', async () => {
    const dataDir = join(await folder(), 'data')
    await writeFile(dataDir, 'not a folder')
    const lock = await lockDataDirectory(dataDir, 'offhook serve')
    expect(lock.ok ? '' : lock.error.code).toBe('unwritable')
    expect(lock.ok ? '' : lock.error.message).toContain(`"${dataDir}"`)
  })

  // Only root can become a plain user; a plain user is one already and cannot make the folder that this needs.
  if (process.getuid?.() === 0)
    it('says when a plain user may not write there', async () => {
      const dataDir = join(await folder(), 'data')
      await mkdir(dataDir)
      await chmod(join(dataDir, '..'), 0o755)
      const child = await startChild('hold-lock', [dataDir], { uid: 65534, gid: 65534 })
      expect(await child.ended).toBe(3)
      expect(child.output()).toContain('unwritable')
    })
})
