/**
 * Server-Sent Events: each stream follows the event table by itself and reads on only when its client has taken what
 * was sent, so a slow client costs no memory. One look a moment, for all streams together, says whether there is news.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  type EventFilter,
  type EventPlace,
  type EventRow,
  eventsAfter,
  findToken,
  newestPlace,
  printPlace,
} from '../store/mod.ts'
import { bearerOf } from './auth.ts'
import type { ReadyPlatform } from './context.ts'
import { ApiProblem } from './problem.ts'
import { freshReach } from './reach.ts'

/** Each holds a socket and asks the database when there is news. */
const STREAMS_MAX = 100
const STREAMS_PER_TOKEN_MAX = 10
const LOOK_EVERY_MS = 250
/** Shorter than the idle limit of usual proxies; a token that was ended is noticed then at the latest. */
const HEARTBEAT_MS = 15_000
/** A client that takes nothing for so long is gone. */
const STALLED_MS = 60_000
/** For what is on its way when the server stops. */
const LAST_WORDS_MS = 500
/** Events read at once: all that one stream holds in memory. */
const ROWS_AT_ONCE = 200

export interface StreamStart {
  readonly filter: EventFilter
  readonly start: EventPlace
  readonly print: (row: EventRow) => string
}

export class EventStreams {
  readonly #ready: ReadyPlatform
  readonly #open = new Map<Follower, string>()
  #timer: NodeJS.Timeout | undefined
  #looking = false

  constructor(ready: ReadyPlatform) {
    this.#ready = ready
  }

  /** Answers with a stream that goes on after this resolves. Throws 429 when there are enough of them. */
  async open(request: FastifyRequest, reply: FastifyReply, start: StreamStart): Promise<void> {
    const tokenId = request.token?.id ?? ''
    const own = [...this.#open.values()].filter((each) => each === tokenId).length
    if (this.#open.size >= STREAMS_MAX || own >= STREAMS_PER_TOKEN_MAX) {
      const detail = `There are ${own} streams of this token and ${this.#open.size} in all; close one first (at most ${STREAMS_PER_TOKEN_MAX} a token)`
      throw new ApiProblem(429, 'too-many-streams', detail, undefined, HEARTBEAT_MS / 1000)
    }
    reply.hijack()
    const follower = new Follower(this.#ready, request, reply.raw, start)
    this.#open.set(follower, tokenId)
    this.#timer ??= setInterval(() => void this.#look(), LOOK_EVERY_MS).unref()
    void follower.run().finally(() => {
      this.#open.delete(follower)
      if (this.#open.size === 0) this.#stopLooking()
    })
  }

  async close(): Promise<void> {
    this.#stopLooking()
    for (const follower of this.#open.keys()) follower.stop()
  }

  #stopLooking(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** While the database is away, streams stay open and go on afterwards. */
  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      const newest = await newestPlace(this.#ready().db)
      for (const follower of this.#open.keys()) follower.news(newest)
    } catch {
      // The next look tells.
    } finally {
      this.#looking = false
    }
  }
}

class Follower {
  readonly #ready: ReadyPlatform
  readonly #request: FastifyRequest
  readonly #raw: ServerResponse
  readonly #print: (row: EventRow) => string
  #filter: EventFilter
  #place: EventPlace
  #newest: EventPlace
  #ended = false
  #beatAt = Date.now() + HEARTBEAT_MS
  #wake: () => void = () => undefined

  constructor(ready: ReadyPlatform, request: FastifyRequest, raw: ServerResponse, start: StreamStart) {
    this.#ready = ready
    this.#request = request
    this.#raw = raw
    this.#print = start.print
    this.#filter = start.filter
    this.#place = start.start
    this.#newest = start.start
    raw.on('close', () => this.end())
    raw.on('error', () => this.end())
  }

  /** Something happened up to this place. */
  news(newest: EventPlace): void {
    if (!isAfter(newest, this.#newest)) return
    this.#newest = newest
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
    this.#raw.end()
  }

  /** A client that does not even take the end must not hold up the server's. */
  stop(): void {
    this.end()
    setTimeout(() => this.#raw.destroy(), LAST_WORDS_MS).unref()
  }

  /** Until the client goes, the token ends or the server stops. Never rejects. */
  async run(): Promise<void> {
    // No other request comes on this connection: kept open after the end, it would hold up the server's.
    this.#raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      connection: 'close',
    })
    try {
      // A client that is cut off before the first event goes on from here.
      await this.#send(`retry: 2000\nid: ${printPlace(this.#place)}\n\n`)
      while (!this.#ended) {
        await this.#catchUp()
        await this.#pause()
        await this.#beatWhenDue()
      }
    } catch {
      // The database went away: the client comes back with its last id.
    } finally {
      this.end()
    }
  }

  async #catchUp(): Promise<void> {
    const until = this.#newest
    for (;;) {
      const rows = await eventsAfter(this.#ready().db, this.#filter, this.#place, ROWS_AT_ONCE)
      for (const row of rows) {
        this.#place = { xid: row.xid, id: row.id }
        await this.#send(`id: ${printPlace(this.#place)}\ndata: ${this.#print(row)}\n\n`)
        if (this.#ended) return
      }
      if (rows.length < ROWS_AT_ONCE) break
      await this.#beatWhenDue()
    }
    // What was there then and did not fit the filter is not looked at again.
    if (isAfter(until, this.#place)) this.#place = until
  }

  /** Until there is news or a heartbeat is due. */
  #pause(): Promise<void> {
    if (this.#ended || isAfter(this.#newest, this.#place)) return Promise.resolve()
    return new Promise((done) => {
      const timer = setTimeout(done, Math.max(0, this.#beatAt - Date.now())).unref()
      this.#wake = () => {
        clearTimeout(timer)
        done()
      }
    })
  }

  /** Looks at the token again, and tells the client and what lies between that we are here. */
  async #beatWhenDue(): Promise<void> {
    if (this.#ended || Date.now() < this.#beatAt) return
    this.#beatAt = Date.now() + HEARTBEAT_MS
    const platform = this.#ready()
    const text = bearerOf(this.#request)
    const token = text === undefined ? undefined : await findToken(platform.db, text)
    if (token === undefined) return this.end()
    this.#filter = { ...this.#filter, reach: await freshReach(platform, token.accountId) }
    await this.#send(`id: ${printPlace(this.#place)}\n: still here\n\n`)
  }

  /** Resolves when the client has taken enough of it. */
  async #send(text: string): Promise<void> {
    if (this.#ended || this.#raw.write(text)) return
    await new Promise<void>((done) => {
      const timer = setTimeout(() => this.#raw.destroy(), STALLED_MS).unref()
      const over = (): void => {
        clearTimeout(timer)
        this.#raw.off('drain', over)
        this.#raw.off('close', over)
        done()
      }
      this.#raw.once('drain', over)
      this.#raw.once('close', over)
    })
  }
}

function isAfter(a: EventPlace, b: EventPlace): boolean {
  const [first, second] = [BigInt(a.xid), BigInt(b.xid)]
  return first > second || (first === second && a.id > b.id)
}
