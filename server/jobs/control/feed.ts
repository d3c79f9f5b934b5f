/** Asks the registrar about our lines, a page at a time and at a bounded rate, and acts on what is new. */
import type { Millis } from '../../../protocol/result.ts'
import type { Services } from '../../services.ts'
import {
  askNewlyRegistered,
  type AskedLine,
  findRegistrarFeed,
  recordRegistrations,
  type RegistrarFeed,
  type RegistrationSeen,
  takeLinesToAsk,
} from '../../store/mod.ts'
import { askKamailio } from './kamailio-registrar.ts'

/** A page goes out so often. */
const PAGE_MS: Millis = 1000
/** Where there is no feed, or it does not answer. */
const AGAIN_MS: Millis = 15_000
/** A registered line is asked about anew after this; one whose device waits, after a twelfth of it. */
const AGED_MS: Millis = 60_000
/** Questions at once to one registrar. */
const AT_ONCE = 8

export interface Feed {
  /** Settings were written: look now. */
  nudge(): void
  close(): Promise<void>
}

export function startFeed(services: Services): Feed {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let isRunning = false
  let closed = false
  let told = ''

  function schedule(ms: Millis): void {
    clearTimeout(timer)
    if (closed) return
    timer = setTimeout(() => {
      if (isRunning) return
      isRunning = true
      running = page()
        .catch((error: unknown) => {
          services.log.warn({ err: error }, 'the registrar feed failed')
          return AGAIN_MS
        })
        .then((next) => {
          isRunning = false
          schedule(next)
        })
    }, ms)
  }

  /** One page. @returns when the next one is due */
  async function page(): Promise<Millis> {
    const feed = await findRegistrarFeed(services.db)
    if (feed === undefined) return AGAIN_MS
    const problem = await askPage(services, feed)
    // Once, until it changes: it comes every few seconds.
    if (problem !== undefined && problem !== told)
      services.log.warn({ reason: problem }, 'the registrar feed does not answer')
    told = problem ?? ''
    return problem === undefined ? PAGE_MS : AGAIN_MS
  }

  schedule(0)
  return {
    nudge: () => schedule(0),
    async close() {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}

/** @returns why the registrar could not be asked */
export async function askPage(services: Services, feed: RegistrarFeed): Promise<string | undefined> {
  const { now, settings } = services
  const most = Math.max(1, Math.round((feed.perSecond * PAGE_MS) / 1000))
  const lines = await services.change((tx) => takeLinesToAsk(tx, most, AGED_MS, now()))
  const seen: RegistrationSeen[] = []
  let problem: string | undefined
  for (let start = 0; start < lines.length && problem === undefined; start += AT_ONCE) {
    const answers = await Promise.all(
      lines
        .slice(start, start + AT_ONCE)
        .map((line: AskedLine) => askKamailio(feed, line, settings.outboundAllow, now())),
    )
    for (const answer of answers) {
      if (answer.ok) seen.push(answer.value)
      else problem = answer.error
    }
  }
  if (seen.length > 0) {
    await services.change(async (tx) => {
      await recordRegistrations(tx, seen, now())
      const registered = seen.filter(({ registered: is }) => is).map(({ lineId }) => lineId)
      await askNewlyRegistered(tx, registered, now())
    })
  }
  return problem
}
