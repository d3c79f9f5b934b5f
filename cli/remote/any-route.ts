import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import { usageProblem } from '../exit-codes.ts'
import { readInput } from '../files.ts'
import { addApiOptions, bytesOf, type Method, withApi } from './api.ts'

/** A firmware file may be large. */
const ROUTE_MS = 15 * 60_000
const METHODS: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Everything that the API can do, also what has no command of its own. */
export function registerApiCommand(program: Command): void {
  const command = program
    .command('api')
    .description('Call any route of the API; /api/docs lists them')
    .argument('<method>', METHODS.join(', '))
    .argument('<path>', 'below /api/v1, e.g. "devices?state=held"; from the root with / in front, e.g. /health')
    .argument('[body]', 'JSON; @FILE reads a file, - reads standard input')
    .option('--type <type>', 'content type of the body', 'application/json')
  addExamples(addApiOptions(command), [
    ['offhook api GET "devices?state=held"', 'phones that wait for a person'],
    [`offhook api POST accounts '{"name": "Ann Example"}'`, 'an account'],
    [
      'offhook api POST "firmware?name=sip88xx.14-1-1MPP0001-100.loads" @image.loads --type application/octet-stream',
      'a firmware file',
    ],
  ]).action((method: string, path: string, body: string | undefined, options) =>
    withApi(options, async (api) => {
      const known = METHODS.find((each) => each === method.toUpperCase())
      if (known === undefined) throw usageProblem(`"${method}" is no method; expected ${METHODS.join(', ')}`)
      const sent = await bodyOf(body)
      const timeoutMs = ROUTE_MS
      const more = sent === undefined ? { timeoutMs } : { body: sent, type: String(options.type), timeoutMs }
      const response = await api.raw(known, path, more)
      process.stdout.write(await bytesOf(response))
      if (response.headers.get('content-type')?.includes('json') === true) process.stdout.write('\n')
    }),
  )
}

async function bodyOf(text: string | undefined): Promise<string | Uint8Array | undefined> {
  if (text === '-') return readInput('-')
  return text?.startsWith('@') === true ? readInput(text.slice(1)) : text
}
