/** Commands about one device: what a support person does most. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { addExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import { printJson, printLines, printResult } from '../output.ts'
import { addApiOptions, type ApiAccess, type ApiOptions, refuseFailure, withApi } from './api.ts'

const WAYS = ['auto', 'sip', 'url'] as const
const VERSIONS = ['wanted', 'served', 'running', 'draft'] as const
const POLL_MS = 500
/** An action has a deadline of its own at the server; this is for one that does not end at all. */
const FOLLOW_MAX_MS = 15 * 60_000

interface Action {
  readonly id: string
  readonly kind: string
  readonly state: string
  readonly steps: readonly { readonly at: string; readonly state: string; readonly text: string }[]
}

/** A resync is done when the phone says that it runs what is wanted; the others, when it comes again. */
function isDone({ kind, state }: Action): boolean {
  return state === 'runs-version' || (state === 'came-back' && kind !== 'resync')
}

function isOver(action: Action): boolean {
  return isDone(action) || FAILURES.includes(action.state)
}

const FAILURES: readonly string[] = ['failed', 'timed-out', 'cancelled']

export function registerResyncCommand(program: Command): void {
  actionCommand(program, 'resync', 'resync', 'Have a phone fetch its profile now')
}

export function registerRebootCommand(program: Command): void {
  actionCommand(program, 'reboot', 'reboot', 'Have a phone restart now')
}

function actionCommand(program: Command, name: string, kind: string, description: string): void {
  const command = program
    .command(name)
    .description(`${description}, and follow what comes of it`)
    .argument('<mac>', 'the phone')
    .addOption(
      new Option('--via <way>', 'sip: NOTIFY through the proxy; url: the phone’s own page')
        .choices(WAYS)
        .default('auto'),
    )
    .option('--no-wait', 'do not wait for the outcome')
  addExamples(addApiOptions(command), [
    [`offhook ${name} 00:0e:08:a1:b2:c3`, 'asked, challenged, accepted, came back, runs its version'],
    [`offhook ${name} 000e08a1b2c3 --no-wait --json`, 'the action as JSON'],
  ]).action((mac: string, options) =>
    withApi(options, async (api) => {
      const path = `devices/${encodeURIComponent(mac)}/actions`
      const asked = await api.call<Action>('POST', path, { kind, via: options.via })
      const ended = options.wait ? await follow(api, asked, options) : asked
      if (options.json) printJson(ended)
      else if (!options.wait) printLines([`${asked.id}: ${asked.state}`])
      if (options.wait && !isDone(ended)) {
        throw new CliProblem(`The ${name} of ${mac} ended as "${ended.state}": ${ended.steps.at(-1)?.text ?? ''}`)
      }
    }),
  )
}

async function follow(api: ApiAccess, asked: Action, options: ApiOptions): Promise<Action> {
  const deadline = Date.now() + FOLLOW_MAX_MS
  let told = 0
  for (;;) {
    const action = await api.call<Action>('GET', `actions/${asked.id}`)
    if (options['json'] !== true) {
      printLines(action.steps.slice(told).map(({ at, state, text }) => `${at}  ${state.padEnd(12)} ${text}`))
      told = action.steps.length
    }
    if (isOver(action) || Date.now() > deadline) return action
    await pause(POLL_MS)
  }
}

export function registerReleaseCommand(program: Command): void {
  const command = program
    .command('release')
    .description('Let a phone go: it gets its farewell profile, its lines get new passwords')
    .argument('<mac>', 'the phone')
  addExamples(addApiOptions(command), [
    ['offhook release 000e08a1b2c3', 'the phone may then be bound by another account'],
  ]).action((mac: string, options) =>
    withApi(options, async (api) => {
      const device = await api.call<{ readonly state: string }>('POST', `devices/${encodeURIComponent(mac)}/release`)
      printResult({ json: options.json === true, value: device, lines: () => [`${mac}: ${device.state}`] })
    }),
  )
}

interface MovedLine {
  readonly index: number
  readonly userId: string
  readonly domain: string
}

interface Replacement {
  readonly dryRun: boolean
  readonly moves: {
    readonly lines: readonly MovedLine[]
    readonly layerElements: readonly string[]
    readonly features: readonly string[]
    readonly batchId: string | null
  }
  readonly droppedLines: readonly MovedLine[]
  readonly problems: readonly { readonly code: string; readonly element: string; readonly message: string }[]
  readonly old: { readonly state: string }
}

export function registerReplaceCommand(program: Command): void {
  const command = program
    .command('replace')
    .description('Put another phone in the place of one: lines, layer, features and batch move')
    .argument('<mac>', 'the phone that goes')
    .argument('<new-mac>', 'the phone that comes')
    .requiredOption('--serial <serial>', 'its serial number, from the label')
    .requiredOption('--model <product-name>', 'its product name, e.g. CP-8851-3PCC')
    .option('--dry-run', 'only say what would be done')
    .option('--force', 'let lines go that the new model has no place for')
  addExamples(addApiOptions(command), [
    [
      'offhook replace 000e08a1b2c3 000e08ffeedd --serial FCH2347E0AC --model CP-7841-3PCC --dry-run',
      'what moves, and what the new model cannot do',
    ],
  ]).action((mac: string, to: string, options) =>
    withApi(options, async (api) => {
      const { serial, model, dryRun = false, force } = options
      const body = { mac: to, serial, model, dryRun, ...(force === true ? { force } : {}) }
      const done = await api.call<Replacement>('POST', `devices/${encodeURIComponent(mac)}/replace`, body)
      const lines = () => replacementLines(done, `${mac} by ${to} (${model})`)
      printResult({ json: options.json === true, value: done, lines })
    }),
  )
}

function replacementLines({ dryRun, moves, droppedLines, problems }: Replacement, what: string): readonly string[] {
  const name = ({ index, userId, domain }: MovedLine): string => `  line ${index}: ${userId}@${domain}`
  const { lines, layerElements, features } = moves
  return [
    `${dryRun ? 'Would replace' : 'Replaced'} ${what}`,
    ...lines.map((line) => `${name(line)} moves, with a new password`),
    ...droppedLines.map((line) => `${name(line)} stays behind: the new model has no place for it`),
    `  ${layerElements.length} parameters of its layer and ${features.length} features move`,
    ...problems.map(({ code, element, message }) => `  ${[code, element].join(' ').trim()}: ${message}`),
  ]
}

export function registerDiffCommand(program: Command): void {
  const command = program
    .command('diff')
    .description('What differs between two versions of a phone’s profile')
    .argument('<mac>', 'the phone')
    .addOption(
      new Option('--from <version>', 'the one before; without it: running if known, else served').choices(VERSIONS),
    )
    .addOption(new Option('--to <version>', 'the one after').choices(VERSIONS).default('wanted'))
  addExamples(addApiOptions(command), [
    ['offhook diff 000e08a1b2c3', 'what the phone will change at its next resync'],
    ['offhook diff 000e08a1b2c3 --from wanted --to draft', 'what the drafts of its layers would change'],
  ]).action((mac: string, options) =>
    withApi(options, async (api) => {
      const query = new URLSearchParams({
        ...(options.from === undefined ? {} : { from: options.from }),
        to: options.to,
      })
      const path = `devices/${encodeURIComponent(mac)}/diff`
      if (options.json) return printJson(await api.call('GET', `${path}?${query.toString()}`))
      query.set('format', 'text')
      const response = await api.raw('GET', `${path}?${query.toString()}`)
      await refuseFailure(response)
      process.stdout.write(await response.text())
    }),
  )
}
