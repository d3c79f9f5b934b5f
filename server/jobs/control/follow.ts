/** Follows phones that said yes: whether they came back, and run what is wanted. In batches, whatever their number. */
import type { Services } from '../../services.ts'
import { type FollowedAction, type FollowedProgress, recordFollowed, takeReturned } from '../../store/mod.ts'
import { renderOwnProfile } from '../../profiles/mod.ts'

/** Phones of one look; to know what is wanted of one takes some milliseconds. */
const LOOK_MAX = 100

/** Looks at the phones that have come back since the last look. @returns whether there may be more */
export async function followOnce(services: Services): Promise<boolean> {
  const { now } = services
  const seen = await services.change(async (tx) => {
    const returned = await takeReturned(tx, LOOK_MAX)
    const progress: FollowedProgress[] = []
    for (const action of returned) progress.push(progressOf(action, await wantedVersion(services, action), now()))
    if (progress.length > 0) await recordFollowed(tx, progress, now())
    return returned.length
  })
  return seen === LOOK_MAX
}

async function wantedVersion(services: Services, { kind, mac }: FollowedAction): Promise<string | undefined> {
  if (kind !== 'resync') return undefined
  const facts = await services.directory.device(mac)
  return facts === undefined || facts.device.state !== 'bound'
    ? undefined
    : renderOwnProfile(facts, services.facts()).version
}

/** Pure: what is known of an action by the last believed request of its phone. */
export function progressOf(action: FollowedAction, wanted: string | undefined, now: number): FollowedProgress {
  const { id, kind, state, believedAt, runningVersion } = action
  const at = new Date(now).toISOString()
  const back =
    state === 'accepted'
      ? [
          {
            at,
            state: 'came-back',
            text: kind === 'report' ? 'Its report has come' : 'The phone asked for something',
          } as const,
        ]
      : []
  const checkedAt = believedAt.getTime()
  if (kind !== 'resync') return { id, ended: true, steps: back, checkedAt }
  if (wanted === undefined || runningVersion !== wanted) return { id, ended: false, steps: back, checkedAt }
  const runs = { at, state: 'runs-version', text: `The phone runs the wanted version ${wanted}` } as const
  return { id, ended: true, steps: [...back, runs], checkedAt }
}
