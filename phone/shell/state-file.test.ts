import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { factoryFlash, type Flash } from '../agent/mod.ts'
import { openStateFile, removeState } from './state-file.ts'
import { hardware } from './testing.ts'

let dir = ''
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'offhook-state-')), 'phone')
})
afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }))

const flash: Flash = { ...factoryFlash(hardware()), customization: 'Acquired' }

describe('the state file', () => {
  it('is made with its folder, for its owner only', () => {
    const file = openStateFile(dir)
    expect(file.read()).toBeUndefined()
    file.write(flash)
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    expect(statSync(file.path).mode & 0o777).toBe(0o600)
    expect(readdirSync(dir)).toEqual(['flash.json'])
    expect(openStateFile(dir).read()).toEqual(flash)
  })

  it('is written only when there is something new', () => {
    const file = openStateFile(dir)
    file.write(flash)
    const before = statSync(file.path).ino
    file.write({ ...flash })
    expect(statSync(file.path).ino).toBe(before)
    file.write({ ...flash, customization: 'Aborted' })
    expect(statSync(file.path).ino).not.toBe(before)
    expect(openStateFile(dir).read()?.customization).toBe('Aborted')
  })

  it('is the old or the new one after a power cut between writing and renaming', () => {
    const file = openStateFile(dir)
    file.write(flash)
    // What a cut leaves: a half-written file beside the whole one, perhaps with other rights.
    writeFileSync(`${file.path}.new`, '{"version":1,"par')
    chmodSync(`${file.path}.new`, 0o444)
    const again = openStateFile(dir)
    expect(again.read()).toEqual(flash)
    again.write({ ...flash, customization: 'Aborted' })
    expect(readdirSync(dir)).toEqual(['flash.json'])
    expect(statSync(file.path).mode & 0o777).toBe(0o600)
  })

  it.each([
    ['empty', ''],
    ['half', '{"version":1,"parameters":['],
    ['of another kind', '{"hello":"world"}'],
  ])('is refused when it is %s, with its name and what to do', (_, text) => {
    const file = openStateFile(dir)
    writeFileSync(file.path, text)
    expect(() => file.read()).toThrow(`"${file.path}"`)
    expect(() => file.read()).toThrow('remove the file to start from factory state')
  })

  it('is refused when it is larger than any phone writes, without being read', () => {
    const file = openStateFile(dir)
    writeFileSync(file.path, '')
    truncateSync(file.path, 2 ** 32)
    expect(() => file.read()).toThrow('too large')
  })

  it('throws what the disk throws', () => {
    const file = openStateFile(dir)
    rmSync(dir, { recursive: true })
    expect(() => file.write(flash)).toThrow('ENOENT')
  })

  it('goes with a factory reset', () => {
    const file = openStateFile(dir)
    removeState(dir)
    file.write(flash)
    removeState(dir)
    expect(existsSync(file.path)).toBe(false)
  })
})
