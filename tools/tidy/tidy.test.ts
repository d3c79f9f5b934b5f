import { describe, expect, it } from 'vitest'
import { type RepositoryFile, readRepository } from '../repository.ts'
import { checkDirections, checkNounCycles } from './directions.ts'
import { checkLinks } from './links.ts'
import { checkPurity } from './purity.ts'
import {
  checkFileLengths,
  checkForeignPaths,
  checkSuppressions,
  checkTestsRun,
  checkTodos,
  FILE_LINES_MAX,
} from './texts.ts'
import { printViolations, type Violation } from './violation.ts'

const repository = readRepository()

type Rule = (files: readonly RepositoryFile[]) => readonly Violation[]

const RULES: readonly (readonly [name: string, rule: Rule])[] = [
  ['imports follow the direction table and enter by front doors', checkDirections],
  ['nouns import each other without circles', checkNounCycles],
  ['pure code asks nobody, and few files read the environment', checkPurity],
  ['no test is switched off', checkTestsRun],
  ['a TODO says what would make it doable', checkTodos],
  ['a switched-off check says why', checkSuppressions],
  [`no code file is longer than ${FILE_LINES_MAX} lines, flat tables apart`, checkFileLengths],
  ['no file names a path of the machine where it was written', checkForeignPaths],
  ['links between our own pages lead somewhere', checkLinks],
]

describe('this repository', () => {
  it.each(RULES)('%s', (_name, rule) => {
    expect(printViolations(rule(repository))).toBe('')
  })

  it('is read whole: the rules above had files to look at', () => {
    expect(repository.map((file) => file.path)).toContain('tools/tidy/tidy.test.ts')
    expect(repository.filter((file) => file.path.startsWith('protocol/')).length).toBeGreaterThan(2)
  })
})

const MANIFEST = {
  path: 'package.json',
  text: JSON.stringify({ dependencies: { pg: '1', saxes: '1' }, devDependencies: { vitest: '1', tsx: '1' } }),
}

/** Says what the rule found in a file of that text, beside files that are only there. */
function findingsIn(rule: Rule, path: string, text: string, others: readonly string[] = []): readonly string[] {
  const files = [MANIFEST, { path, text }, ...others.map((other) => ({ path: other, text: '' }))]
  return rule(files).map((violation) => `${violation.line} ${violation.message}`)
}

