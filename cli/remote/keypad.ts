import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import { usageProblem } from '../exit-codes.ts'
import { quoted, writeOutput } from '../files.ts'
import { printNote, printResult } from '../output.ts'
import { addApiOptions, type ApiAccess, bytesOf, withApi } from './api.ts'

interface Sheet {
  readonly text: string
}

/** Only its owner may read a new file: the code in it is a secret. */
const PRIVATE = 0o600

export function registerKeypadCommand(program: Command): void {
  const command = program
    .command('keypad')
    .description('Make a sheet that says what to type at a phone to provision it, with a code for a quarter of an hour')
    .option('--account <id>', 'for any one phone of this account')
    .option('--mac <mac>', 'for this phone and no other')
    .option('--digits <number>', 'of the code, 8 to 10')
    .option('--pdf <file>', 'write the sheet as PDF instead of text; - is standard output')
  addExamples(addApiOptions(command), [
    ['offhook keypad --mac 00:0e:08:a1:b2:c3', 'the sheet as text'],
    ['offhook keypad --account acc_0123 --pdf sheet.pdf', 'to be printed'],
    ['offhook keypad --account acc_0123 --json', 'rule, code, end and steps as JSON'],
  ]).action(async (options) => {
    const path = pathOf(options)
    const body = bodyOf(options)
    if (options.json === true && options.pdf !== undefined) {
      throw usageProblem('A sheet is JSON or PDF: leave out --json or --pdf')
    }
    await withApi(options, async (api) => {
      if (options.pdf === undefined) {
        const sheet = await api.call<Sheet>('POST', path, body)
        printResult({ json: options.json === true, value: sheet, lines: () => [sheet.text.trimEnd()] })
        return
      }
      await writeOutput(options.pdf, await pdfOf(api, path, body), PRIVATE)
      if (options.pdf !== '-')
        printNote(`The sheet is in ${quoted(options.pdf)}; its code is good for a quarter of an hour`)
    })
  })
}

type Options = Readonly<Record<string, string | undefined>>

function pathOf({ account, mac }: Options): string {
  if (account !== undefined && mac === undefined) return `accounts/${encodeURIComponent(account)}/keypad-sheets`
  if (mac !== undefined && account === undefined) return `devices/${encodeURIComponent(mac)}/keypad-sheets`
  throw usageProblem('Name whom the sheet is for: --account ID for any phone of it, or --mac MAC for one phone')
}

function bodyOf({ digits }: Options): { readonly digits?: number } {
  if (digits === undefined) return {}
  if (!/^(?:8|9|10)$/.test(digits)) throw usageProblem(`"${digits}" digits cannot be; expected 8, 9 or 10`)
  return { digits: Number(digits) }
}

async function pdfOf(api: ApiAccess, path: string, body: object): Promise<Uint8Array> {
  const sent = { body: JSON.stringify(body), type: 'application/json' }
  return bytesOf(await api.raw('POST', `${path}?format=pdf`, sent))
}
