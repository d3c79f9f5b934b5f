/**
 * Remote control of phones: carries out what was asked of them by SIP NOTIFY through the provider's proxy or by their own
 * command URL, and follows what comes of it; asks the registrar which lines are registered.
 * Source: MPP §7.3, §8.
 */
import { randomBytes } from 'node:crypto'
import type { Millis } from '../../../protocol/result.ts'
import type { Job, Services } from '../../services.ts'
import { CONTROL_CHANNEL, controlAgenda, pruneActions, timeOutActions } from '../../store/mod.ts'
import { openCourier } from './courier.ts'
import { createDispatch, type Dispatch, LEASE_MS } from './dispatch.ts'
import { startFeed } from './feed.ts'
import { followOnce } from './follow.ts'
import { openProgressLog } from './progress.ts'

/** How often phones that said yes are looked at, while there are any. */
const FOLLOW_MS: Millis = 1000
/** Changes of devices come in swarms. */
const GATHER_MS: Millis = 50
/** While more is due than may go now. */
const PACE_MS: Millis = 50
/** Even if no word of new work arrived. */
const IDLE_MS: Millis = 30_000
/** When the database does not answer. */
const AGAIN_MS: Millis = 1000
const TIMED_OUT_MAX = 500
const PRUNE_EVERY_MS: Millis = 60 * 60_000
const PRUNED_MAX = 10_000
const DAY_MS: Millis = 24 * 60 * 60_000

/** Rejects with the system's error when the SIP port cannot be had. */
export async function startControl(services: Services): Promise<Job> {
  const { settings, db, directory, log } = services
  const owner = randomBytes(12).toString('hex')
  const courier = await openCourier({ host: settings.host, port: settings.sipPort, now: services.now })
  const state: RoundState = { following: false }
  const progress = openProgressLog(services, owner, LEASE_MS, () => rounds.soon(0))
  const dispatch = createDispatch({ services, courier, progress, owner })
  const rounds = createRounds(services, () => round(services, dispatch, state))
  const feed = startFeed(services)
  const listening = await db.listen(CONTROL_CHANNEL, {
    onMessage(payload) {
      if (payload === 'feed') feed.nudge()
      else rounds.soon(0)
    },
    onLost: () => undefined,
    onBack: () => rounds.soon(0),
  })
  // A running version is such a change; a request that says nothing new is found by the next look.
  directory.onChange(({ kind }) => {
    if (kind === 'device' && state.following) rounds.soon(GATHER_MS)
  })
  const pruning = setInterval(() => {
    const before = services.now() - settings.eventRetentionDays * DAY_MS
    pruneActions(db, before, PRUNED_MAX).catch((error: unknown) => log.error({ err: error }, 'old actions stay'))
  }, PRUNE_EVERY_MS).unref()
  rounds.soon(0)
  return {
    async close() {
      clearInterval(pruning)
      await listening.close()
      await feed.close()
      await rounds.close()
      await dispatch.close()
      await courier.close()
      await progress.close()
    },
  }
}

interface RoundState {
  /** Whether there are phones that said yes, as of the last round. */
  following: boolean
}

/** One round of everything. @returns after which time the next one is due */
async function round(services: Services, dispatch: Dispatch, state: RoundState): Promise<Millis> {
  const { db, now } = services
  const late = await services.change((tx) => timeOutActions(tx, now(), TIMED_OUT_MAX))
  const more = await dispatch.run()
  const back = await followOnce(services)
  if (more || back || late === TIMED_OUT_MAX) return PACE_MS
  const { following, nextAt } = await controlAgenda(db)
  state.following = following
  const untilNext = nextAt === undefined ? IDLE_MS : Math.max(PACE_MS, nextAt - now())
  return Math.min(untilNext, following ? FOLLOW_MS : IDLE_MS)
}

interface Rounds {
  /** Brings the next round forward. */
  soon(ms: Millis): void
  close(): Promise<void>
}

/** One round at a time; whoever asks during a round gets another one after it. */
function createRounds(services: Services, work: () => Promise<Millis>): Rounds {
  let timer: NodeJS.Timeout | undefined
  let dueAt = Number.POSITIVE_INFINITY
  let running: Promise<void> | undefined
  let closed = false

  function soon(ms: Millis): void {
    const at = performance.now() + ms
    if (closed || at >= dueAt) return
    dueAt = at
    clearTimeout(timer)
    if (running === undefined) timer = setTimeout(run, ms)
  }

  function run(): void {
    dueAt = Number.POSITIVE_INFINITY
    running = work()
      .catch((error: unknown) => {
        if (!closed) services.log.warn({ err: error }, 'a round of remote control failed and is tried again')
        return AGAIN_MS
      })
      .then((next) => {
        running = undefined
        const asked = Math.max(0, dueAt - performance.now())
        dueAt = Number.POSITIVE_INFINITY
        soon(Math.min(next, asked))
      })
  }

  return {
    soon,
    async close() {
      closed = true
      clearTimeout(timer)
      await running
    },
  }
}
