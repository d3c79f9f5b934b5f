import { stringify } from 'csv-stringify/sync'
import { type Command, Option } from 'commander'
import { addExamples } from '../examples.ts'
import { writeOutput } from '../files.ts'
import { printNote } from '../output.ts'
import { addApiOptions, allPages, type ApiAccess, withApi } from './api.ts'

/** Phones that are noted by one request. */
const MARK_MAX = 10_000
const STATES = ['to-enter', 'entered', 'changed', 'seen', 'all'] as const
const CSV_COLUMNS = ['mac', 'serial', 'productName', 'profileRule'] as const

interface Entry {
  readonly mac: string
  readonly serial: string
  readonly productName: string
  readonly profileRule: string
}

export function registerRcCommand(program: Command): void {
  const rc = program.command('rc').description('The redirect service that sealed phones ask')
  const command = rc
    .command('export')
    .description('Write MAC, serial number, product name and the exact profile rule, for entry at Cisco’s own service')
    .argument('[file]', 'CSV, or JSON with --json; - is standard output', '-')
    .option('--account <id>', 'phones of this account and all below it')
    .option('--batch <id>', 'phones of this batch')
    .addOption(new Option('--state <state>', 'which of them').choices(STATES).default('to-enter'))
    .option('--mark', 'note that they are entered now')
  addExamples(addApiOptions(command), [
    ['offhook rc export boxes.csv', 'what is still to be entered'],
    ['offhook rc export boxes.csv --mark', 'the same, and noted as entered'],
    ['offhook rc export --state changed', 'what was entered with a rule that is no longer right'],
  ]).action((file: string, options) =>
    withApi(options, async (api) => {
      const entries = await allPages<Entry>(api, `rc/entries?${queryOf(options).toString()}`)
      const csv = (): string => stringify([...entries], { header: true, columns: [...CSV_COLUMNS] })
      const text = options.json === true ? `${JSON.stringify(entries, undefined, 2)}\n` : csv()
      await writeOutput(file, new TextEncoder().encode(text))
      if (options.mark === true) printNote(`${await mark(api, entries)} phones are noted as entered`)
    }),
  )
}

function queryOf({ account, batch, state }: Readonly<Record<string, string | undefined>>): URLSearchParams {
  const query = new URLSearchParams()
  if (account !== undefined) query.set('accountId', account)
  if (batch !== undefined) query.set('batchId', batch)
  if (state !== undefined && state !== 'all') query.set('state', state)
  return query
}

/** With the rule that was written out, whatever the server would say by now. @returns how many */
async function mark(api: ApiAccess, entries: readonly Entry[]): Promise<number> {
  let count = 0
  const [first] = entries
  if (first === undefined) return count
  const { profileRule } = first
  for (let at = 0; at < entries.length; at += MARK_MAX) {
    const macs = entries.slice(at, at + MARK_MAX).map(({ mac }) => mac)
    const { marked } = await api.call<{ readonly marked: readonly string[] }>('POST', 'rc/entries', {
      macs,
      entered: true,
      profileRule,
    })
    count += marked.length
  }
  return count
}