describe('the direction table', () => {
  const refused: readonly (readonly [from: string, imported: string])[] = [
    ['protocol/rule/parse.ts', '../../phone/agent/mod.ts'],
    ['protocol/rule/parse.ts', '../../server/devices/mod.ts'],
    ['protocol/rule/parse.ts', 'node:fs'],
    ['protocol/rule/parse.ts', 'node:crypto'],
    ['protocol/http/range.ts', 'node:crypto'],
    ['protocol/tftp/packet.ts', 'node:zlib'],
    ['protocol/rule/parse.ts', 'saxes'],
    ['phone/shell/socket.ts', '../../server/nps/mod.ts'],
    ['server/database/programs.ts', '../world/mod.ts'],
    ['phone/agent/react.ts', '../shell/mod.ts'],
    ['phone/agent/react.ts', 'node:crypto'],
    ['phone/agent/react.ts', 'node:fs'],
    ['server/nps/door.ts', '../../phone/agent/mod.ts'],
    ['server/nps/door.ts', '../../world/mod.ts'],
    ['server/nps/door.ts', '../rc/mod.ts'],
    ['server/rc/door.ts', '../api/mod.ts'],
    ['server/api/door.ts', '../acs/mod.ts'],
    ['server/acs/door.ts', '../nps/mod.ts'],
    ['server/nps/door.ts', '../main.ts'],
    ['server/nps/door.ts', '../database/mod.ts'],
    ['server/fetch/route.ts', '../store/mod.ts'],
    ['server/devices/state.ts', '../store/mod.ts'],
    ['server/accounts/codes.ts', '../api/mod.ts'],
    ['server/devices/state.ts', 'node:fs'],
    ['server/devices/state.ts', 'node:net'],
    ['server/devices/state.ts', 'pg'],
    ['server/store/devices.ts', '../nps/mod.ts'],
    ['server/newfolder/thing.ts', '../../protocol/result.ts'],
    ['cli/serve.ts', '../world/mod.ts'],
    ['cli/serve.ts', '../tools/repository.ts'],
    ['rehearsal/play.ts', '../server/store/mod.ts'],
    ['rehearsal/play.ts', '../phone/shell/mod.ts'],
    ['server/nps/door.ts', './testing.ts'],
    ['server/nps/door.ts', './testdata/samples.ts'],
    ['server/nps/door.ts', 'tsx'],
    ['server/nps/door.ts', 'left-pad'],
    ['server/nps/door.ts', 'fs'],
    ['server/nps/door.ts', '../../../elsewhere.ts'],
    ['server/nps/door.ts', '../../protocol/result'],
  ]
  it.each(refused)('refuses that %s imports %s', (from, imported) => {
    expect(findingsIn(checkDirections, from, `import { x } from '${imported}'`)).not.toEqual([])
    expect(findingsIn(checkDirections, from, `const late = await import('${imported}')`)).not.toEqual([])
  })

  const allowed: readonly (readonly [from: string, imported: string])[] = [
    ['protocol/rule/parse.ts', '../result.ts'],
    ['protocol/rule/parse.ts', '../profile/mod.ts'],
    ['protocol/envelope/salted.ts', 'node:crypto'],
    ['protocol/envelope/gzip.ts', 'node:zlib'],
    ['protocol/http/digest-header.ts', 'node:crypto'],
    ['protocol/xml/read.ts', 'saxes'],
    ['protocol/rule/parse.test.ts', 'node:fs'],
    ['protocol/rule/parse.test.ts', 'vitest'],
    ['server/nps/door.test.ts', './testing.ts'],
    ['server/nps/testing-door.ts', 'vitest'],
    ['phone/agent/react.ts', '../../protocol/rule/mod.ts'],
    ['phone/shell/run.ts', '../agent/mod.ts'],
    ['phone/shell/run.ts', 'node:dgram'],
    ['server/devices/state.ts', '../accounts/mod.ts'],
    ['server/store/devices.ts', '../devices/mod.ts'],
    ['server/store/devices.ts', 'pg'],
    ['server/store/devices.ts', '../database/mod.ts'],
    ['server/rc/answer.ts', '../fetch/mod.ts'],
    ['server/nps/door.ts', '../store/mod.ts'],
    ['server/nps/tftp/door.ts', '../answer.ts'],
    ['server/main.ts', './nps/mod.ts'],
    ['cli/serve.ts', '../server/main.ts'],
    ['cli/main.ts', './start.ts'],
    ['cli/start.ts', '../world/example.ts'],
    ['world/scenarios/journey.test.ts', '../../server/nps/mod.ts'],
    ['world/scenarios/journey.test.ts', '../network.ts'],
  ]
  it.each(allowed)('allows that %s imports %s', (from, imported) => {
    expect(findingsIn(checkDirections, from, `import { x } from '${imported}'`)).toEqual([])
  })

  it('refuses what goes past the front door of another folder, or of a sub-folder that has one', () => {
    const past = `import { x } from '../profile/catalogue.ts'`
    expect(findingsIn(checkDirections, 'protocol/rule/parse.ts', past)).toEqual([
      '1 imports "protocol/profile/catalogue.ts" past the front door "protocol/profile/mod.ts"',
    ])
    const type = `import type { X } from '../profiles/types.ts'`
    expect(findingsIn(checkDirections, 'server/devices/state.ts', type)).toEqual([])
    expect(findingsIn(checkDirections, 'server/devices/state.ts', type.replace('type ', ''))).toHaveLength(1)
    const into = `import { x } from './tftp/packet.ts'`
    expect(findingsIn(checkDirections, 'server/nps/door.ts', into)).toEqual([])
    expect(findingsIn(checkDirections, 'server/nps/door.ts', into, ['server/nps/tftp/mod.ts'])).toHaveLength(1)
  })

  it('refuses chance from node:crypto in pure code, except where keys are made', () => {
    const chance = `import { createHash, randomBytes } from 'node:crypto'`
    expect(findingsIn(checkDirections, 'protocol/envelope/salted.ts', chance)).toHaveLength(1)
    expect(findingsIn(checkDirections, 'server/devices/marker.ts', chance)).toHaveLength(1)
    expect(findingsIn(checkDirections, 'server/devices/marker.ts', `import * as c from 'node:crypto'`)).toHaveLength(1)
    expect(findingsIn(checkDirections, 'server/pki/lab.ts', chance)).toEqual([])
    expect(findingsIn(checkDirections, 'server/nps/door.ts', chance)).toEqual([])
  })

  it('allows the functions of values of node:net in the nouns, and no sockets', () => {
    expect(findingsIn(checkDirections, 'server/pki/names.ts', `import { isIP } from 'node:net'`)).toEqual([])
    expect(findingsIn(checkDirections, 'server/pki/names.ts', `import { isIP, connect } from 'node:net'`)).toHaveLength(
      1,
    )
    expect(findingsIn(checkDirections, 'protocol/rule/url.ts', `import { isIP } from 'node:net'`)).toHaveLength(1)
  })

  it('refuses a circle of nouns, also over a third one', () => {
    const files = [
      { path: 'server/accounts/a.ts', text: `import { d } from '../devices/mod.ts'` },
      { path: 'server/devices/b.ts', text: `import { p } from '../profiles/mod.ts'` },
      { path: 'server/profiles/c.ts', text: `import { a } from '../accounts/mod.ts'` },
    ]
    expect(checkNounCycles(files).map((violation) => violation.path)).toEqual(files.map((file) => file.path))
    expect(checkNounCycles(files.slice(0, 2))).toEqual([])
    const typesOnly = files.map(({ path, text }) => ({ path, text: text.replace('import', 'import type') }))
    expect(checkNounCycles(typesOnly)).toEqual([])
  })
})

