import type { Command } from 'commander'
import { StartProblem } from '../server/config.ts'
import { createToken, TOKEN_SCOPES } from '../server/store/mod.ts'
import { printResult } from './output.ts'
import { addTokenCommands } from './remote/users.ts'
import { addSettingOptions, settingsFrom } from './settings.ts'
import { refuseAbsentStore, withStore } from './store-access.ts'

export function registerTokenCommand(program: Command): void {
  const token = program.command('token').description('API tokens')
  addTokenCommands(token)
  addSettingOptions(token.command('create').description('Make a token; it is printed once and nothing else is'))
    .option('--scope <scope>', `one of ${TOKEN_SCOPES.join(', ')}; repeat for several`, collect, [])
    .option('--name <name>', 'what it is for', 'cli')
    .option('--ttl <seconds>', 'how long it is good for')
    .option('--init', 'also in a data directory that no server has used yet')
    .option('--json', 'print JSON: token, name, scopes')
    .action(async (options) => {
      const asked: readonly string[] = options.scope.length === 0 ? ['read'] : options.scope
      const scopes = TOKEN_SCOPES.filter((scope) => asked.includes(scope))
      const wrong = asked.find((scope) => !TOKEN_SCOPES.some((each) => each === scope))
      if (wrong !== undefined) throw new StartProblem(`"${wrong}" is no scope; expected ${TOKEN_SCOPES.join(', ')}`)
      const ttl = ttlSeconds(options.ttl)
      const settings = settingsFrom(options)
      if (options.init !== true) refuseAbsentStore(settings, 'Start the server there first, or give --init')
      const text = await withStore(settings, (platform) =>
        createToken(platform.db, { name: options.name, scopes, ...(ttl === undefined ? {} : { ttlSeconds: ttl }) }),
      )
      printResult({
        json: options.json === true,
        value: { token: text, name: options.name, scopes, ttlSeconds: ttl ?? null },
        lines: () => [text],
      })
    })
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, ...value.split(',')]
}

function ttlSeconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new StartProblem(`--ttl "${text}" is no number of seconds`)
  return Number(text)
}
