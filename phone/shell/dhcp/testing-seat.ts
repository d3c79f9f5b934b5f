/** One seat on a link that is only values: a clock that jumps, an interface that is a list, and a server in this process. */
import { utf8Bytes } from '../../../protocol/bytes.ts'
import { decodeDhcpMessage, type DhcpMessage, encodeDhcpMessage } from '../../../protocol/dhcp/mod.ts'
import { parseMacAddress } from '../../../protocol/identity.ts'
import { assert, err, type Millis, ok } from '../../../protocol/result.ts'
import type { Lease, PhoneEvent } from '../../agent/mod.ts'
import type { Schedule } from '../schedule.ts'
import type { LanInterface } from './interface.ts'
import { type DhcpGuest, openSeat, type Seat } from './seat.ts'
import type { DhcpSocketV4 } from './sockets.ts'

export const SERVER = '192.0.2.1'

/** What the server says to a message; undefined: nothing. */
export type Answer = (message: DhcpMessage) => Partial<DhcpMessage> | undefined

export interface SeatBench {
  readonly seat: Seat
  /** In the order in which it happened: `put 192.0.2.10/24 via 192.0.2.1`, `remove …`, `up …`, `down`, `event dhcp-lease`, `sent request to …`. */
  readonly log: readonly string[]
  readonly events: readonly PhoneEvent[]
  readonly leases: readonly Lease[]
  readonly sent: readonly DhcpMessage[]
  /** Another server from now on. */
  serve(answer: Answer): void
  /** What `ip` complains of from now on. */
  refuse(complaint: string): void
  boot(): Promise<void>
  /** Lets time pass, alarm after alarm. */
  pass(ms: Millis): Promise<void>
}

export function seatBench(first: Answer): SeatBench {
  const clock = virtualSchedule()
  const log: string[] = []
  const events: PhoneEvent[] = []
  const leases: Lease[] = []
  const sent: DhcpMessage[] = []
  let answer = first
  let complaint: string | undefined
  const mac = parseMacAddress('000e08aabbcc')
  assert(mac !== undefined, 'the fixture is a MAC')
  function take(bytes: Uint8Array, from: string, to: string): void {
    const message = decodeDhcpMessage(bytes)
    assert(message.ok, 'a client sends what can be read')
    sent.push(message.value)
    log.push(`sent ${message.value.type} from ${from} to ${to}`)
    const reply = answer(message.value)
    if (reply !== undefined) queueMicrotask(() => seat.receivedV4(replyTo(message.value, reply)))
  }
  const guest: DhcpGuest = {
    mac,
    now: clock.now,
    rng: () => 0.5,
    schedule: clock.schedule,
    up: (lease) => {
      leases.push(lease)
      log.push(`up ${lease.address}`)
    },
    down: () => log.push('down'),
    say: (event) => {
      events.push(event)
      log.push(`event ${event.name}`)
    },
  }
  const lan = listedInterface(log, () => complaint)
  const seat = openSeat(guest, { lan, v4: listedSocket(take), v6: undefined, left: () => log.push('left') })
  return {
    seat,
    log,
    events,
    leases,
    sent,
    serve: (other) => {
      answer = other
    },
    refuse: (other) => {
      complaint = other
    },
    async boot() {
      seat.start({ hostName: 'SEP', vendorClass: new Uint8Array(0), asked: [1, 3, 6, 66], extra: new Map() })
      await settled()
    },
    pass: (ms) => clock.pass(ms),
  }
}

function listedSocket(take: (bytes: Uint8Array, from: string, to: string) => void): DhcpSocketV4 {
  return {
    broadcast: (bytes) => take(bytes, 'nowhere', 'all'),
    unicast: (bytes, from, to) => {
      take(bytes, from, to)
      return Promise.resolve()
    },
    close: () => Promise.resolve(),
  }
}

/** An interface that is the list of what was done to it. */
function listedInterface(log: string[], complaint: () => string | undefined): LanInterface {
  return {
    name: 'oh0',
    put: ({ address, prefixLength, router }) => {
      const refused = complaint()
      if (refused !== undefined) return Promise.resolve(err(refused))
      log.push(`put ${address}/${prefixLength} via ${router}`)
      return Promise.resolve(ok(''))
    },
    remove: ({ address, prefixLength }) => {
      log.push(`remove ${address}/${prefixLength}`)
      return Promise.resolve()
    },
    restore: () => Promise.resolve(),
  }
}

/** A server that gives one address, with these options beside the necessary ones. */
export function giving(address: string, options: Readonly<Record<number, string>> = {}): Answer {
  return ({ type, options: asked, ciaddr }) => {
    const wanted = asked.get(50)?.join('.') ?? (ciaddr === '0.0.0.0' ? address : ciaddr)
    if (type !== 'discover' && type !== 'request') return undefined
    if (wanted !== address && type === 'request') return { type: 'nak', options: new Map([[54, ip(SERVER)]]) }
    const given = Object.entries(options).map(([code, text]) => [Number(code), utf8Bytes(text)] as const)
    const necessary = [
      [1, ip('255.255.255.0')],
      [3, ip(SERVER)],
      [51, Uint8Array.of(0, 0, 0x0e, 0x10)],
      [54, ip(SERVER)],
    ] as const
    return { type: type === 'discover' ? 'offer' : 'ack', yiaddr: address, options: new Map([...necessary, ...given]) }
  }
}

export const SILENT: Answer = () => undefined

function replyTo(request: DhcpMessage, reply: Partial<DhcpMessage>): Uint8Array {
  const bytes = encodeDhcpMessage({ ...request, op: 'reply', options: new Map(), ciaddr: '0.0.0.0', ...reply })
  assert(bytes.ok, 'a server sends what can be written')
  return bytes.value
}

function ip(text: string): Uint8Array {
  return Uint8Array.from(text.split('.').map(Number))
}

interface VirtualAlarm {
  readonly ring: () => void
  at: Millis | undefined
}

function virtualSchedule(): {
  readonly schedule: Schedule
  readonly now: () => Millis
  pass(ms: Millis): Promise<void>
} {
  const alarms: VirtualAlarm[] = []
  let now = 1_000_000
  return {
    now: () => now,
    schedule: {
      alarm(ring) {
        const alarm: VirtualAlarm = { ring, at: undefined }
        alarms.push(alarm)
        return {
          set: (at) => {
            alarm.at = at
          },
        }
      },
      close: () => undefined,
    },
    async pass(ms) {
      const end = now + ms
      for (;;) {
        const due = alarms.filter(({ at }) => at !== undefined && at <= end)
        const [next] = due.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0))
        if (next?.at === undefined) break
        now = Math.max(now, next.at)
        next.at = undefined
        next.ring()
        await settled()
      }
      now = end
    },
  }
}

/** Everything that waits for nothing but its turn has had it. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
