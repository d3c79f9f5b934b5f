/** TR-069: devices as the ACS knows them. What is asked of them is in `acs-tasks.ts`. */
import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import { printJson, printLines, printNote, printResult } from '../output.ts'
import { deviceRoute, oneLine, wholeNumber } from './acs-words.ts'
import { acsTaskCommands } from './acs-tasks.ts'
import { addApiOptions, allPages, type ApiAccess, withApi } from './api.ts'

const TREE_ROWS = 100
const MESSAGES = 50
const TRACE_SECONDS = 3600

export function registerAcsCommand(program: Command): void {
  const acs = program.command('acs').description('Devices that call by TR-069')
  showCommand(acs)
  treeCommand(acs)
  acsTaskCommands(acs)
  traceCommand(acs)
  messagesCommand(acs)
  unknownCommand(acs)
  credentialsCommand(acs)
}

interface Shown {
  readonly ledBy: string
  readonly acsUrl: string | null
  readonly username: string | null
  readonly called: boolean
  readonly firstAt: string | null
  readonly lastAt: string | null
  readonly from: string | null
  readonly secure: boolean | null
  readonly manufacturer: string | null
  readonly productClass: string | null
  readonly software: string | null
  readonly events: readonly string[]
  readonly root: string | null
  readonly connectionRequestUrl: string | null
  readonly informSeconds: number | null
  readonly parameterCount: number
  readonly treeAt: string | null
  readonly inStep: boolean | null
  readonly left: { readonly values: number; readonly objects: number; readonly files: number } | null
  readonly reachable: {
    readonly way: string
    readonly expectedSeconds: number | null
    readonly nextCallBy: string | null
    readonly text: string
  } | null
  readonly openTasks: number
  readonly tracedUntil: string | null
  readonly refused: readonly {
    readonly what: string
    readonly path: string
    readonly code: number
    readonly text: string
  }[]
}

function showCommand(acs: Command): void {
  const command = acs
    .command('show')
    .description('When a device called, what it said, what it lacks, and how it can be reached')
    .argument('<mac>', 'the device')
  addExamples(addApiOptions(command), [['offhook acs show 000e08a1b2c3', 'also of one that has never called']]).action(
    (mac: string, options) =>
      withApi(options, async (api) => {
        const shown = await api.call<Shown>('GET', deviceRoute(mac))
        printResult({ json: options.json === true, value: shown, lines: () => shownLines(shown) })
      }),
  )
}

function row(name: string, value: string | number | null): readonly string[] {
  return value === null ? [] : [`${name.padEnd(12)}${oneLine(String(value))}`]
}

function shownLines(shown: Shown): readonly string[] {
  const { acsUrl, username, ledBy, openTasks } = shown
  const own = [...row('led by', ledBy), ...row('ACS', acsUrl), ...row('user', username), ...row('tasks', openTasks)]
  if (!shown.called) return [...row('called', 'never'), ...own]
  const { manufacturer, productClass, software, reachable, inStep, left } = shown
  const missing = left === null ? '' : `: ${left.values} values, ${left.objects} objects, ${left.files} files are left`
  return [
    ...row('called', `${shown.lastAt} from ${shown.from}${shown.secure === true ? ', over TLS' : ', in clear'}`),
    ...row('first', shown.firstAt),
    ...row('device', [manufacturer, productClass, software].filter((each) => each !== null).join(' ')),
    ...row('events', shown.events.join(', ')),
    ...row('tree', `${shown.root} ${shown.parameterCount} rows, read whole ${shown.treeAt ?? 'not yet'}`),
    ...row('in step', inStep === null ? 'not known yet' : inStep ? 'yes' : `no${missing}`),
    ...row('interval', shown.informSeconds === null ? null : `${shown.informSeconds} s`),
    ...row('asked at', shown.connectionRequestUrl),
    ...(reachable === null ? [] : row('reachable', reachableText(reachable))),
    ...own,
    ...row('traced', shown.tracedUntil === null ? null : `until ${shown.tracedUntil}`),
    ...shown.refused.flatMap(({ what, path, code, text }) => row('REFUSED', `${what} ${path}: ${code} ${text}`)),
  ]
}

function reachableText({ way, expectedSeconds, nextCallBy, text }: NonNullable<Shown['reachable']>): string {
  const delay = expectedSeconds === null ? '' : `, in about ${expectedSeconds} s`
  const next = nextCallBy === null ? '' : ` Its next call is due by ${nextCallBy}.`
  return `${way}${delay}. ${text}${next}`
}

interface Parameter {
  readonly path: string
  readonly value: string | null
  readonly secret?: true
  readonly wished: { readonly value: string | null; readonly same: boolean | null } | null
  readonly refused: { readonly code: number; readonly text: string } | null
}

function treeCommand(acs: Command): void {
  const command = acs
    .command('tree')
    .description('Its tree as last seen, with what is wished where that differs')
    .argument('<mac>', 'the device')
    .option('--below <object>', 'only below this object, e.g. Device.DeviceInfo.')
    .option('--search <text>', 'only paths and values with this text')
    .option('--limit <rows>', 'how many rows; 0 for all', wholeNumber, TREE_ROWS)
  addExamples(addApiOptions(command), [
    ['offhook acs tree 000e08a1b2c3 --below Device.DeviceInfo.', 'one branch'],
    ['offhook acs tree 000e08a1b2c3 --search registrar --limit 0', 'all that have the text'],
  ]).action((mac: string, options) =>
    withApi(options, async (api) => {
      const query = new URLSearchParams({
        ...(options.below === undefined ? {} : { below: options.below }),
        ...(options.search === undefined ? {} : { q: options.search }),
      })
      const { items, more } = await treeRows(api, deviceRoute(mac, `parameters?${query.toString()}`), options.limit)
      printResult({ json: options.json === true, value: items, lines: () => items.map(parameterLine) })
      if (more) printNote(`these are the first ${items.length} rows; --limit 0 shows all`)
    }),
  )
}