describe('purity', () => {
  const impure = [
    'const now = Date.now()',
    'const day = new Date()',
    'const t = performance.now()',
    'const r = Math.random()',
    'const r = crypto.randomUUID()',
    'const s = process.env.HOME',
    'const p = process.platform',
    `console.log('x')`,
    'setTimeout(f, 1)',
    `fetch('http://h/')`,
    'const h = new Date(at).getHours()',
    'const t = at.toLocaleTimeString()',
    'const t = `${Date.now()}`',
  ]
  it.each(impure)('finds "%s" in pure code', (text) => {
    expect(findingsIn(checkPurity, 'protocol/rule/macros.ts', text)).toHaveLength(1)
    expect(findingsIn(checkPurity, 'phone/agent/react.ts', text)).toHaveLength(1)
    expect(findingsIn(checkPurity, 'server/devices/state.ts', text)).toHaveLength(1)
    expect(findingsIn(checkPurity, 'server/nps/answer.ts', text)).toHaveLength(1)
    expect(findingsIn(checkPurity, 'protocol/rule/macros.test.ts', text)).toEqual([])
  })

  it.each([
    'const day = new Date(at).getUTCHours()',
    '// Date.now() is an argument here',
    `const s = 'Math.random()'`,
    'const door = shell.fetch(url)',
    'interface Clock { readonly Date: number }',
    'function fetch(url) { return 1 }\nfetch(url)',
    `import { fetch } from './plan.ts'\nfetch(url)`,
  ])('lets "%s" pass', (text) => {
    expect(findingsIn(checkPurity, 'protocol/rule/macros.ts', text)).toEqual([])
  })

  it('lets only the listed files read the environment', () => {
    const text = 'const port = process.env.OFFHOOK_API_PORT'
    expect(findingsIn(checkPurity, 'server/nps/door.ts', text)).toHaveLength(1)
    expect(findingsIn(checkPurity, 'phone/shell/run.ts', text)).toHaveLength(1)
    for (const path of [
      'server/config.ts',
      'server/main.ts',
      'server/database/programs.ts',
      'cli/serve.ts',
      'server/nps/door.test.ts',
    ]) {
      expect(findingsIn(checkPurity, path, text)).toEqual([])
    }
  })
})

