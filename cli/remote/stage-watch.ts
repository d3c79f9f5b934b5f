/** `offhook stage watch`: a batch as it comes to life, as a view on a terminal or a line a change. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { addExamples } from '../examples.ts'
import { CliProblem, EXIT, usageProblem } from '../exit-codes.ts'
import { clockTime, endWith, printLines, printNote } from '../output.ts'
import { listenForStop, stopAsked, stopSignal, untilStopped } from '../signals.ts'
import { wholeNumber } from './acs-words.ts'
import { addApiOptions, type ApiAccess, refuseFailure, withApi } from './api.ts'
import {
  changeLine,
  changesBetween,
  type Goal,
  GOALS,
  isReached,
  type Left,
  leftLines,
  leftUntil,
} from './stage-changes.ts'
import { scrolled } from './stage-keys.ts'
import { layoutOf } from './stage-layout.ts'
import { isPassing } from './stage-refusal.ts'
import { openTerminal } from './stage-terminal.ts'
import { type Update, updated } from './stage-updates.ts'
import { batchRoute, type Staging } from './stage-words.ts'

const LOOK_MS = 1000
/** A server that takes longer is as good as away; the next look comes soon. */
const ANSWER_MS = 10_000

interface Options {
  readonly json?: boolean
  readonly until?: Goal
  readonly timeout?: number
}

export function stageWatchCommand(stage: Command): void {
  const command = stage
    .command('watch')
    .description('How far the boxes of a batch are, as it happens')
    .argument('<batch>', 'its id')
    .addOption(new Option('--until <stage>', 'end when all boxes are there').choices(GOALS))
    .option('--timeout <seconds>', 'with --until: end with 1 after this time, and name what is left', wholeNumber)
  addExamples(addApiOptions(command), [
    ['offhook stage watch bat_0123', 'a table that moves; Up, Down, PgUp, PgDn scroll, q ends'],
    ['offhook stage watch bat_0123 --until registered --timeout 3600', 'ends when all are, or names what is left'],
    ['offhook stage watch bat_0123 --json', 'one JSON object a change'],
  ]).action((batch: string, options) => {
    if (options.timeout !== undefined && options.until === undefined) {
      throw usageProblem('--timeout needs --until: without it there is nothing to wait for')
    }
    listenForStop({ staysUp: true })
    return withApi(options, (api) => watch(api, batch, options))
  })
}

/** What is shown of the looks. */
interface Show {
  /** Asked to end by whoever looks. */
  readonly ended: AbortSignal
  answer(staging: Staging): void
  /** @param since when the server answered last, in ms; undefined: it answers again */
  silent(since: number | undefined): void
  close(): void
}

async function watch(api: ApiAccess, batch: string, options: Options): Promise<void> {
  // Of a large batch all is told only once.
  const path = (cursor: string): string => batchRoute(batch, `staging?since=${cursor}`)
  const goal = options.until ?? 'registered'
  const deadline = options.timeout === undefined ? Infinity : Date.now() + options.timeout * 1000
  // Before anything is drawn: whoever is not there, or refuses, is told as by any other command.
  let update = await api.call<Update>('GET', path(''))
  let staging = updated(undefined, update)
  void stopSignal()
  const isView = process.stdout.isTTY && options.json !== true
  const show = isView ? openView(goal) : openLines(options.json === true)
  const ended = AbortSignal.any([show.ended, untilStopped])
  const isOver = (): boolean =>
    ended.aborted || Date.now() >= deadline || (options.until !== undefined && isReached(leftUntil(staging, goal)))
  try {
    show.answer(staging)
    let answeredAt = Date.now()
    while (!isOver()) {
      await pause(Math.min(LOOK_MS, deadline - Date.now()), undefined, { signal: ended }).catch(() => undefined)
      if (ended.aborted) break
      const next = await look(api, path(update.cursor), ended)
      if (next === undefined) {
        show.silent(answeredAt)
        continue
      }
      update = next
      staging = updated(staging, update)
      answeredAt = Date.now()
      show.silent(undefined)
      show.answer(staging)
    }
  } finally {
    show.close()
  }
  conclude(leftUntil(staging, goal), goal, options)
}

/** @returns undefined when nobody answers, or somebody who cannot just now; a refusal is thrown */
async function look(api: ApiAccess, path: string, ended: AbortSignal): Promise<Update | undefined> {
  const signal = AbortSignal.any([ended, AbortSignal.timeout(ANSWER_MS)])
  try {
    const response = await api.raw('GET', path, { signal })
    await refuseFailure(response)
    return (await response.json()) as Update
  } catch (error) {
    if (signal.aborted || isPassing(error)) return undefined
    throw error
  }
}

/** The last words, on the screen that stays. */
function conclude(left: Left, goal: Goal, { json, until }: Options): void {
  const reached = isReached(left)
  if (json === true) {
    const boxes = left.boxes.map(({ mac, serial, stage, problem }) => ({ mac, serial, stage, problem }))
    const { there, total, unscanned } = left
    printLines([JSON.stringify({ kind: 'summary', goal, reached, there, total, unscanned, left: boxes })])
  } else {
    printLines(leftLines(left, goal))
  }
  if (until === undefined || reached) return
  // A problem that is thrown after Ctrl-C counts for nothing.
  if (stopAsked()) endWith(EXIT.problems)
  else throw new CliProblem(`Not all boxes are ${goal}: ${left.there} of ${left.total}`)
}

/** A line a change; what is wrong with looking goes to stderr. */
function openLines(json: boolean): Show {
  let before: Staging | undefined
  let isSilent = false
  return {
    ended: new AbortController().signal,
    answer(staging) {
      const changes = changesBetween(before, staging)
      before = staging
      const time = clockTime(Date.parse(staging.at))
      printLines(changes.map((change) => (json ? JSON.stringify(change) : changeLine(change, time))))
    },
    silent(since) {
      if (since !== undefined && !isSilent) printNote(`no answer since ${clockTime(since)}; still asking`)
      if (since === undefined && isSilent) printNote('the server is back')
      isSilent = since !== undefined
    },
    close: () => undefined,
  }
}

/** The view of a terminal, drawn anew with each answer, key and size. */
function openView(goal: Goal): Show {
  const quit = new AbortController()
  let staging: Staging | undefined
  let notice: string | undefined
  let [offset, page] = [0, 1]
  const terminal = openTerminal({
    key(key) {
      if (key === 'quit') return quit.abort()
      offset = scrolled(offset, key, page)
      draw()
    },
    resize: draw,
  })
  function draw(): void {
    const { rows, columns } = terminal.size()
    const laid = layoutOf(rows, columns, { staging, goal, offset, notice })
    ;({ offset, page } = laid)
    terminal.draw(laid.lines)
  }
  return {
    ended: quit.signal,
    answer(next) {
      staging = next
      draw()
    },
    silent(since) {
      const said = since === undefined ? undefined : `no answer since ${clockTime(since)}; still asking`
      if (said === notice) return
      notice = said
      draw()
    },
    close: () => terminal.close(),
  }
}
