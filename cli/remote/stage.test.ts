/** The commands of staging as pages and help show them. What they do against a server is in world/life/cli-stage.test.ts. */
import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { registerStageCommand } from './stage.ts'
import { STAGES } from './stage-words.ts'

const program = new Command('offhook')
registerStageCommand(program)
const stage = program.commands[0]

/** What is typed behind `./offhook stage` in the blocks of a page, word by word. */
async function typedIn(page: string): Promise<readonly (readonly string[])[]> {
  const text = await readFile(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block ?? '')
  return blocks.flatMap((block) =>
    [...block.matchAll(/\.\/offhook stage ([^|>\n#)]*)/g)].map(([, words]) => (words ?? '').trim().split(/\s+/)),
  )
}

function unknownIn([name = '', ...words]: readonly string[]): readonly string[] {
  const command = stage?.commands.find((each) => each.name() === name)
  if (command === undefined) return [name]
  const options = words.filter((word) => word.startsWith('-'))
  return options.filter((word) => !command.options.some(({ long, short }) => word === long || word === short))
}

describe('the pages about staging', () => {
  it.each([
    ['staging.md', 10],
    ['cli.md', 10],
  ])('docs/%s shows no command and no option that is not there', async (page, least) => {
    const typed = await typedIn(page)
    expect(typed.length).toBeGreaterThan(least)
    expect(typed.flatMap(unknownIn)).toEqual([])
  })

  it('tell of every command', async () => {
    const names = (await typedIn('cli.md')).map(([name]) => name)
    const commands = stage?.commands.map((each) => each.name()) ?? []
    expect(commands.length).toBeGreaterThan(8)
    expect(commands.filter((name) => !names.includes(name))).toEqual([])
  })

  it('explain every stage, with its sign', async () => {
    const text = await readFile(new URL('../../docs/staging.md', import.meta.url), 'utf8')
    expect(STAGES.filter((name) => !new RegExp(`^\\| \`.\` \\| ${name} \\|`, 'm').test(text))).toEqual([])
  })
})
