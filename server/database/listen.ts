import pg from 'pg'

import type { Log } from './events.ts'
import { SteadyClient } from './steady-client.ts'

/**
 * Half-open TCP connections are found by asking; a Unix socket reports its end by itself, so asking costs next to
 * nothing there.
 */
const HEARTBEAT_MS = 1_000
const HEARTBEAT_ANSWER_MS = 5_000
/** PostgreSQL cuts longer names, and two channels might then become one. */
const CHANNEL_BYTES_MAX = 63

/** What a listener of a channel is told. */
export interface ListenHandlers {
  onMessage(payload: string): void
  /** From now on messages may be missed: drop what depends on hearing of changes. */
  onLost(): void
  /** Messages arrive again; those sent in between never will. */
  onBack(): void
}

/** Listens to channels on one connection of its own, which comes back by itself. */
export class Listener {
  readonly #steady: SteadyClient
  readonly #channels = new Map<string, Set<ListenHandlers>>()
  #started: Promise<void> | undefined
  #heartbeat: NodeJS.Timeout | undefined

  constructor(config: pg.ClientConfig, log: Log) {
    this.#steady = new SteadyClient(
      { ...config, pipeline: true, query_timeout: HEARTBEAT_ANSWER_MS },
      {
        prepare: (client) => this.#prepare(client),
        onLost: (error) => {
          log('database-connection-lost', { connection: 'listen', reason: error?.message ?? 'closed' })
          this.#tellAll((handlers) => handlers.onLost())
        },
        onBack: () => {
          log('database-connection-back', { connection: 'listen' })
          this.#tellAll((handlers) => handlers.onBack())
        },
      },
    )
  }

  /** Resolves once messages sent from now on will arrive. */
  async listen(channel: string, handlers: ListenHandlers): Promise<{ close(): Promise<void> }> {
    if (Buffer.byteLength(channel) > CHANNEL_BYTES_MAX)
      throw new Error(`Cannot listen to "${channel}": the name is too long`)
    const all = this.#channels.get(channel) ?? new Set()
    this.#channels.set(channel, all)
    all.add(handlers)
    try {
      await this.#start()
      // Without a connection right now, the next one listens to everything that is in the map.
      await this.#steady.client?.query(`listen ${pg.escapeIdentifier(channel)}`)
    } catch (error) {
      this.#forget(channel, handlers)
      throw error
    }
    return { close: () => this.#stopListening(channel, handlers) }
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat)
    this.#channels.clear()
    await this.#steady.close()
  }

  #start(): Promise<void> {
    if (this.#started !== undefined) return this.#started
    this.#started = this.#steady.start()
    this.#started.catch(() => {
      this.#started = undefined
    })
    this.#heartbeat ??= setInterval(() => this.#beat(), HEARTBEAT_MS).unref()
    return this.#started
  }

  async #prepare(client: pg.Client): Promise<void> {
    client.on('notification', ({ channel, payload }) => {
      for (const handlers of this.#channels.get(channel) ?? []) handlers.onMessage(payload ?? '')
    })
    for (const channel of this.#channels.keys()) await client.query(`listen ${pg.escapeIdentifier(channel)}`)
  }

  #beat(): void {
    const client = this.#steady.client
    client?.query('select 1').catch(() => client.connection.stream.destroy())
  }

  #tellAll(tell: (handlers: ListenHandlers) => void): void {
    for (const all of this.#channels.values()) for (const handlers of all) tell(handlers)
  }

  #forget(channel: string, handlers: ListenHandlers): boolean {
    const all = this.#channels.get(channel)
    all?.delete(handlers)
    if (all === undefined || all.size > 0) return false
    return this.#channels.delete(channel)
  }

  async #stopListening(channel: string, handlers: ListenHandlers): Promise<void> {
    if (this.#forget(channel, handlers)) await this.#steady.client?.query(`unlisten ${pg.escapeIdentifier(channel)}`)
  }
}
