import { sqlState } from './statement.ts'

/** Timers as an argument, so that tests decide when time passes. */
export interface BatchTimers {
  set(callback: () => void, afterMs: number): unknown
  clear(timer: unknown): void
}

export interface BatchOptions<Row> {
  /**
   * Stores all rows or none; one call at a time, in their order. When the database finds fault with the data, the rows
   * are tried one by one and the faulty ones dropped; after any other failure they wait and are tried again.
   */
  flush(rows: readonly Row[]): Promise<void>
  readonly maxRows: number
  readonly maxWaitMs: number
  /** Rows that may wait; beyond, the oldest are dropped and counted. */
  readonly queueMax: number
  /** A flush failed. Called once a failure. */
  onError(error: unknown): void
  readonly timers?: BatchTimers
}

/**
 * Gathers observations (seen, served, syslog) into few writes. Never for what a phone depends on: rows are dropped when
 * the database is away for too long, and are lost with the process.
 */
export interface Batch<Row> {
  add(row: Row): void
  /** Stores all that waits, or gives up after some attempts in a row. Never throws. */
  flush(): Promise<void>
  /** The last flush. Rows that come later are dropped and counted. */
  close(): Promise<void>
  readonly waitingCount: number
  /** Rows that were never stored: pushed out by newer ones, faulty, or too late. */
  readonly droppedCount: number
}

/** So many failures in a row, and `flush` gives up; the waits in between grow up to 2 to this power. */
export const BATCH_ATTEMPTS_MAX = 5

const REAL_TIMERS: BatchTimers = {
  set: (callback, afterMs) => setTimeout(callback, afterMs),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
}

/** Makes a batch. A flush comes after `maxWaitMs`, or at once when `maxRows` wait. */
export function createBatch<Row>(options: BatchOptions<Row>): Batch<Row> {
  return new GatheringBatch(options)
}

class GatheringBatch<Row> implements Batch<Row> {
  readonly #options: BatchOptions<Row>
  readonly #timers: BatchTimers
  #waiting: Row[] = []
  #timer: unknown
  #running: Promise<void> | undefined
  #attempts = 0
  #dropped = 0
  #closed = false

  constructor(options: BatchOptions<Row>) {
    this.#options = options
    this.#timers = options.timers ?? REAL_TIMERS
  }

  get waitingCount(): number {
    return this.#waiting.length
  }

  get droppedCount(): number {
    return this.#dropped
  }

  add(row: Row): void {
    if (this.#closed) {
      this.#dropped++
      return
    }
    this.#waiting.push(row)
    this.#dropOldest()
    // After a failure only the timer decides, or a database that is away would be asked again for each row.
    if (this.#waiting.length >= this.#options.maxRows && this.#attempts === 0) this.#start()
    else this.#wake()
  }

  async flush(): Promise<void> {
    for (let failures = 0; failures < BATCH_ATTEMPTS_MAX; ) {
      this.#start()
      if (this.#running === undefined) return
      await this.#running
      failures = this.#attempts === 0 ? 0 : failures + 1
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.flush()
    this.#dropped += this.#waiting.length
    this.#waiting = []
    this.#stopTimer()
  }

  /** One in ten of the queue at a time: removing the first of a long array costs its length. */
  #dropOldest(): void {
    const { queueMax } = this.#options
    if (this.#waiting.length <= queueMax) return
    const count = Math.max(this.#waiting.length - queueMax, Math.floor(queueMax / 10))
    this.#waiting.splice(0, count)
    this.#dropped += count
  }

  #wake(): void {
    if (this.#timer !== undefined || this.#running !== undefined) return
    const afterMs = this.#options.maxWaitMs * 2 ** Math.min(this.#attempts, BATCH_ATTEMPTS_MAX)
    this.#timer = this.#timers.set(() => this.#start(), afterMs)
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.#timers.clear(this.#timer)
    this.#timer = undefined
  }

  #start(): void {
    this.#stopTimer()
    if (this.#running !== undefined || this.#waiting.length === 0) return
    this.#running = this.#flushOnce().finally(() => {
      this.#running = undefined
      if (this.#waiting.length >= this.#options.maxRows && this.#attempts === 0) this.#start()
      else if (this.#waiting.length > 0) this.#wake()
    })
  }

  async #flushOnce(): Promise<void> {
    const rows = this.#waiting.splice(0, this.#options.maxRows)
    try {
      await this.#options.flush(rows)
      this.#attempts = 0
    } catch (error) {
      this.#options.onError(error)
      if (isFaultOfData(error)) await this.#flushSingly(rows)
      else this.#putBack(rows)
    }
  }

  async #flushSingly(rows: readonly Row[]): Promise<void> {
    for (const [index, row] of rows.entries()) {
      try {
        await this.#options.flush([row])
        this.#attempts = 0
      } catch (error) {
        if (!isFaultOfData(error)) return this.#putBack(rows.slice(index))
        this.#dropped++
      }
    }
  }

  #putBack(rows: readonly Row[]): void {
    this.#attempts++
    this.#waiting = [...rows, ...this.#waiting]
    this.#dropOldest()
  }
}

/** Classes of SQLSTATE that come again with the same rows: cardinality, data, integrity, names and types. */
function isFaultOfData(error: unknown): boolean {
  return ['21', '22', '23', '42'].includes(sqlState(error)?.slice(0, 2) ?? '')
}
