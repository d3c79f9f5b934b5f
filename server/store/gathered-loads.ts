/**
 * Gathers single loads into few: what is asked for in the same turn goes together, and while enough are on their way the
 * rest waits and goes together too. A fleet that comes back after an outage asks for everything at once.
 */

export interface GatheredOptions<Key, Value> {
  /** @returns what there is, by key */
  loadMany(keys: readonly Key[]): Promise<ReadonlyMap<Key, Value>>
  /** Keys in one load. */
  readonly togetherMax: number
  /** Loads on their way at once. */
  readonly inFlightMax: number
}

interface Waiter<Value> {
  readonly resolve: (value: Value | undefined) => void
  readonly reject: (cause: unknown) => void
}

/** @returns loads one; a load that fails, fails for all that went with it */
export function gatherLoads<Key, Value>(
  options: GatheredOptions<Key, Value>,
): (key: Key) => Promise<Value | undefined> {
  const waiting = new Map<Key, Waiter<Value>[]>()
  let inFlight = 0
  let due = false

  function start(): void {
    due = false
    while (waiting.size > 0 && inFlight < options.inFlightMax) {
      const taken = [...waiting].slice(0, options.togetherMax)
      for (const [key] of taken) waiting.delete(key)
      inFlight += 1
      void carryOut(new Map(taken))
    }
  }

  async function carryOut(taken: ReadonlyMap<Key, readonly Waiter<Value>[]>): Promise<void> {
    try {
      const loaded = await options.loadMany([...taken.keys()])
      for (const [key, waiters] of taken) for (const { resolve } of waiters) resolve(loaded.get(key))
    } catch (cause) {
      for (const waiters of taken.values()) for (const { reject } of waiters) reject(cause)
    } finally {
      inFlight -= 1
      start()
    }
  }

  return (key) =>
    new Promise((resolve, reject) => {
      const known = waiting.get(key)
      if (known === undefined) waiting.set(key, [{ resolve, reject }])
      else known.push({ resolve, reject })
      if (due) return
      due = true
      setImmediate(start)
    })
}
