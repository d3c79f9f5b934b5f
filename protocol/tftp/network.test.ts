import { describe, expect, it } from 'vitest'

import type { Millis, Rng, Step } from '../result.ts'
import { DEFAULT_TRANSFER_POLICY } from './conversation.ts'
import type { TransferOutput, TransferPolicy } from './conversation.ts'
import type { WantedOptions } from './options.ts'
import { decodePacket } from './packet.ts'
import { bytesSource } from './source.ts'
import { isOver, startReceiving, startSending, startsAnew, stepTransfer } from './transfer.ts'
import type { Transfer } from './transfer.ts'

/** How a virtual network treats each datagram. Shares of 1, delays in ms. */
interface Weather {
  readonly lost: number
  readonly doubled: number
  readonly delayMinMs: Millis
  readonly delayMaxMs: Millis
}

interface Run {
  readonly seed: number
  readonly direction: 'read' | 'write'
  readonly byteCount: number
  readonly wanted: WantedOptions
  readonly weather: Weather
  readonly policy?: TransferPolicy
}

interface Report {
  readonly outcome: string
  /** The file on the receiving side is the file on the sending side. */
  readonly same: boolean
  readonly elapsedMs: Millis
  /** DATA packets put on the wire. */
  readonly dataCount: number
  readonly packetCount: number
}

/** Far more than any run here needs; a transfer that storms shall fail and not hang. */
const TURNS_MAX = 100_000
const PACKETS_MAX = 10_000

const CALM: Weather = { lost: 0, doubled: 0, delayMinMs: 1, delayMaxMs: 1 }
const STORM: Weather = { lost: 0.08, doubled: 0.1, delayMinMs: 1, delayMaxMs: 60 }

const optionSets: readonly (readonly [string, WantedOptions])[] = [
  ['no options', {}],
  ['tsize', { transferSize: true }],
  ['blksize 8', { blockSize: 8 }],
  ['blksize 1428', { blockSize: 1428, transferSize: true }],
  ['blksize 65464', { blockSize: 65464 }],
  ['windowsize 4', { windowSize: 4 }],
  ['windowsize 16, blksize 64', { windowSize: 16, blockSize: 64 }],
  ['timeout 1', { timeoutSeconds: 1 }],
  ['everything', { blockSize: 100, windowSize: 7, timeoutSeconds: 1, transferSize: true }],
]

const cases = optionSets.flatMap(([name, wanted]) =>
  (['read', 'write'] as const).map((direction) => ({ name, wanted, direction })),
)

describe('transfers over a network that loses, repeats and reorders', () => {
  it.each(cases)('bring every file over whole: $direction with $name', ({ wanted, direction }) => {
    const policy = { ...DEFAULT_TRANSFER_POLICY, retriesMax: 20 }
    for (let seed = 1; seed <= 300; seed += 1) {
      const byteCount = (seed * 61) % 2600
      const report = run({ seed, direction, byteCount, wanted, weather: STORM, policy })
      expect({ seed, ...report }).toMatchObject({ seed, outcome: 'done', same: true })
    }
  })

  it.each(cases)('never storm: $direction with $name', ({ wanted, direction }) => {
    for (let seed = 1; seed <= 100; seed += 1) {
      const report = run({ seed, direction, byteCount: 2600, wanted, weather: STORM })
      const blockCount = Math.floor(2600 / (wanted.blockSize ?? 512)) + 1
      const allowed = 20 + blockCount * (4 + 2 * Math.min(wanted.windowSize ?? 1, blockCount))
      expect({ seed, sent: report.packetCount <= allowed, report }).toMatchObject({ seed, sent: true })
    }
  })

  it('end on both sides, with nothing left to send, however bad the network', () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const weather = { ...STORM, lost: 0.3 + (seed % 7) / 10 }
      const report = run({ seed, direction: seed % 2 ? 'read' : 'write', byteCount: 1500, wanted: {}, weather })
      expect(['done', 'timeout', 'peer-error']).toContain(report.outcome)
      if (report.outcome === 'done') expect({ seed, same: report.same }).toEqual({ seed, same: true })
    }
  })
})

