/** People and tokens, as an administrator keeps them. */
import { type Command, Option } from 'commander'
import { USER_ROLES } from '../../server/store/mod.ts'
import { addExamples } from '../examples.ts'
import { usageProblem } from '../exit-codes.ts'
import { readInput } from '../files.ts'
import { printResult } from '../output.ts'
import { addApiOptions, allPages, type ApiAccess, withApi } from './api.ts'

const PASSWORD_BYTES_MAX = 2048

interface User {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly role: string
  readonly accountId: string | null
  readonly disabled: boolean
}

export function registerUserCommand(program: Command): void {
  const user = program.command('user').description('People who may use the platform')
  addExamples(addApiOptions(user.command('list').description('Everybody')), [
    ['offhook user list', 'who may sign in, and what they may do'],
  ]).action((options) =>
    withApi(options, async (api) => {
      const users = await allUsers(api)
      printResult({ json: options.json === true, value: users, lines: () => users.map(lineOf) })
    }),
  )
  addUser(user)
  changeUser(user)
}

function addUser(user: Command): void {
  const command = user
    .command('add')
    .description('Let somebody in')
    .argument('<email>')
    .addOption(new Option('--role <role>', 'what the person may do').choices(USER_ROLES).makeOptionMandatory())
    .option('--name <name>', 'how the person is called', '')
    .option('--account <id>', 'limits the person to this account and all below it')
    .option('--password-file <file>', 'at least 12 characters on one line; - is standard input')
  addExamples(addApiOptions(command), [
    [
      'offhook user add ann@example.com --role support --password-file -',
      'asks nothing: type the password, then Ctrl-D',
    ],
  ]).action((email: string, options) =>
    withApi(options, async (api) => {
      const password = await passwordFrom(options.passwordFile)
      const made = await api.call<User>('POST', 'users', {
        email,
        role: options.role,
        name: options.name,
        ...(options.account === undefined ? {} : { accountId: options.account }),
        ...(password === undefined ? {} : { password }),
      })
      printResult({ json: options.json === true, value: made, lines: () => [lineOf(made)] })
    }),
  )
}

function changeUser(user: Command): void {
  const password = user
    .command('password')
    .description('Give somebody a new password; their sessions end')
    .argument('<email>')
    .requiredOption('--password-file <file>', 'at least 12 characters on one line; - is standard input')
  addExamples(addApiOptions(password), [
    ['offhook user password ann@example.com --password-file new.txt', 'from a file'],
  ])
  password.action((email: string, options) =>
    withApi(options, async (api) => {
      const changed = await patchUser(api, email, { password: await passwordFrom(options.passwordFile) })
      printResult({ json: options.json === true, value: changed, lines: () => [lineOf(changed)] })
    }),
  )
  for (const [name, disabled, what] of [
    ['disable', true, 'Shut somebody out; their sessions end'],
    ['enable', false, 'Let somebody in again'],
  ] as const) {
    const command = user.command(name).description(what).argument('<email>')
    addExamples(addApiOptions(command), [[`offhook user ${name} ann@example.com`, what]]).action(
      (email: string, options) =>
        withApi(options, async (api) => {
          const changed = await patchUser(api, email, { disabled })
          printResult({ json: options.json === true, value: changed, lines: () => [lineOf(changed)] })
        }),
    )
  }
}

async function patchUser(api: ApiAccess, email: string, change: Readonly<Record<string, unknown>>): Promise<User> {
  const found = (await allUsers(api)).find((each) => each.email === email.toLowerCase())
  if (found === undefined) throw usageProblem(`There is no user "${email}"; "offhook user list" shows all`)
  return api.call<User>('PATCH', `users/${found.id}`, change)
}

function allUsers(api: ApiAccess): Promise<readonly User[]> {
  return allPages<User>(api, 'users')
}

async function passwordFrom(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  return new TextDecoder().decode(await readInput(file, PASSWORD_BYTES_MAX)).replace(/\r?\n$/, '')
}

function lineOf({ email, role, name, accountId, disabled }: User): string {
  return `${email.padEnd(32)} ${role.padEnd(9)} ${accountId ?? 'all accounts'} ${name}${disabled ? ' (disabled)' : ''}`
}

interface Token {
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly accountId: string | null
  readonly expiresAt: string | null
  readonly lastUsedAt: string | null
}

/** @param token the command `offhook token`, which can already make them */
export function addTokenCommands(token: Command): void {
  addExamples(addApiOptions(token.command('list').description('Every token, without the tokens themselves')), [
    ['offhook token list', 'names, scopes, and when each was last used'],
  ]).action((options) =>
    withApi(options, async (api) => {
      const items = await allPages<Token>(api, 'tokens')
      const line = ({ id, name, scopes, expiresAt, lastUsedAt }: Token): string =>
        `${id}  ${name.padEnd(20)} ${scopes.join(',').padEnd(14)} last used ${lastUsedAt ?? 'never'}, good until ${expiresAt ?? 'deleted'}`
      printResult({ json: options.json === true, value: items, lines: () => items.map(line) })
    }),
  )
  const revoke = token.command('revoke').description('End a token').argument('<id>', 'as "offhook token list" shows it')
  addExamples(addApiOptions(revoke), [['offhook token revoke tok_0123', 'it is refused from now on']]).action(
    (id: string, options) =>
      withApi(options, async (api) => {
        await api.call('DELETE', `tokens/${encodeURIComponent(id)}`)
        printResult({ json: options.json === true, value: { id, revoked: true }, lines: () => [`${id} is revoked`] })
      }),
  )
}
