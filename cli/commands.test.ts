import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { Command } from 'commander'
import { describe, expect, it, vi } from 'vitest'
import { EXIT_CODES } from './exit-codes.ts'
import { programFor } from './commands.ts'
import { offhook } from './testing-process.ts'

vi.setConfig({ testTimeout: 60_000 })

const program = await programFor(undefined)

function leaves(command: Command, path: readonly string[] = []): readonly (readonly [string, Command])[] {
  if (command.commands.length === 0) return [[path.join(' '), command]]
  return command.commands.flatMap((each) => leaves(each, [...path, each.name()]))
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (piece) => (text += piece) })
  command.outputHelp()
  return text
}

describe('help', () => {
  it.each(leaves(program))('%s says what it does and shows lines to type', (path, command) => {
    expect(command.description().length).toBeGreaterThan(8)
    expect(helpOf(command)).toMatch(new RegExp(`Examples?:\n  \\$ .*offhook ${path}\\b`))
  })

  it('of the program lists every exit code', () => {
    const help = helpOf(program)
    for (const [code, meaning] of EXIT_CODES) expect(help).toMatch(new RegExp(`\n  ${code}\\s+${meaning.slice(0, 20)}`))
  })
})

describe('the command line', () => {
  it.each([
    [['lnt'], 2, /Did you mean lint\?/],
    [['rule', '--kindd', 'x'], 2, /Did you mean --kind\?/],
    [['rule', 'x', '--kind', 'poem'], 2, /Allowed choices are profile, upgrade, report, trigger/],
    [['seal', 'x'], 2, /required option '--out <file>'/],
    [['lint'], 2, /missing required argument 'file'/],
    [['lint', 'x', '--model', 'SPA504G'], 2, /SPA series/],
    [['lint', 'x', '--firmware', 'newest'], 2, /names no release/],
    [['lint', '/nowhere/x.xml'], 1, /there is no such file/],
    [['completion', 'tcsh'], 2, /expected bash, zsh, fish/],
    [[], 2, /Usage: offhook/],
  ] as const)('%j ends with %d and leaves stdout empty', async (args, code, said) => {
    const ended = await offhook(args)
    expect({ code: ended.code, output: ended.output.toString() }).toEqual({ code, output: '' })
    expect(ended.errors).toMatch(said)
  })

  it.each([[['--help']], [['help', 'rule']], [['lint', '-h']]])('%j ends with 0', async (args) => {
    const ended = await offhook(args)
    expect(ended.code).toBe(0)
    expect(ended.errors).toBe('')
    expect(ended.output.toString()).toContain('Usage: offhook')
  })

  it('has no colours, also where a terminal is claimed', async () => {
    expect((await offhook(['--help'])).output.includes(0x1b)).toBe(false)
  })

  it('takes a reader that goes away as the end, without a word', async () => {
    const main = new URL('main.ts', import.meta.url).pathname
    const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main, 'completion', 'bash'])
    let errors = ''
    child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()))
    child.stdout.destroy()
    await once(child, 'close')
    expect(errors).toBe('')
  })
})

describe('completion', () => {
  async function complete(...words: readonly string[]): Promise<readonly string[]> {
    const script = (await offhook(['completion', 'bash'])).output.toString()
    const list = words.map((word) => `'${word}'`).join(' ')
    const run = spawnSync('bash', [
      '--norc',
      '-c',
      `${script}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _offhook; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ])
    expect(run.stderr.toString()).toBe('')
    return run.stdout
      .toString()
      .trim()
      .split('\n')
      .filter((line) => line !== '')
  }

  it.each([
    [['offhook', 'li'], ['lint']],
    [['./offhook', 'token', 'cr'], ['create']],
    [['offhook', 'seal', '--gz'], ['--gzip']],
    [['offhook', 'rule', 'x', '--kind', 'u'], ['upgrade']],
    [
      ['offhook', 'rule', 'x', '--kind', ''],
      ['profile', 'upgrade', 'report', 'trigger'],
    ],
    [['offhook', 'token', 'create', '--sco'], ['--scope']],
    [['offhook', 'seal', 'lint', '--rf'], ['--rfc8188']],
    [['offhook', 'rule', 'x', '--server', ''], []],
    [['offhook', 'import', 'de'], ['devices']],
    [['offhook', 'diff', 'x', '--to', 'r'], ['running']],
  ] as const)('bash loads it and completes %j', async (words, expected) => {
    expect(await complete(...words)).toEqual(expected)
  })

  it('names every command of the tree, for each shell', async () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const script = (await offhook(['completion', shell])).output.toString()
      for (const [path] of leaves(program)) expect(script).toContain(path.split(' ').at(-1))
    }
  })
})