describe('transfers over a network that repeats everything', () => {
  it.each(cases)('send each block once: $direction with $name [RFC 1123 §4.2.3.1]', ({ wanted, direction }) => {
    const weather = { ...CALM, doubled: 1 }
    const byteCount = 2600
    const report = run({ seed: 1, direction, byteCount, wanted, weather })
    const granted = Math.min(wanted.blockSize ?? 512, DEFAULT_TRANSFER_POLICY.blockSizeMax)
    // The repeated request of a plain read may be answered by a repeated first block, since nothing is confirmed yet.
    const first = direction === 'read' && Object.keys(wanted).length === 0 ? 1 : 0
    expect(report).toMatchObject({ outcome: 'done', same: true })
    expect(report.dataCount).toBe(Math.floor(byteCount / granted) + 1 + first)
  })
})

describe('transfers in time', () => {
  it.each([512, 1428])('of 20 KiB in blocks of %d lose 1 % of packets and less than 0.6 s, 95 times in 100', (size) => {
    const wanted = size === 512 ? {} : { blockSize: size }
    const weather = { lost: 0.01, doubled: 0, delayMinMs: 0.2, delayMaxMs: 5 }
    const times: number[] = []
    for (let seed = 1; seed <= 400; seed += 1) {
      times.push(run({ seed, direction: 'read', byteCount: 20 * 1024, wanted, weather }).elapsedMs)
    }
    times.sort((one, other) => one - other)
    expect(times[Math.floor(times.length * 0.95)]).toBeLessThan(600)
  })

  it('take over a link slower than the first wait without flooding it', () => {
    const satellite = { lost: 0, doubled: 0, delayMinMs: 300, delayMaxMs: 320 }
    const report = run({ seed: 5, direction: 'read', byteCount: 20 * 1024, wanted: {}, weather: satellite })
    expect(report).toMatchObject({ outcome: 'done', same: true })
    expect(report.dataCount).toBeLessThan(41 * 1.3)
  })

  it('replay from their seed', () => {
    const again = { seed: 77, direction: 'write', byteCount: 2000, wanted: { windowSize: 4 }, weather: STORM } as const
    expect(run(again)).toEqual(run(again))
    expect(run(again).elapsedMs).not.toBe(run({ ...again, seed: 78 }).elapsedMs)
  })
})

interface Arrival {
  readonly at: Millis
  readonly to: 'client' | 'server'
  readonly bytes: Uint8Array
}

type Side = 'client' | 'server'

/** A client, a server and the datagrams between them, until both are over. The server does with requests what its door does. */
function run(how: Run): Report {
  const world = new World(how)
  for (let turns = 0; turns < TURNS_MAX; turns += 1) if (!world.turn()) return world.report()
  throw new Error(`No end after ${TURNS_MAX} turns, seed ${how.seed}`)
}

class World {
  readonly #weather: Weather
  readonly #policy: TransferPolicy
  readonly #chance: Rng
  readonly #file: Uint8Array
  readonly #flying: Arrival[] = []
  readonly #transfers: Partial<Record<Side, Transfer>> = {}
  readonly #wakes: Record<Side, Millis> = { client: Number.POSITIVE_INFINITY, server: Number.POSITIVE_INFINITY }
  #now: Millis = 0
  #outcome = 'nothing'
  #elapsedMs: Millis = 0
  #received: Uint8Array | undefined
  #dataCount = 0
  #packetCount = 0

