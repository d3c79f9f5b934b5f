/** Gathers what becomes of actions and writes it in batches; while the database is away, it waits. */
import type { Millis } from '../../../protocol/result.ts'
import type { Services } from '../../services.ts'
import { type ActionProgress, type ActionState, recordProgress } from '../../store/mod.ts'

/** How long news of an action may wait for company. */
const GATHER_MS: Millis = 50
/** When the database did not take it. */
const AGAIN_MS: Millis = 1000
/** Actions of one statement. */
const BATCH_MAX = 500

export interface ProgressLog {
  note(id: string, state: ActionState, text: string, more?: Pick<ActionProgress, 'askedAt' | 'dueAt' | 'reason'>): void
  close(): Promise<void>
}

/** @param written called when news are in the database: there may be more to do */
export function openProgressLog(services: Services, owner: string, leaseMs: Millis, written: () => void): ProgressLog {
  const { now, log } = services
  let waiting = new Map<string, ActionProgress>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  let closed = false

  function later(ms: Millis): void {
    timer ??= setTimeout(() => {
      timer = undefined
      writing = writing.then(write)
    }, ms)
  }

  async function write(): Promise<void> {
    const batch = [...waiting.values()].slice(0, BATCH_MAX)
    if (batch.length === 0) return
    const taken = new Set(batch.map(({ id }) => id))
    const rest = new Map([...waiting].filter(([id]) => !taken.has(id)))
    waiting = rest
    try {
      await services.change((tx) => recordProgress(tx, owner, batch, { now: now(), leaseMs }))
      written()
      if (waiting.size > 0) later(0)
    } catch (error) {
      log.warn({ err: error }, 'what became of actions could not be written yet')
      const newer = waiting
      waiting = new Map(batch.map((each) => [each.id, each]))
      for (const [id, progress] of newer) waiting.set(id, joined(waiting.get(id), progress))
      if (!closed) later(AGAIN_MS)
    }
  }

  return {
    note(id, state, text, more = {}) {
      const step = { at: new Date(now()).toISOString(), state, text }
      waiting.set(id, joined(waiting.get(id), { id, steps: [step], ...more }))
      later(GATHER_MS)
    },
    async close() {
      closed = true
      clearTimeout(timer)
      timer = undefined
      await writing
      await write()
    },
  }
}

function joined(before: ActionProgress | undefined, after: ActionProgress): ActionProgress {
  return before === undefined ? after : { ...before, ...after, steps: [...before.steps, ...after.steps] }
}
