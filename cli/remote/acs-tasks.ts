/** `offhook acs task`, `tasks` and `cancel`: what is asked of a device by TR-069. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { VALUE_TYPES } from '../../protocol/cwmp/mod.ts'
import { addExamples } from '../examples.ts'
import { CliProblem, usageProblem } from '../exit-codes.ts'
import { readInput } from '../files.ts'
import { printJson, printLines, printResult } from '../output.ts'
import { deviceRoute, oneLine, wholeNumber } from './acs-words.ts'
import { addApiOptions, type ApiAccess, withApi } from './api.ts'

const WHATS = ['get', 'names', 'set', 'notify', 'add', 'delete', 'reboot', 'factory-reset', 'download'] as const
const FILES = ['firmware', 'configuration', 'custom-ca'] as const
const OVER: readonly string[] = ['done', 'failed', 'expired', 'cancelled']
const POLL_MS = 500
const PASSWORD_BYTES_MAX = 1024
const DAY_SECONDS = 86_400
const TASKS = 20

interface Task {
  readonly id: string
  readonly mac: string
  readonly kind: string
  readonly state: string
  readonly who: string
  readonly createdAt: string
  readonly fault: { readonly code: number; readonly text: string } | null
  readonly result: Readonly<Record<string, unknown>> | null
}

type TaskOptions = Readonly<Record<string, string | number | boolean | undefined>>

export function acsTaskCommands(acs: Command): void {
  taskCommand(acs)
  tasksCommand(acs)
  cancelCommand(acs)
}

function taskCommand(acs: Command): void {
  const command = acs
    .command('task')
    .description('Ask a device for something; it is done when the device calls')
    .argument('<mac>', 'the device')
    .argument('<what>', WHATS.join(', '))
    .argument('[words...]', 'paths; PATH=VALUE for set, PATH=0|1|2 for notify; FILE URL for download')
    .addOption(
      new Option('--type <type>', 'set: type of the values; without it, as last reported').choices(VALUE_TYPES),
    )
    .option('--whole', 'names: the whole branch, not only the next level')
    .option('--username <user>', 'download: who asks for the file')
    .option('--password-file <file>', 'download: with this password; - is standard input')
    .option('--deadline <seconds>', 'until when it is worth doing', wholeNumber, DAY_SECONDS)
    .option('--wait', 'wait for the outcome')
    .option('--yes', 'factory-reset: you know what it does')
  addExamples(addApiOptions(command), [
    ['offhook acs task 000e08a1b2c3 get Device.DeviceInfo. --wait', 'the values of a branch, when it calls'],
    ['offhook acs task 000e08a1b2c3 set Device.Time.NTPServer1=ntp.example.com', 'one value, or several'],
    [
      'offhook acs task 000e08a1b2c3 download firmware https://prov.example.com/firmware/x.loads',
      'a file: firmware, configuration or custom-ca',
    ],
  ]).action(async (mac: string, what: string, words: readonly string[], options) => {
    const body = { ...(await bodyOf(what, words, options)), deadlineSeconds: options.deadline }
    await withApi(options, async (api) => {
      const asked = await api.call<Task>('POST', deviceRoute(mac, 'tasks'), body)
      const ended = options.wait === true ? await ending(api, asked) : asked
      printResult({ json: options.json === true, value: ended, lines: () => taskLines(ended) })
      if (options.wait === true && ended.state !== 'done') throw new CliProblem(`The task ended as "${ended.state}"`)
    })
  })
}

async function bodyOf(what: string, words: readonly string[], options: TaskOptions): Promise<object> {
  switch (what) {
    case 'get':
      return { kind: 'get-values', paths: some(words, 'a path, e.g. Device.DeviceInfo.') }
    case 'names':
      return { kind: 'get-names', path: atMostOne(words) ?? '', nextLevel: options['whole'] !== true }
    case 'set':
      return { kind: 'set-values', values: pairs(words).map(([path, value]) => ({ path, value, ...typeIn(options) })) }
    case 'notify':
      return {
        kind: 'set-attributes',
        attributes: pairs(words).map(([path, value]) => ({ path, notification: Number(value) })),
      }
    case 'add':
      return { kind: 'add-object', path: one(words, 'a table, e.g. Device.Users.User.') }
    case 'delete':
      return { kind: 'delete-object', path: one(words, 'an instance, e.g. Device.Users.User.2.') }
    case 'reboot':
      return none(words, { kind: 'reboot' })
    case 'factory-reset':
      if (options['yes'] !== true) throw resetWarning()
      return none(words, { kind: 'factory-reset' })
    case 'download':
      return downloadOf(words, options)
    default:
      throw usageProblem(`there is no task "${what}"; expected ${WHATS.join(', ')}`)
  }
}

function resetWarning(): CliProblem {
  return usageProblem(
    'factory-reset takes all settings from the device. One that has its ACS URL only from its profile calls no more until discovery (DHCP, the redirect service) leads it back. If that is what you want, add --yes',
  )
}

async function downloadOf(words: readonly string[], options: TaskOptions): Promise<object> {
  const [file, url, ...rest] = words
  if (file === undefined || url === undefined || rest.length > 0 || !FILES.some((each) => each === file)) {
    throw usageProblem(`download needs a file (${FILES.join(', ')}) and a URL`)
  }
  const { username, passwordFile } = options
  return {
    kind: 'download',
    file,
    url,
    ...(username === undefined ? {} : { username }),
    ...(typeof passwordFile === 'string' ? { password: await passwordFrom(passwordFile) } : {}),
  }
}

/** One line end at the end does not belong to it. */
async function passwordFrom(file: string): Promise<string> {
  return new TextDecoder().decode(await readInput(file, PASSWORD_BYTES_MAX)).replace(/\r?\n$/, '')
}

