/**
 * Slows down whoever guesses passwords: after a few wrong ones an address is not listened to for a while, twice as long
 * each time, up to a minute. The right password does not shorten the wait. Other addresses are not affected, so nobody
 * can lock the owner out. Not in the guides; a Model.
 */
import type { Millis } from '../../../protocol/result.ts'

/** Wrong passwords of one address that cost nothing. */
export const FREE_TRIES = 5
/** The longest wait. */
export const LOCK_MS_MAX: Millis = 60_000
const LOCK_MS_MIN: Millis = 1000
/** After this long without a wrong password an address starts afresh. */
export const FORGET_MS: Millis = 600_000
/** Addresses that are remembered; the one that has been quiet longest goes first. */
export const GUESSERS_MAX = 64

/** An address that has sent wrong passwords. */
export interface Guesser {
  readonly address: string
  /** Wrong passwords in a row. */
  readonly count: number
  readonly at: Millis
}

/** @returns how long this address must still wait, 0 if it need not. */
export function lockedForMs(guessers: readonly Guesser[], address: string, now: Millis): Millis {
  const guesser = guessers.find((other) => other.address === address)
  if (guesser === undefined || guesser.count < FREE_TRIES || now - guesser.at >= FORGET_MS) return 0
  const wait = Math.min(LOCK_MS_MIN * 2 ** Math.min(guesser.count - FREE_TRIES, 20), LOCK_MS_MAX)
  return Math.max(0, guesser.at + wait - now)
}

/** Notes a wrong password. */
export function guessedWrong(guessers: readonly Guesser[], address: string, now: Millis): readonly Guesser[] {
  const before = guessers.find((other) => other.address === address)
  const count = before === undefined || now - before.at >= FORGET_MS ? 0 : before.count
  const others = guessers.filter((other) => other.address !== address)
  return [...others, { address, count: count + 1, at: now }].slice(-GUESSERS_MAX)
}

/** Notes the right password: the address starts afresh. */
export function guessedRight(guessers: readonly Guesser[], address: string): readonly Guesser[] {
  return guessers.some((other) => other.address === address)
    ? guessers.filter((other) => other.address !== address)
    : guessers
}
