import pg from 'pg'

import { backOffMs } from './back-off.ts'

/** What a steady client tells its owner. */
export interface SteadyHandlers {
  /** Each time a connection stands, the first included; it counts as connected once this is done. */
  prepare(client: pg.Client): Promise<void>
  onLost(error: Error | undefined): void
  onBack(): void
}

/**
 * One connection of its own that comes back by itself when it is lost. The first connection is the owner's business
 * (`start` rejects), every later one is ours, with growing waits and no end.
 */
export class SteadyClient {
  readonly #config: pg.ClientConfig
  readonly #handlers: SteadyHandlers
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #attempt = 0
  #closed = false

  constructor(config: pg.ClientConfig, handlers: SteadyHandlers) {
    this.#config = config
    this.#handlers = handlers
  }

  /** The connection, while there is one. Not to be kept: ask again each time. */
  get client(): pg.Client | undefined {
    return this.#client
  }

  async start(): Promise<void> {
    const client = await this.#connect()
    if (this.#closed) await client.end()
    else this.#client = client
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const client = this.#client
    this.#client = undefined
    await client?.end()
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client(this.#config)
    let lost: Error | undefined
    client.on('error', (error) => {
      lost ??= error
      this.#lose(client, error)
    })
    // 'end' comes after every loss, with or without an error, and also when an attempt fails, which is no loss.
    client.on('end', () => this.#lose(client, lost))
    try {
      await client.connect()
      await this.#handlers.prepare(client)
      if (lost !== undefined) throw lost
      return client
    } catch (error) {
      client.connection.stream.destroy()
      throw error
    }
  }

  #lose(client: pg.Client, error: Error | undefined): void {
    if (this.#client !== client || this.#closed) return
    this.#client = undefined
    this.#attempt = 0
    // What is still under way on it fails now, rather than when the network notices.
    client.connection.stream.destroy()
    this.#handlers.onLost(error)
    this.#comeBackLater()
  }

  #comeBackLater(): void {
    this.#timer = setTimeout(
      () => {
        this.#comeBack().catch(() => {
          this.#attempt++
          if (!this.#closed) this.#comeBackLater()
        })
      },
      backOffMs(this.#attempt, Math.random),
    )
  }

  async #comeBack(): Promise<void> {
    await this.start()
    if (!this.#closed) this.#handlers.onBack()
  }
}
