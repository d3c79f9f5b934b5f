import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { sealSalted } from '../protocol/envelope/mod.ts'
import { offhook, scratch } from './testing-process.ts'

vi.setConfig({ testTimeout: 60_000 })

const folder = scratch()
function fileOf(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const GOOD = '<flat-profile>\n<Station_Name>Desk</Station_Name>\n</flat-profile>\n'
const BAD =
  '<flat-profile>\n<Station_Name>Desk</Station_Name>\n<User_ID_9_>9</User_ID_9_>\n<Password_1_>x$UID2</Password_1_>\n</flat-profile>\n'

describe('offhook lint', () => {
  it('prints the problems as one JSON document and ends with 1', async () => {
    const ended = await offhook([
      'lint',
      fileOf('bad.xml', BAD),
      '--model',
      'CP-7811-3PCC',
      '--firmware',
      'sip78xx.12-0-2MPP0001-116',
      '--json',
    ])
    expect(ended).toMatchObject({ code: 1, errors: '' })
    const { problems } = JSON.parse(ended.output.toString()) as { problems: readonly Record<string, unknown>[] }
    expect(problems.map(({ code, element, line }) => [code, element, line])).toEqual([
      ['unknown-element', 'User_ID_9_', 3],
      ['foreign-line-variable', 'Password_1_', 4],
    ])
    for (const { message, advice } of problems)
      expect(typeof message === 'string' && typeof advice === 'string').toBe(true)
  })

  it('ends with 0 and an empty list for a good one, also in gzip and from a pipe, for any model', async () => {
    for (const [file, input] of [
      [fileOf('good.xml', GOOD)],
      [fileOf('good.gz', gzipSync(GOOD))],
      ['-', GOOD],
    ] as const) {
      const ended = await offhook(['lint', file, '--json'], input)
      expect({ ...ended, output: JSON.parse(ended.output.toString()) as unknown }).toEqual({
        code: 0,
        errors: '',
        output: { problems: [] },
      })
    }
  })

  it('speaks to people: file, line, what and what to do', async () => {
    const file = fileOf('bad2.xml', BAD)
    const ended = await offhook(['lint', file, '--model', '7811'])
    expect(ended.output.toString()).toContain(
      `${file}:3: CP-7811-3PCC has no "User_ID_9_" (unknown-element)\n    Leave it out`,
    )
    expect(ended.output.toString()).toContain('2 problems')
  })

  it.each([
    ['sealed.cfg', sealSalted(Buffer.from(GOOD), 'k', new Uint8Array(8)), /it is sealed; open it first/],
    ['cut.gz', gzipSync(GOOD).subarray(0, 15), /cut off/],
  ])('%s: says why it cannot', async (name, bytes, said) => {
    const ended = await offhook(['lint', fileOf(name, bytes), '--json'])
    expect(ended).toMatchObject({ code: 1 })
    expect(ended.output.toString()).toBe('')
    expect(ended.errors).toMatch(said)
  })
})
