/** What a certificate authority looks for on our HTTP port before it signs. Source: RFC 8555 §8.3. */
import { setTimeout as pause } from 'node:timers/promises'

/** Anybody may ask for any token: the database is looked into at most this often, whoever asks. */
const LOOK_EVERY_MS = 250
/** RFC 8555 §8.3: base64url of at least 128 bits. */
const TOKEN_PATH = /^\/\.well-known\/acme-challenge\/([A-Za-z0-9_-]{16,256})$/

/** @returns the key authorization for a token, undefined for one that is not ours */
export type Challenges = (token: string) => Promise<string | undefined>

/** @returns the token that is asked for; undefined: another path */
export function challengeToken(url: string | undefined): string | undefined {
  return url?.startsWith('/.well-known/') === true ? TOKEN_PATH.exec(url)?.[1] : undefined
}

/** @param load all that are open, of whatever process they are */
export function createChallenges(load: () => Promise<ReadonlyMap<string, string>>): Challenges {
  let known: ReadonlyMap<string, string> = new Map()
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | undefined
  async function look(): Promise<void> {
    try {
      await pause(Math.max(0, lookedAt + LOOK_EVERY_MS - performance.now()))
      lookedAt = performance.now()
      known = await load()
    } finally {
      looking = undefined
    }
  }
  return async (token) => {
    const answer = known.get(token)
    if (answer !== undefined) return answer
    // One that began before this question may have missed the newest token, unless it still waits for its turn.
    if (looking !== undefined) await looking
    const found = known.get(token)
    if (found !== undefined) return found
    looking ??= look()
    await looking
    return known.get(token)
  }
}
