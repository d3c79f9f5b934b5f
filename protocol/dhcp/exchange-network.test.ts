import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { Rng } from '../result.ts'
import { bytesToIpv4, isHostIpv4 } from './address.ts'
import { createDhcpClient, stepDhcp } from './exchange.ts'
import type { DhcpClient, DhcpClientEvent, DhcpOutput } from './exchange.ts'
import { decodeDhcpMessage } from './message.ts'
import { SEED, valueOf } from './options/testing-options.ts'
import { ASK, damaged, damages, expectReplays, ip, replyBytes, seconds, seeded } from './testing-dhcp.ts'
import type { Damage } from './testing-dhcp.ts'

/*
 * A client and a server with a bad network between them. The server answers every DISCOVER and REQUEST; what comes of its answers
 * is dealt by the property.
 */

/** What becomes of one answer: lost, once, twice, later than the next one, or with bytes changed. A NAK instead of it. */
type Fate =
  | { readonly kind: 'lost' | 'once' | 'twice' | 'late' | 'nak' }
  | { readonly kind: 'damaged'; readonly list: readonly Damage[] }

interface Network {
  client: DhcpClient
  now: number
  readonly rng: Rng
  readonly late: Uint8Array[]
  readonly seen: DhcpOutput['kind'][]
}

const LEASE = new Map([[51, seconds(600)]])

function serve(request: Uint8Array, nak: boolean): Uint8Array | undefined {
  const message = valueOf(decodeDhcpMessage(request))
  const type = nak ? 'nak' : message.type === 'discover' ? 'offer' : 'ack'
  if (message.type !== 'discover' && message.type !== 'request') return undefined
  return replyBytes(type, message.xid, { options: LEASE })
}

function happen(network: Network, event: DhcpClientEvent): readonly Uint8Array[] {
  const before = network.client
  const step = stepDhcp(before, event, network.now, network.rng)
  network.client = step.client
  for (const output of step.outputs) {
    network.seen.push(output.kind)
    if (output.kind === 'bound' || output.kind === 'renewed') expect(isHostIpv4(ip(output.lease.address))).toBe(true)
    if (output.kind === 'ignored') expect(step.client).toEqual(before)
  }
  return step.outputs.flatMap((output) => (output.kind === 'send' ? [output.bytes] : []))
}

/** Lets the server answer, and what it says come as its fate says; what the client sends then is answered too. */
function exchange(network: Network, sent: readonly Uint8Array[], fates: readonly Fate[]): number {
  let used = 0
  let open = [...sent]
  while (open.length > 0) {
    const fate = fates[used] ?? { kind: 'once' }
    used += 1
    const [request, ...others] = open
    const answer = request === undefined ? undefined : serve(request, fate.kind === 'nak')
    open = others
    if (answer === undefined) continue
    const arrived = fate.kind === 'late' ? [] : network.late.splice(0)
    if (fate.kind === 'late') network.late.push(answer)
    else if (fate.kind === 'twice') arrived.push(answer, answer)
    else if (fate.kind === 'damaged') arrived.push(damaged(answer, fate.list))
    else if (fate.kind !== 'lost') arrived.push(answer)
    for (const bytes of arrived) open.push(...happen(network, { kind: 'received', bytes }))
  }
  return used
}

function networkOf(seed: number): Network {
  return { client: createDhcpClient(ASK), now: 1_000_000, rng: seeded(seed), late: [], seen: [] }
}

const fate: fc.Arbitrary<Fate> = fc.oneof(
  fc.record({ kind: fc.constantFrom('lost', 'once', 'twice', 'late', 'nak') }),
  fc.record({ kind: fc.constant('damaged' as const), list: damages }),
)

describe('a client on a bad network', () => {
  it('ends bound as soon as the network is good, whatever came before, and never throws', () => {
    fc.assert(
      fc.property(fc.array(fate, { maxLength: 40 }), fc.nat(), fc.boolean(), (fates, seed, reboots) => {
        const network = networkOf(seed)
        let left = fates
        let sent = happen(network, { kind: 'start', ...(reboots ? { lastAddress: '192.0.2.77' } : {}) })
        for (let round = 0; round < fates.length + 12; round += 1) {
          left = left.slice(exchange(network, sent, left))
          if (network.client.state === 'bound' && left.length === 0) break
          // It always wants to go on, and soon.
          expect(network.client.wakeAt).toBeDefined()
          network.now = Math.max(network.now, network.client.wakeAt ?? 0)
          sent = happen(network, { kind: 'tick' })
        }
        expect(network.client.state).toBe('bound')
        expect(network.seen).toContain('bound')
      }),
      { seed: SEED, numRuns: 300 },
    )
  })

  it('keeps trying without a server, at most every 3 seconds, in a state that does not grow', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const network = networkOf(seed)
        happen(network, { kind: 'start', lastAddress: '192.0.2.77' })
        let count = 0
        for (; network.now < 1_000_000 + 3_600_000; count += 1) {
          const wait = (network.client.wakeAt ?? 0) - network.now
          expect(wait).toBeGreaterThanOrEqual(3000)
          expect(wait).toBeLessThanOrEqual(65_000)
          network.now += wait
          expect(happen(network, { kind: 'tick' }).length).toBe(1)
        }
        expect(count).toBeLessThan(75)
        expect(JSON.stringify(network.client).length).toBeLessThan(1500)
      }),
      { seed: SEED, numRuns: 20 },
    )
  })

  it('cannot be made to flood: without time passing, each datagram brings at most one, and a refusing server few', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.constantFrom('offer', 'ack', 'nak'), { maxLength: 60 }), (seed, types) => {
        const network = networkOf(seed)
        let sentCount = happen(network, { kind: 'start' }).length
        for (const type of types) {
          const xid = 'xid' in network.client ? network.client.xid : 0
          const sent = happen(network, { kind: 'received', bytes: replyBytes(type, xid) })
          expect(sent.length).toBeLessThanOrEqual(1)
          sentCount += sent.length
        }
        // DISCOVER, REQUEST; after one NAK both again; then it waits.
        expect(sentCount).toBeLessThanOrEqual(4)
      }),
      { seed: SEED, numRuns: 200 },
    )
  })

  it('takes random events in any order, is a plain value, and says the same again', () => {
    const answers = fc
      .tuple(fc.constantFrom('offer', 'ack', 'nak', 'discover'), damages, fc.boolean())
      // The xid that a constant chance of a half draws.
      .map(([type, list, whole]) => damaged(replyBytes(type, 0x8000_0000), whole ? [] : list))
    const noise = fc.uint8Array({ maxLength: 400, size: 'max' })
    const clients = fc.constant(createDhcpClient(ASK))
    expectReplays(stepDhcp, { clients, lastAddresses: fc.ipV4(), noise, answers }, (before, { outputs }) => {
      for (const output of outputs) {
        if (output.kind !== 'send') continue
        const message = valueOf(decodeDhcpMessage(output.bytes))
        expect(message.op).toBe('request')
        const server = message.options.get(54)
        expect(['broadcast', 'lease' in before ? before.lease.serverId : '']).toContain(output.to)
        if (server !== undefined) expect(isHostIpv4(ip(bytesToIpv4(server)))).toBe(true)
      }
    })
  })
})