async function treeRows(
  api: ApiAccess,
  route: string,
  limit: number,
): Promise<{ readonly items: readonly Parameter[]; readonly more: boolean }> {
  if (limit === 0 || limit > 1000) {
    const items = await allPages<Parameter>(api, route)
    return { items: limit === 0 ? items : items.slice(0, limit), more: limit > 0 && items.length > limit }
  }
  const page = await api.call<{ items: readonly Parameter[]; next: string | null }>('GET', `${route}&limit=${limit}`)
  return { items: page.items, more: page.next !== null }
}

function parameterLine({ path, value, secret, wished, refused }: Parameter): string {
  if (path.endsWith('.')) return path
  const seen = secret === true ? '(secret)' : value === null ? '(not read)' : JSON.stringify(value)
  const wish = wished === null || wished.same !== false ? '' : `   wished: ${wishText(wished.value)}`
  const no = refused === null ? '' : `   REFUSED: ${refused.code} ${refused.text}`
  return oneLine(`${path} = ${seen}${wish}${no}`)
}

function wishText(value: string | null): string {
  return value === null ? '(secret)' : JSON.stringify(value)
}

function traceCommand(acs: Command): void {
  const command = acs
    .command('trace')
    .description('Keep the messages of a device for a while, without secrets')
    .argument('<mac>', 'the device')
    .option('--seconds <number>', 'for how long, at most seven days', wholeNumber, TRACE_SECONDS)
    .option('--off', 'no longer; what is kept stays')
  addExamples(addApiOptions(command), [
    ['offhook acs trace 000e08a1b2c3 --seconds 86400', 'for a day; then: offhook acs messages 000e08a1b2c3'],
    ['offhook acs trace 000e08a1b2c3 --off', 'no more'],
  ]).action((mac: string, options) =>
    withApi(options, async (api) => {
      if (options.off === true) {
        await api.call('DELETE', deviceRoute(mac, 'trace'))
        if (options.json !== true) printLines([`${mac} is traced no more`])
        return
      }
      const body = { seconds: options.seconds }
      const traced = await api.call<{ readonly tracedUntil: string }>('PUT', deviceRoute(mac, 'trace'), body)
      const lines = () => [`${mac} is traced until ${traced.tracedUntil}, from its next call on`]
      printResult({ json: options.json === true, value: traced, lines })
    }),
  )
}

interface TracedSession {
  readonly session: string
  readonly messages: readonly {
    readonly at: string
    readonly sender: string
    readonly kind: string
    readonly text: string
  }[]
}

function messagesCommand(acs: Command): void {
  const command = acs
    .command('messages')
    .description('Messages of a device under trace, oldest first')
    .argument('<mac>', 'the device')
    .option('--limit <number>', 'how many of the newest, at most 200', wholeNumber, MESSAGES)
  addExamples(addApiOptions(command), [['offhook acs messages 000e08a1b2c3 --limit 20', 'the last twenty']]).action(
    (mac: string, options) =>
      withApi(options, async (api) => {
        const route = deviceRoute(mac, `messages?limit=${options.limit}`)
        const { items } = await api.call<{ readonly items: readonly TracedSession[] }>('GET', route)
        if (options.json === true) return printJson(items)
        printLines(items.toReversed().flatMap(sessionLines))
      }),
  )
}

function sessionLines({ session, messages }: TracedSession): readonly string[] {
  const lines = messages.flatMap(({ at, sender, kind, text }) => [
    `${at}  ${sender} ${kind}`,
    ...text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `    ${oneLine(line)}`),
  ])
  return [`session ${session}`, ...lines]
}

interface Unknown {
  readonly mac: string
  readonly serial: string
  readonly manufacturer: string
  readonly productClass: string
  readonly lastAt: string
  readonly lastFrom: string
}

function unknownCommand(acs: Command): void {
  const command = acs.command('unknown').description('Devices that proved who they are and that nobody has registered')
  addExamples(addApiOptions(command), [['offhook acs unknown --json', 'as JSON']]).action((options) =>
    withApi(options, async (api) => {
      const items = await allPages<Unknown>(api, 'tr069/unknown')
      const lines = () =>
        items.map(({ mac, serial, manufacturer, productClass, lastAt, lastFrom }) =>
          oneLine(`${mac}  ${serial}  ${manufacturer} ${productClass}  ${lastAt} from ${lastFrom}`),
        )
      printResult({ json: options.json === true, value: items, lines })
    }),
  )
}

interface Credentials {
  readonly acsUrl: string | null
  readonly username: string
  readonly password: string
  readonly connectionRequestUsername: string
  readonly connectionRequestPassword: string
}

function credentialsCommand(acs: Command): void {
  const command = acs
    .command('credentials')
    .description('What a client that has no profile of ours is set to by hand; who looked is written down')
    .argument('<mac>', 'the device')
  addExamples(addApiOptions(command), [
    ['offhook acs credentials 000e08a1b2c3', 'ACS URL, user and password, both ways; needs the scope secrets'],
  ]).action((mac: string, options) =>
    withApi(options, async (api) => {
      const shown = await api.call<Credentials>('GET', deviceRoute(mac, 'credentials'))
      const lines = () => [
        `ACS URL                      ${shown.acsUrl ?? '-'}`,
        `user                         ${shown.username}`,
        `password                     ${shown.password}`,
        `connection request user      ${shown.connectionRequestUsername}`,
        `connection request password  ${shown.connectionRequestPassword}`,
      ]
      printResult({ json: options.json === true, value: shown, lines })
    }),
  )
}
