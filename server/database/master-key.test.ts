import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { keyCheck, loadMasterKey, MasterKey, openSecret, sealSecret, verifyKeyCheck } from './master-key.ts'

const HEX = '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff'
const key = new MasterKey(Buffer.from(HEX, 'hex'))
const otherKey = new MasterKey(new Uint8Array(32).fill(9))
const nonce = new Uint8Array(12).fill(7)

let dataDir: string

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'offhook-key-'))
})

afterEach(() => rm(dataDir, { recursive: true, force: true }))

describe('sealSecret and openSecret', () => {
  it('open what was sealed, for any bytes and any context', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.string(),
        fc.uint8Array({ minLength: 12, maxLength: 12 }),
        (plain, context, chance) => {
          const opened = openSecret(key, sealSecret(key, plain, context, chance), context)
          expect(opened).toEqual({ ok: true, value: plain })
        },
      ),
    )
  })

  it('keep the layout: version, key id, nonce, ciphertext, tag', () => {
    const sealed = sealSecret(key, 'abc', 'line/1/password', nonce)
    expect(sealed[0]).toBe(1)
    expect(Buffer.from(sealed.subarray(1, 5)).toString('hex')).toBe(key.id)
    expect(sealed.subarray(5, 17)).toEqual(nonce)
    expect(sealed.length).toBe(1 + 4 + 12 + 3 + 16)
    // Fixed for ever: databases are full of these.
    expect(Buffer.from(sealed).toString('hex')).toBe(FIXED)
  })

  it('refuse every change of a single bit', () => {
    const sealed = sealSecret(key, 'a secret', 'context', nonce)
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(openSecret(key, changed, 'context').ok).toBe(false)
    }
  })

  it('refuse another context', () => {
    const opened = openSecret(key, sealSecret(key, 'a secret', 'line/1/password', nonce), 'line/2/password')
    expect(opened).toMatchObject({ ok: false, error: { code: 'wrong' } })
  })

  it('refuse another key by its name, and find the right one on a ring', () => {
    const sealed = sealSecret(key, 'a secret', 'context', nonce)
    expect(openSecret(otherKey, sealed, 'context')).toMatchObject({ ok: false, error: { code: 'unknown-key' } })
    expect(openSecret({ current: otherKey, older: [key] }, sealed, 'context').ok).toBe(true)
  })

  it('never throw, whatever the bytes and wherever they end', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => !openSecret(key, bytes, 'context').ok))
    const sealed = sealSecret(key, 'a secret', 'context', nonce)
    for (let length = 0; length < sealed.length; length++) {
      expect(openSecret(key, sealed.subarray(0, length), 'context').ok).toBe(false)
    }
  })
})

describe('MasterKey', () => {
  it('shows its id and nothing else, however it gets printed', () => {
    const shown = [inspect(key), String(key), JSON.stringify({ key }), inspect({ deep: [key] }, { showHidden: true })]
    for (const text of shown) {
      expect(text).toContain(`[master key ${key.id}]`)
      expect(text).not.toContain(HEX.slice(0, 8))
    }
  })

  it('derives another key for another purpose, and the same one for the same', () => {
    expect(key.derive('marker')).toEqual(key.derive('marker'))
    expect(key.derive('marker')).not.toEqual(key.derive('seal'))
    expect(key.derive('marker')).not.toEqual(otherKey.derive('marker'))
  })
})

describe('keyCheck', () => {
  it('fits its own key alone', () => {
    expect(verifyKeyCheck(key, keyCheck(key))).toBe(true)
    expect(verifyKeyCheck(otherKey, keyCheck(key))).toBe(false)
    for (const text of ['', 'x', keyCheck(key).slice(1), `${keyCheck(key)}0`])
      expect(verifyKeyCheck(key, text)).toBe(false)
  })

  it('does not hold the key', () => {
    expect(keyCheck(key)).not.toContain(HEX.slice(0, 16))
  })
})

describe('loadMasterKey', () => {
  it.each([
    ['hex', HEX],
    ['HEX with a line end', `${HEX.toUpperCase()}\n`],
    ['base64', Buffer.from(HEX, 'hex').toString('base64')],
    ['base64url', Buffer.from(HEX, 'hex').toString('base64url')],
  ])('reads a value in %s', async (_, value) => {
    const loaded = await loadMasterKey({ dataDir, value })
    expect(loaded.ok && loaded.value.id).toBe(key.id)
    expect(await readdir(dataDir)).toEqual([])
  })

  it.each([
    ['nothing', ''],
    ['a word', 'short'],
    ['31 bytes', HEX.slice(2)],
    ['33 bytes', `${HEX}00`],
    ['64 letters that are no hex', 'g'.repeat(64)],
  ])('refuses %s without repeating it', async (_, value) => {
    const loaded = await loadMasterKey({ dataDir, value })
    expect(loaded.ok ? '' : loaded.error.code).toBe('bad-value')
    if (value !== '') expect(loaded.ok || loaded.error.message.includes(value)).toBe(false)
  })

  it('makes a key of its own at first use, readable by nobody else, and keeps it', async () => {
    const first = await loadMasterKey({ dataDir })
    const text = await readFile(join(dataDir, 'master.key'), 'utf8')
    const second = await loadMasterKey({ dataDir })
    expect(first.ok && second.ok && first.value.id === second.value.id).toBe(true)
    expect(await readFile(join(dataDir, 'master.key'), 'utf8')).toBe(text)
    expect((await stat(join(dataDir, 'master.key'))).mode & 0o777).toBe(0o600)
    expect(await readdir(dataDir)).toEqual(['master.key'])
  })

  it('makes one key when many ask at the same moment', async () => {
    const loaded = await Promise.all(Array.from({ length: 10 }, () => loadMasterKey({ dataDir })))
    expect(new Set(loaded.map((each) => (each.ok ? each.value.id : each.error.message))).size).toBe(1)
    expect(await readdir(dataDir)).toEqual(['master.key'])
  })

  it('never overwrites a file that is there, even an empty one', async () => {
    await writeFile(join(dataDir, 'master.key'), '')
    const loaded = await loadMasterKey({ dataDir })
    expect(loaded.ok ? '' : loaded.error.code).toBe('bad-value')
    expect(await readFile(join(dataDir, 'master.key'), 'utf8')).toBe('')
  })

  it('reads a file that is given, and says when it cannot', async () => {
    const file = join(dataDir, 'given')
    const text = randomBytes(32).toString('base64')
    await writeFile(file, text)
    const fromFile = await loadMasterKey({ dataDir, file })
    const fromValue = await loadMasterKey({ dataDir, value: text })
    expect(fromFile.ok && fromValue.ok && fromFile.value.id === fromValue.value.id).toBe(true)
    const missing = await loadMasterKey({ dataDir, file: join(dataDir, 'missing') })
    expect(missing.ok ? '' : missing.error.code).toBe('unreadable')
  })
})

const FIXED = '01ad59644b070707070707070707070707340914ec67c60296fc38fb22e44dc98b685c67'
