/** Who sends wrong tokens is asked to wait. Whoever has a right one is never held up by others behind the same address. */
import type { Millis } from '../../protocol/result.ts'
import { network64Of } from '../devices/mod.ts'

const WINDOW_MS = 60_000
/** Peers that are counted; the one that was quiet longest is forgotten first. */
const PEERS_MAX = 10_000
/** Tokens that were right lately: they are looked up whatever else their peer sends. */
const GOOD_MAX = 10_000

interface Count {
  readonly from: Millis
  count: number
}

export class WrongTokens {
  readonly #max: number
  readonly #peers = new Map<string, Count>()
  readonly #good = new Set<string>()

  /** @param max wrong ones within a minute */
  constructor(max: number) {
    this.#max = max
  }

  /**
   * Seconds until this peer's unknown tokens are looked at again; undefined: look now.
   * @param mark what stands for the token, e.g. its hash; undefined when it cannot be one
   */
  wait(peer: string, mark: string | undefined, now: Millis): number | undefined {
    const count = this.#peers.get(networkOf(peer))
    if (count === undefined || now - count.from >= WINDOW_MS || count.count < this.#max) return undefined
    if (mark !== undefined && this.#good.has(mark)) return undefined
    return Math.ceil((count.from + WINDOW_MS - now) / 1000)
  }

  wrong(peer: string, mark: string | undefined, now: Millis): void {
    if (mark !== undefined) this.#good.delete(mark)
    const network = networkOf(peer)
    const before = this.#peers.get(network)
    const count = before !== undefined && now - before.from < WINDOW_MS ? before : { from: now, count: 0 }
    count.count++
    this.#peers.delete(network)
    this.#peers.set(network, count)
    dropFirst(this.#peers, PEERS_MAX)
  }

  right(mark: string): void {
    this.#good.delete(mark)
    this.#good.add(mark)
    dropFirst(this.#good, GOOD_MAX)
  }
}

function dropFirst(all: Map<string, unknown> | Set<string>, max: number): void {
  if (all.size <= max) return
  for (const key of all.keys()) {
    all.delete(key)
    return
  }
}

/** One customer has a whole /64. */
function networkOf(peer: string): string {
  return peer.includes('.') ? peer : (network64Of(peer) ?? peer)
}