  constructor({ seed, direction, byteCount, wanted, weather, policy = DEFAULT_TRANSFER_POLICY }: Run) {
    this.#weather = weather
    this.#policy = policy
    this.#chance = generator(seed)
    this.#file = fileOf(byteCount)
    const asking = { kind: 'ask', filename: 'file', wanted } as const
    const read = direction === 'read'
    this.#take(
      'client',
      read ? startReceiving(asking, policy, 0) : startSending(bytesSource(this.#file), asking, policy, 0),
    )
  }

  /** Lets the next thing happen, an arrival or a wake-up. False: there is nothing left. */
  turn(): boolean {
    const [arrival] = this.#flying
    const side = this.#wakes.client <= this.#wakes.server ? 'client' : 'server'
    const wakeAt = this.#wakes[side]
    if (arrival !== undefined && arrival.at <= wakeAt) {
      this.#flying.shift()
      this.#now = arrival.at
      this.#arrive(arrival)
      return true
    }
    const transfer = this.#transfers[side]
    if (wakeAt === Number.POSITIVE_INFINITY || transfer === undefined) return false
    this.#now = wakeAt
    this.#take(side, stepTransfer(transfer, { kind: 'timer' }, wakeAt))
    return true
  }

  report(): Report {
    const same = this.#received !== undefined && Buffer.compare(this.#received, this.#file) === 0
    const counts = { dataCount: this.#dataCount, packetCount: this.#packetCount }
    return { outcome: this.#outcome, same, elapsedMs: this.#elapsedMs, ...counts }
  }

  #arrive({ to, bytes }: Arrival): void {
    const transfer = this.#transfers[to]
    const answer = to === 'server' ? answerRequest(bytes, transfer, this.#file, this.#policy, this.#now) : undefined
    if (answer !== undefined) this.#take(to, answer)
    else if (transfer !== undefined) this.#take(to, stepTransfer(transfer, { kind: 'datagram', bytes }, this.#now))
  }

  #take(side: Side, step: Step<Transfer, TransferOutput>): void {
    this.#transfers[side] = step.state
    for (const output of step.outputs) this.#perform(side, output)
    if (isOver(step.state)) this.#wakes[side] = Number.POSITIVE_INFINITY
  }

  #perform(side: Side, output: TransferOutput): void {
    if (output.kind === 'wake') this.#wakes[side] = output.at
    else if (output.kind === 'send') this.#send(side === 'client' ? 'server' : 'client', output.bytes)
    else {
      if (output.kind === 'done') this.#received = output.bytes ?? this.#received
      if (side === 'server') return
      this.#outcome = output.kind === 'done' ? 'done' : output.reason
      this.#elapsedMs = this.#now
    }
  }

  #send(to: Side, bytes: Uint8Array): void {
    this.#packetCount += 1
    if (this.#packetCount > PACKETS_MAX) throw new Error(`More than ${PACKETS_MAX} packets`)
    if (bytes[1] === 3) this.#dataCount += 1
    launch(this.#flying, { to, bytes }, this.#weather, this.#chance, this.#now)
  }
}

/** A request to a server that has no transfer with this client, or one that fell silent; undefined for all else. */
function answerRequest(
  bytes: Uint8Array,
  transfer: Transfer | undefined,
  file: Uint8Array,
  policy: TransferPolicy,
  now: Millis,
): Step<Transfer, TransferOutput> | undefined {
  const packet = decodePacket(bytes)
  if (!packet.ok || (packet.value.kind !== 'rrq' && packet.value.kind !== 'wrq')) return undefined
  if (transfer !== undefined && !startsAnew(transfer, now)) return undefined
  const opening = { kind: 'answer', options: packet.value.options } as const
  return packet.value.kind === 'rrq'
    ? startSending(bytesSource(file), opening, policy, now)
    : startReceiving(opening, policy, now)
}

function launch(flying: Arrival[], datagram: Omit<Arrival, 'at'>, weather: Weather, chance: Rng, now: Millis): void {
  const copies = chance() < weather.doubled ? 2 : 1
  for (let copy = 0; copy < copies; copy += 1) {
    if (chance() < weather.lost) continue
    const at = now + weather.delayMinMs + chance() * (weather.delayMaxMs - weather.delayMinMs)
    const later = flying.findIndex((other) => other.at > at)
    flying.splice(later < 0 ? flying.length : later, 0, { ...datagram, at })
  }
}

function fileOf(byteCount: number): Uint8Array {
  return Uint8Array.from({ length: byteCount }, (_, index) => (index * 31 + (index >> 8) * 7) & 0xff)
}

/** Mulberry32: small, fast, and the same everywhere. */
function generator(seed: number): Rng {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
