import { describe, expect, it } from 'vitest'
import { completeLock } from './complete-lock.js'
import { findSecrets, readSecrets } from './secret-search.js'
import { countTests } from './test-count.js'

describe('the count of tests', () => {
  const file = (status: string, ...tests: readonly string[]): Parameters<typeof countTests>[0] => ({
    testResults: [
      { name: 'a.test.ts', status, assertionResults: tests.map((test) => ({ status: test, fullName: 'x' })) },
    ],
  })
  const cases: readonly (readonly [string, Parameters<typeof countTests>[0], number | string, number, number])[] = [
    ['all passed', file('passed', 'passed', 'passed'), 0, 2, 0],
    ['a failed one', file('failed', 'passed', 'failed'), 1, 1, 1],
    ['a skipped one', file('passed', 'passed', 'skipped'), 0, 1, 1],
    ['a todo', file('passed', 'passed', 'todo'), 0, 1, 1],
    ['a pending one', file('passed', 'passed', 'pending'), 0, 1, 1],
    ['a file that did not load', file('failed'), 1, 0, 1],
    ['a hook that threw after its tests', file('failed', 'passed'), 1, 1, 1],
    ['no test at all', { testResults: [] }, 0, 0, 1],
    ['an error outside the tests', file('passed', 'passed'), 1, 1, 1],
    ['no report', undefined, 'SIGSEGV', 0, 1],
  ]
  it.each(cases)('knows %s', (_name, json, code, passed, failed) => {
    const count = countTests(json, code)
    expect([count.passed, count.problems.length]).toEqual([passed, failed])
  })
})

describe('the search for secrets', () => {
  // Made up for this test, and never planted.
  const secret = `p<ss&w"rd${'/'}é-${7 * 191}`
  const found = (output: string, secrets: readonly string[] = [secret]): readonly string[] =>
    findSecrets(Buffer.from(output), [...secrets]).map((place) => `${place.form} ${place.line}:${place.column}`)

  it('finds a secret as it is and in other clothes, and says where', () => {
    expect(found(`one\ntwo ${secret} three`)).toEqual(['text 2:5'])
    expect(found(`?k=${encodeURIComponent(secret)}`)).toEqual(['URL 1:4'])
    expect(found(JSON.stringify({ k: secret }))).toEqual(['JSON 1:7'])
    expect(found('<k>p&lt;ss&amp;w&quot;rd/é-1337</k>')).toEqual(['XML 1:4'])
    expect(found(`\n${Buffer.from(secret).toString('hex')}`)).toEqual(['hex 2:1'])
    expect(found(Buffer.from(`${secret}:x`).toString('base64'))).toEqual(['base64 1:1'])
  })

  it('is not misled by colours, by another secret with the same beginning, or by many of them', () => {
    expect(found(`${secret.slice(0, 4)}\u001b[31m${secret.slice(4)}\u001b[0m`)).toEqual(['text 1:1'])
    expect(found(`x ${secret}`, [`${secret}-longer`, secret])).toEqual(['text 1:3'])
    expect(found(`${secret} ${secret}`)).toHaveLength(2)
    const many = Array.from({ length: 2000 }, (_each, index) => `secret-number-${index}-`)
    const output = 'nothing to see here\n'.repeat(20_000)
    expect(found(`${output}secret-number-1999-`, many)).toEqual(['text 20001:1'])
  })

  it('finds nothing where nothing is', () => {
    expect(found(secret.slice(0, -1))).toEqual([])
    expect(found('')).toEqual([])
    expect(found(secret, [])).toEqual([])
  })

  it('searches for each secret of the log once, and not for short ones', () => {
    expect(readSecrets('12345678\n1234567\n\n12345678\r\nabcdefghij')).toEqual(['12345678', 'abcdefghij'])
    expect(readSecrets('')).toEqual([])
  })
})

describe('the completed lock file', () => {
  it('has an entry for each platform, and is not changed a second time', () => {
    const lock = {
      packages: {
        'node_modules/tool': {
          dev: true,
          optionalDependencies: { '@tool/linux-x64-musl': '1.2.3', '@tool/darwin-arm64': '1.2.3', helper: '^2.0.0' },
        },
      },
    }
    const { added, lock: complete } = completeLock(lock)
    expect(added).toEqual(['@tool/linux-x64-musl', '@tool/darwin-arm64'])
    expect(complete.packages['node_modules/@tool/linux-x64-musl']).toEqual({
      version: '1.2.3',
      optional: true,
      os: ['linux'],
      cpu: ['x64'],
      dev: true,
      libc: ['musl'],
    })
    expect(complete.packages['node_modules/@tool/darwin-arm64']).toMatchObject({ os: ['darwin'], cpu: ['arm64'] })
    expect(completeLock(complete).added).toEqual([])
  })
})