function typeIn({ type }: TaskOptions): object {
  return type === undefined ? {} : { type }
}

function some(words: readonly string[], what: string): readonly string[] {
  if (words.length === 0) throw usageProblem(`name ${what}`)
  return words
}

function one(words: readonly string[], what: string): string {
  const [word] = words
  if (word === undefined || words.length > 1) throw usageProblem(`name ${what}`)
  return word
}

function atMostOne(words: readonly string[]): string | undefined {
  if (words.length > 1) throw usageProblem('name one path, or none for the root')
  return words[0]
}

function none(words: readonly string[], body: object): object {
  if (words.length > 0) throw usageProblem(`"${words.join(' ')}" is more than this task takes`)
  return body
}

/** A value may hold "=" itself. */
function pairs(words: readonly string[]): readonly (readonly [path: string, value: string])[] {
  return some(words, 'PATH=VALUE, once or more').map((word) => {
    const at = word.indexOf('=')
    if (at < 1) throw usageProblem(`"${word}" is not of the form PATH=VALUE`)
    return [word.slice(0, at), word.slice(at + 1)]
  })
}

/** Every task has a deadline, so this ends. */
async function ending(api: ApiAccess, asked: Task): Promise<Task> {
  let task = asked
  while (!OVER.includes(task.state)) {
    await pause(POLL_MS)
    task = await api.call<Task>('GET', `tr069/tasks/${asked.id}`)
  }
  return task
}

function taskLines({ id, mac, kind, state, fault, result }: Task): readonly string[] {
  const values = result?.['values']
  const others = Object.entries(result ?? {}).filter(([name]) => name !== 'values')
  return [
    `${id}  ${mac}  ${kind}: ${state}`,
    ...(fault === null ? [] : [oneLine(`  fault ${fault.code}: ${fault.text}`)]),
    ...others.map(([name, value]) => oneLine(`  ${name}: ${JSON.stringify(value)}`)),
    ...Object.entries(typeof values === 'object' && values !== null ? values : {}).map(([path, value]) =>
      oneLine(`  ${path} = ${value === null ? '(secret)' : JSON.stringify(value)}`),
    ),
  ]
}

function tasksCommand(acs: Command): void {
  const command = acs
    .command('tasks')
    .description('What was asked of devices, newest first')
    .option('--mac <mac>', 'only of this device')
    .option('--state <state>', 'only in this state: queued, sent, waiting, done, failed, expired, cancelled')
    .option('--kind <kind>', 'only of this kind, e.g. get-values, reboot, download')
    .option('--limit <number>', 'how many, at most 1000', wholeNumber, TASKS)
  addExamples(addApiOptions(command), [
    ['offhook acs tasks --state failed', 'with the faults'],
    ['offhook acs tasks --mac 000e08a1b2c3 --json', 'of one device, whole'],
  ]).action((options) =>
    withApi(options, async (api) => {
      const { mac, state, kind, limit } = options
      const query = new URLSearchParams({ limit: String(limit) })
      for (const [name, value] of Object.entries({ mac, state, kind })) if (value !== undefined) query.set(name, value)
      const route = `tr069/tasks?${query.toString()}`
      const { items } = await api.call<{ readonly items: readonly Task[] }>('GET', route)
      if (options.json === true) return printJson(items)
      printLines(
        items.map(({ id, mac: of, kind: what, state: at, createdAt, who, fault }) =>
          oneLine(
            `${createdAt}  ${id}  ${of}  ${what.padEnd(14)} ${at.padEnd(9)} ${who}${fault === null ? '' : `  ${fault.code} ${fault.text}`}`,
          ),
        ),
      )
    }),
  )
}

function cancelCommand(acs: Command): void {
  const command = acs
    .command('cancel')
    .description('Call a task off; what was sent already may still be done')
    .argument('<task>', 'its id')
  addExamples(addApiOptions(command), [
    ['offhook acs cancel task_0123', 'an id that "offhook acs tasks" shows'],
  ]).action((id: string, options) =>
    withApi(options, async (api) => {
      const task = await api.call<Task>('DELETE', `tr069/tasks/${encodeURIComponent(id)}`)
      printResult({ json: options.json === true, value: task, lines: () => taskLines(task) })
    }),
  )
}
