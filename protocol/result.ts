/** What a decision or a decoder gives back where the caller chooses by the kind of error. */
export type Result<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E }

/** Milliseconds since the epoch, or a length of time where the name says so. */
export type Millis = number

/** A source of chance: each call gives a number in [0, 1). Handed in, so that a seed replays a run. */
export type Rng = () => number

/** A conversation's answer to one input: its next state and what is to be done. */
export interface Step<State, Output> {
  readonly state: State
  readonly outputs: readonly Output[]
}

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value }
}

export function err<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error }
}

/** Throws when we were wrong, never for what the world sent. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`)
}

/** Ends a `switch` over a union; a new member then fails to compile. */
export function assertNever(value: never): never {
  throw new Error(`Assertion failed: impossible case ${JSON.stringify(value)}`)
}
