import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import { CliProblem, EXIT } from '../exit-codes.ts'
import { printLines } from '../output.ts'
import { listenForStop, stopSignal, untilStopped } from '../signals.ts'
import { untilAnswered } from './again.ts'
import { addApiOptions, type ApiAccess, ApiRefusal, refuseFailure, withApi } from './api.ts'

interface Event {
  readonly id: number
  readonly at: string
  readonly name: string
  readonly text: string
  readonly trust: string
  readonly mac: string | null
  readonly data: Readonly<Record<string, unknown>>
}

export function registerEventsCommand(program: Command): void {
  const command = program
    .command('events')
    .description('What happened, oldest first; with --follow as it happens')
    .option('--mac <mac>', 'of one phone')
    .option('--account <id>', 'of one account')
    .option('--name <name>', 'of one kind, e.g. device.bound or device.*; several with commas')
    .option('--limit <count>', 'how many past ones', '20')
    .option('--follow', 'go on until Ctrl-C, which ends it with exit code 0')
  addExamples(addApiOptions(command), [
    ['offhook events --follow --name "device.*"', 'what becomes of phones, as it happens'],
    ['offhook events --mac 000e08a1b2c3 --limit 100 --json', 'the timeline of a phone, one JSON document a line'],
  ]).action((options) => {
    if (options.follow === true) listenForStop({ staysUp: true })
    return withApi(options, async (api) => {
      const query = filters(options)
      const print = (event: Event): void => printLines([options.json ? JSON.stringify(event) : lineOf(event)])
      // Begun before the past is read, so that nothing falls in between.
      const stream = options.follow === true ? await openStream(api, query) : undefined
      const past = new URLSearchParams([...query, ['limit', String(options.limit)]])
      const { items } = await api.call<{ readonly items: readonly Event[] }>('GET', `events?${past.toString()}`)
      for (const event of items.toReversed()) print(event)
      if (stream === undefined) return
      const known = new Set(items.map(({ id }) => id))
      await stream.follow((event) => {
        if (!known.delete(event.id)) print(event)
      })
    })
  })
}

function filters({ mac, account, name }: Readonly<Record<string, string | undefined>>): URLSearchParams {
  const given: readonly (readonly [string, string | undefined])[] = [
    ['mac', mac],
    ['accountId', account],
    ['name', name],
  ]
  const query = new URLSearchParams()
  for (const [key, value] of given) if (value !== undefined) query.set(key, value)
  return query
}

function lineOf({ at, name, text, trust, mac, data }: Event): string {
  const details = Object.entries(data).map(([key, value]) => `${key}=${String(value)}`)
  return [at, (mac ?? '-').padEnd(12), name.padEnd(20), text, `[${trust}]`, ...details].join('  ')
}

/**
 * Goes on where it was after a connection is lost or the server was away, for as long as it takes; ends by a signal.
 * Throws what the first connection is refused with.
 */
async function openStream(api: ApiAccess, query: URLSearchParams) {
  void stopSignal()
  let place = ''
  async function connect(): Promise<Response | undefined> {
    const asked = new URLSearchParams(query)
    if (place !== '') asked.set('after', place)
    try {
      const response = await api.raw('GET', `events/stream?${asked.toString()}`, { signal: untilStopped })
      await refuseFailure(response)
      return response
    } catch (error) {
      if (untilStopped.aborted) return undefined
      throw error
    }
  }
  const first = await connect()
  // A refusal, as of a token that was revoked, is an end too.
  const again = () => untilAnswered(connect, { isPassing, away: 'the server has gone; waiting for it' })
  return {
    async follow(print: (event: Event) => void): Promise<void> {
      for (let response = first; response !== undefined; response = await again()) {
        await readStream(response, print, (id) => {
          place = id
        })
      }
    },
  }
}

/** Nobody there, or somebody who is only starting or has too many streams open just now. */
function isPassing(error: unknown): boolean {
  if (error instanceof ApiRefusal) return error.status === 503 || error.status === 429
  return error instanceof CliProblem && error.exitCode === EXIT.unreachable
}

/** Server-Sent Events: `id:` is where to go on, `data:` the event. Ends with the connection. */
async function readStream(
  response: Response,
  print: (event: Event) => void,
  at: (place: string) => void,
): Promise<void> {
  let rest = ''
  const decoder = new TextDecoder()
  try {
    for await (const part of response.body ?? []) {
      const lines = (rest + decoder.decode(part, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line.startsWith('data:')) print(JSON.parse(line.slice('data:'.length)) as Event)
        else if (line.startsWith('id:')) at(line.slice('id:'.length).trim())
      }
    }
  } catch {
    // Cut off, by us or by the server's end: the caller knows which.
    return
  }
}
