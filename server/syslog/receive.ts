/**
 * From a datagram to a line in a phone's timeline, within bounds at every step. UDP proves nothing: whoever knows a MAC
 * can write in that phone's name, so what is noted is claimed, and moves no version, no key and no state.
 */
import { parseSyslog, type PhoneMessage, readPhoneMessage, SYSLOG_BYTES_MAX } from '../../protocol/syslog/mod.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import type { Services } from '../services.ts'
import { createBudget, networkOf } from './budget.ts'
import { createRecogniser } from './recognise.ts'

/** A site of some hundred phones behind one address, at the moment when all of them come back. */
const SOURCE = { burst: 600, perSecond: 20, keysMax: 20_000 } as const
/** All phones together: what the event table takes without noticing. */
const ALL = { burst: 5000, perSecond: 1000, keysMax: 1 } as const
/** Messages of resyncs and upgrades of one phone: some a day are usual. */
const UNDERSTOOD = { burst: 60, perSecond: 0.1, keysMax: 50_000 } as const
/** Anything else that it says: with `Debug_Level` DEBUG it would fill its timeline. */
const OTHER = { burst: 20, perSecond: 1 / 60, keysMax: 50_000 } as const
/** Messages in work at once. */
const PENDING_MAX = 1000
/** A shorter stored secret is too likely to be part of an innocent word. */
const SECRET_CHARS_MIN = 4

/** What became of all datagrams since the start. */
export interface SyslogCounts {
  readonly received: number
  readonly noted: number
  /** From nobody that we know. */
  readonly strange: number
  /** Beyond a bound: of the source, of the phone, of all. */
  readonly dropped: number
}

export interface Receiver {
  /** Never throws. */
  take(bytes: Uint8Array, peer: string): void
  counts(): SyslogCounts
  /** Resolves when nothing is in work. */
  settled(): Promise<void>
}

export function createReceiver(platform: Services): Receiver {
  const { log } = platform
  const recogniser = createRecogniser(platform)
  const budgets = {
    source: createBudget(SOURCE),
    all: createBudget(ALL),
    understood: createBudget(UNDERSTOOD),
    other: createBudget(OTHER),
  }
  const counts = { received: 0, noted: 0, strange: 0, dropped: 0 }
  const pending = new Set<Promise<void>>()

  async function note(bytes: Uint8Array, peer: string, at: number): Promise<void> {
    const { severity, text } = parseSyslog(bytes)
    const device = await recogniser.recognise(text, peer, at)
    if (device === undefined) {
      counts.strange += 1
      return
    }
    const message = readPhoneMessage(withoutStored(text, device))
    const budget = message.kind === 'other' ? budgets.other : budgets.understood
    if (message.text === '' || !budget.take(device.device.mac, at)) {
      counts.dropped += 1
      return
    }
    counts.noted += 1
    const { mac, accountId } = device.device
    const data = dataOf(message, severity)
    platform.note([{ name: 'syslog.message', trust: 'claimed', mac, accountId, peer, at, data }])
  }

  return {
    take(bytes, peer) {
      counts.received += 1
      const at = platform.now()
      if (pending.size >= PENDING_MAX || !budgets.source.take(networkOf(peer), at) || !budgets.all.take('', at)) {
        counts.dropped += 1
        return
      }
      const work = note(bytes.subarray(0, SYSLOG_BYTES_MAX), peer, at)
        .catch((error: unknown) => log.error({ err: error }, 'a syslog message could not be noted'))
        .finally(() => pending.delete(work))
      pending.add(work)
    },
    counts: () => ({ ...counts }),
    settled: async () => {
      while (pending.size > 0) await Promise.all(pending)
    },
  }
}

/** What is absent is left out. */
function dataOf(message: PhoneMessage, severity: number): Readonly<Record<string, string | number>> {
  const { kind, scheme, host, port, file, error, text } = message
  const all = { what: kind, severity, text, scheme, host, port, file, error }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<
    string,
    string | number
  >
}

/** The phone hides its own secrets before it speaks; who speaks in its name may not. */
function withoutStored(text: string, { device, lines, secrets }: DeviceFacts): string {
  const stored = [
    device.profilePath,
    ...lines.map(({ password }) => password),
    ...(secrets === undefined ? [] : [secrets.adminPassword, secrets.userPassword, secrets.uidPassword]),
    ...(secrets?.profileKeys.values() ?? []),
  ]
  return stored
    .filter((secret) => secret.length >= SECRET_CHARS_MIN)
    .toSorted((a, b) => b.length - a.length)
    .reduce((hidden, secret) => hidden.split(secret).join('****'), text)
}
