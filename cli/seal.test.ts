import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  lstatSync,
  writeFileSync,
} from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { ikmFromText, openAes128gcm, openSalted, sealSalted } from '../protocol/envelope/mod.ts'
import { openBytes } from './open.ts'
import { offhook, scratch } from './testing-process.ts'

vi.setConfig({ testTimeout: 60_000 })

const folder = scratch()
const PROFILE = '<flat-profile><GPP_A>12345678</GPP_A></flat-profile>\n'
const phrase = `phrase ${randomBytes(6).toString('hex')} é`
const wrong = `wrong ${randomBytes(6).toString('hex')}`

let count = 0
function fileOf(content: string | Uint8Array): string {
  const path = join(folder, `in-${++count}`)
  writeFileSync(path, content)
  return path
}
function fresh(): string {
  return join(folder, `out-${++count}`)
}

describe('offhook seal', () => {
  it('makes what openssl opens, as phones do [MPP §2.2]', async () => {
    const out = fresh()
    expect(await offhook(['seal', fileOf(PROFILE), '--key', phrase, '--out', out])).toMatchObject({
      code: 0,
      errors: '',
    })
    const opened = spawnSync('openssl', ['enc', '-d', '-aes-256-cbc', '-md', 'md5', '-k', phrase, '-in', out])
    expect(opened.stdout.toString()).toBe(PROFILE)
  })

  it('compresses before it seals [MPP §2.1], and reads the phrase of a file without its line end', async () => {
    const out = fresh()
    const keyFile = fileOf(`${phrase}\r\n`)
    expect((await offhook(['seal', fileOf(PROFILE), '--key-file', keyFile, '--out', out, '--gzip'])).code).toBe(0)
    const opened = openSalted(readFileSync(out), phrase)
    expect(opened.ok && gunzipSync(opened.value).toString()).toBe(PROFILE)
  })

  it('takes off one line end and no more', async () => {
    const out = fresh()
    await offhook(['seal', fileOf(PROFILE), '--key-file', fileOf(`${phrase}\n\n`), '--out', out])
    expect(openSalted(readFileSync(out), `${phrase}\n`).ok).toBe(true)
  })

  it('seals by RFC 8188 on request [MPP §2.3]', async () => {
    const out = fresh()
    await offhook(['seal', fileOf(PROFILE), '--rfc8188', '--key', phrase, '--out', out])
    const opened = openAes128gcm(readFileSync(out), ikmFromText(phrase))
    expect(opened.ok && Buffer.from(opened.value).toString()).toBe(PROFILE)
  })

  it('works in pipes', async () => {
    const sealed = await offhook(['seal', '-', '--key', phrase, '--out', '-'], PROFILE)
    const opened = await offhook(['open', '-', '--key', phrase, '--out', '-'], sealed.output)
    expect(opened.output.toString()).toBe(PROFILE)
  })

  it('replaces a file whole, keeps its mode and a link to it, and leaves nothing beside it', async () => {
    const place = join(folder, `place-${++count}`)
    mkdirSync(place)
    const real = join(place, 'real.cfg')
    const link = join(place, 'link.cfg')
    writeFileSync(real, 'old')
    chmodSync(real, 0o640)
    symlinkSync(real, link)
    expect((await offhook(['seal', fileOf(PROFILE), '--key', phrase, '--out', link])).code).toBe(0)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(statSync(real).mode & 0o777).toBe(0o640)
    expect(readFileSync(real).subarray(0, 8).toString()).toBe('Salted__')
    expect(readdirSync(place).sort()).toEqual(['link.cfg', 'real.cfg'])
  })

  it.each([
    [['--out', '/nowhere/x'], 1, /Cannot write "\/nowhere\/x": there is no such file or folder/],
    [['--out', folder], 1, /it is a folder; name a file/],
    [['--out', 'x', '--key', ''], 2, /the key is empty/],
    [['--out', 'x', '--key-file', '/nowhere/key'], 1, /Cannot read "\/nowhere\/key"/],
  ])('%j ends with %d', async (args, code, said) => {
    const key = args.some((each) => each.startsWith('--key')) ? [] : ['--key', phrase]
    const ended = await offhook(['seal', fileOf(PROFILE), ...key, ...args])
    expect(ended.code).toBe(code)
    expect(ended.errors).toMatch(said)
  })

  it('wants one key, and not from the pipe that brings the file', async () => {
    expect((await offhook(['seal', 'x', '--out', 'y'])).code).toBe(2)
    expect((await offhook(['seal', 'x', '--key', 'a', '--key-file', 'b', '--out', 'y'])).code).toBe(2)
    expect((await offhook(['seal', '-', '--key-file', '-', '--out', 'y'], 'a')).errors).toMatch(/cannot be both/)
  })
})

describe('offhook open', () => {
  it.each([
    [
      'openssl',
      (path: string) =>
        spawnSync('openssl', ['enc', '-e', '-aes-256-cbc', '-md', 'md5', '-k', phrase, '-in', path]).stdout,
    ],
    ['gzip alone', (path: string) => gzipSync(readFileSync(path))],
  ])('opens what %s made', async (_by, make) => {
    const out = fresh()
    const ended = await offhook(['open', fileOf(make(fileOf(PROFILE))), '--key', phrase, '--out', out])
    expect(ended).toMatchObject({ code: 0, errors: '' })
    expect(readFileSync(out, 'utf8')).toBe(PROFILE)
    expect(statSync(out).mode & 0o777).toBe(0o600)
  })

  it('writes nothing with a wrong key, says so, and does not repeat the key', async () => {
    const out = fresh()
    for (const rfc8188 of [[], ['--rfc8188']]) {
      const sealed = await offhook(['seal', '-', '--key', phrase, '--out', '-', ...rfc8188], PROFILE)
      const ended = await offhook(['open', fileOf(sealed.output), '--key', wrong, '--out', out])
      expect(ended.code).toBe(1)
      expect(ended.errors).toMatch(/does not open|no text/)
      expect(ended.errors).not.toContain(wrong)
    }
    expect(readdirSync(folder)).not.toContain(out.split('/').at(-1))
  })

  it.each([
    ['no key for a sealed file', sealSalted(Buffer.from(PROFILE), 'a', randomBytes(8)), [], 2, /give --key PHRASE/],
    ['plain text', Buffer.from(PROFILE), ['--key', 'a'], 1, /plain text already/],
    [
      'a file that is cut',
      sealSalted(Buffer.from(PROFILE), 'a', randomBytes(8)).subarray(0, 30),
      ['--key', 'a'],
      1,
      /multiple of 16/,
    ],
    ['a damaged gzip', gzipSync(PROFILE).subarray(0, 20), [], 1, /cut off/],
  ])('%s: a clear error', async (_what, bytes, args, code, said) => {
    const ended = await offhook(['open', fileOf(bytes), ...args, '--out', fresh()])
    expect(ended.code).toBe(code)
    expect(ended.errors).toMatch(said)
  })

  it('takes no noise for a profile: of many wrong keys none opens [MPP §2.2 has no checksum]', () => {
    const sealed = sealSalted(Buffer.from(PROFILE.repeat(20)), 'right', new Uint8Array(8))
    const opened = Array.from({ length: 3000 }, (_, index) => openSalted(sealed, `k${index}`).ok)
    const taken = Array.from({ length: 3000 }, (_, index) => openBytes(sealed, `k${index}`, false).ok)
    expect(opened.filter(Boolean).length).toBeGreaterThan(3)
    expect(taken.filter(Boolean).length).toBe(0)
    expect(openBytes(sealed, 'right', false).ok).toBe(true)
  })
})
