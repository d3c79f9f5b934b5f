import { execFileSync } from 'node:child_process'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { plant } from '../../server/testing.ts'
import { type Said, shopForAll } from './cli-testing.ts'

vi.setConfig({ testTimeout: 180_000 })

const shop = shopForAll()
const RULE = /https:\/\/localhost:\d+\/cisco-init\/([0-9]{8,10})/

function keypad(...args: readonly string[]): Promise<Said> {
  return shop().run(['keypad', ...args])
}

function accountId(): string {
  return shop().provider.accounts[0]?.id ?? ''
}

describe('offhook keypad', () => {
  it('prints the sheet of an account, and as JSON everything about it', async () => {
    const { code, output, errors } = await keypad('--account', accountId())
    const digits = plant(RULE.exec(output)?.[1] ?? '')
    expect({ code, errors, length: digits.length, last: output.slice(-2) }).toEqual({
      code: 0,
      errors: '',
      length: 10,
      last: '.\n',
    })
    for (const word of ['Profile Rule', 'Press Resync', 'any one phone']) expect(output.includes(word)).toBe(true)

    const json = JSON.parse((await keypad('--account', accountId(), '--digits', '8', '--json')).output)
    plant(json.code)
    expect(json.code).toMatch(/^[0-9]{8}$/)
    expect(json.rule.endsWith(`/cisco-init/${json.code}`)).toBe(true)
  })

  it('writes a PDF that only its owner may read', async () => {
    const file = join(shop().place.folder, 'sheet.pdf')
    const { code, output, errors } = await keypad('--account', accountId(), '--pdf', file)
    expect({ code, output }).toEqual({ code: 0, output: '' })
    expect(errors).toContain('sheet.pdf')
    const page = execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' })
    plant(RULE.exec(page)?.[1] ?? 'no rule')
    expect(RULE.test(page)).toBe(true)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await readFile(file)).subarray(0, 5).toString()).toBe('%PDF-')
  })

  it('of a phone that is not there, or of no one, is refused in words, and nothing is written', async () => {
    const { folder } = shop().place
    const account = accountId()
    const before = await readdir(folder)
    const unknown = await keypad('--mac', '00:0e:08:00:00:01', '--pdf', join(folder, 'none.pdf'))
    expect(unknown.code).toBe(1)
    expect(unknown.errors).toContain('000e08000001')
    const wrong = [
      [],
      ['--account', account, '--mac', '000e08000001'],
      ['--account', account, '--digits', '7'],
      ['--account', account, '--json', '--pdf', join(folder, 'none.pdf')],
    ]
    for (const args of wrong) {
      const { code, output, errors } = await keypad(...args)
      expect({ args: args.length, code, output }).toEqual({ args: args.length, code: 2, output: '' })
      expect(errors).toMatch(/^offhook: .*(?:Name whom|expected 8, 9 or 10|leave out)/)
    }
    expect(await readdir(folder)).toEqual(before)
  })
})