describe('the rules about texts', () => {
  it.each(['it.only(', 'describe.skip(', 'it.todo(', 'test.skipIf(x)(', 'xit(', 'fdescribe('])(
    'finds "%s"',
    (start) => {
      expect(findingsIn(checkTestsRun, 'a/b.test.ts', `${start}'x', () => {})`)).toHaveLength(1)
      expect(findingsIn(checkTestsRun, 'a/b.test.ts', `reader.skip(2) // ${start}`)).toEqual([])
    },
  )

  it('finds a TODO that promises nothing', () => {
    expect(findingsIn(checkTodos, 'a/b.ts', '// TODO')).toHaveLength(1)
    expect(findingsIn(checkTodos, 'a/b.ts', 'x() // TODO: later')).toHaveLength(1)
    expect(findingsIn(checkTodos, 'a/b.ts', '/* FIXME it breaks */')).toHaveLength(1)
    expect(findingsIn(checkTodos, 'a/b.ts', '// TODO: use Set.union once Node 20 is gone')).toEqual([])
  })

  it('finds a check that was switched off without a reason', () => {
    const off = '// oxlint-disable-next-line'
    expect(findingsIn(checkSuppressions, 'a/b.ts', `${off} no-empty`)).toHaveLength(1)
    expect(findingsIn(checkSuppressions, 'a/b.ts', `${off} no-empty -- the caller has told it`)).toEqual([])
    expect(findingsIn(checkSuppressions, 'a/b.ts', `${off} max-lines-per-function -- it is long`)).toHaveLength(1)
    expect(findingsIn(checkSuppressions, 'a/b.ts', `${off} max-lines-per-function -- flat table`)).toEqual([])
    expect(findingsIn(checkSuppressions, 'a/b.ts', '// @ts-ignore because of pg')).toHaveLength(1)
    expect(findingsIn(checkSuppressions, 'a/b.ts', '// @ts-expect-error the wrong kind on purpose')).toEqual([])
  })

  it('finds a file that is too long, but lets a table be', () => {
    const text = 'x()\n'.repeat(FILE_LINES_MAX + 1)
    expect(findingsIn(checkFileLengths, 'server/nps/door.ts', text)).toHaveLength(1)
    expect(findingsIn(checkFileLengths, 'server/nps/door.ts', text.slice(4))).toEqual([])
    expect(findingsIn(checkFileLengths, 'tools/conformance-statements.ts', text)).toEqual([])
  })

  it('finds a path of one machine', () => {
    expect(findingsIn(checkForeignPaths, 'docs/a.md', `see ..${'/shared'}/spec`)).toEqual([`1 names "..${'/shared'}"`])
    expect(findingsIn(checkForeignPaths, 'a/b.ts', `\n// ${'/work'}/main/x`)).toHaveLength(1)
    expect(findingsIn(checkForeignPaths, 'a/b.ts', `frame${'/work'}/main ${'/work'}/mainly`)).toEqual([])
  })

  it.each([
    ['[x](missing.md)', 1],
    ['[x](b.md#nowhere)', 1],
    ['[x](#nowhere)', 1],
    ['[x](/docs/b.md)', 1],
    ['[x]: missing.md', 1],
    ['[x](b.md) and [y](../server/main.ts) and [z](../server/)', 0],
    ['[x](b.md#the-first-start-npm)', 0],
    ['# Own `heading`\n[x](#own-heading)', 0],
    ['[x](https://example.com/missing) `[y](missing.md)`', 0],
    ['```\n[x](missing.md)\n```', 0],
  ])('checks the links of "%s"', (text, count) => {
    const files = [
      { path: 'docs/a.md', text },
      { path: 'docs/b.md', text: '## The first start (npm)\n' },
      { path: 'server/main.ts', text: '' },
    ]
    expect(checkLinks(files)).toHaveLength(count)
  })
})
