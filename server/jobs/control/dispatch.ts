/** Takes actions that are due, asks the phones, and notes what they answer. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Millis } from '../../../protocol/result.ts'
import type { DeviceFacts, DeviceLine } from '../../devices/mod.ts'
import type { Services } from '../../services.ts'
import {
  claimActions,
  type ClaimedAction,
  commandUrl,
  duePaceKeys,
  openSipProxy,
  PLATFORM_PROXY,
  PROXY_PER_SECOND,
  viewDevice,
} from '../../store/mod.ts'
import { askByUrl } from './action-url.ts'
import type { Courier } from './courier.ts'
import { eventHeader } from './event-header.ts'
import { failureText, TRIES_MAX, tryAgainAfter } from './failure-text.ts'
import type { NotifyCall } from './notify-transaction.ts'
import { paceAt } from './pace.ts'
import type { ProgressLog } from './progress.ts'

/**
 * Longer than a proxy may keep silent (Timer F): what is in hand for longer than this without news belongs to a process
 * that died.
 */
export const LEASE_MS: Millis = 45_000
/** Actions that one process has in hand; each may wait half a minute for a phone that is off. */
const IN_HAND_MAX = 10_000
const USER_AGENT = 'Offhook'
const STOP_MS_MAX: Millis = 2000

type OpenProxy = NonNullable<Awaited<ReturnType<typeof openSipProxy>>>

export interface Dispatch {
  /** Takes and sends what may go now. @returns whether more is due than may go */
  run(): Promise<boolean>
  /** Lets what is under way end, for a moment. */
  close(): Promise<void>
}

export interface DispatchParts {
  readonly services: Services
  readonly courier: Courier
  readonly progress: ProgressLog
  /** Names this process in leases. */
  readonly owner: string
}

export function createDispatch(parts: DispatchParts): Dispatch {
  return new Dispatcher(parts)
}

class Dispatcher implements Dispatch {
  readonly #parts: DispatchParts
  readonly #inHand = new Set<string>()

  constructor(parts: DispatchParts) {
    this.#parts = parts
  }

  async run(): Promise<boolean> {
    const { db, now, log } = this.#parts.services
    let more = false
    for (const key of await duePaceKeys(db, now())) {
      // A proxy whose settings cannot be read must not keep the others waiting.
      more = (await this.#takeFrom(key).catch((error: unknown) => logged(log, error))) || more
    }
    return more
  }

  async close(): Promise<void> {
    const deadline = performance.now() + STOP_MS_MAX
    while (this.#inHand.size > 0 && performance.now() < deadline) await pause(20)
  }

  async #takeFrom(key: string): Promise<boolean> {
    const { services, owner } = this.#parts
    const { db, vault, now, log } = services
    const proxy = key === 'url' ? undefined : await openSipProxy(db, vault, key)
    const perSecond = proxy?.perSecond ?? PROXY_PER_SECOND
    const claim = { key, owner, leaseMs: LEASE_MS, atMost: IN_HAND_MAX - this.#inHand.size, now: now() }
    const taken = await services.change((tx) =>
      claimActions(tx, { ...claim, pace: (nextAt, at) => paceAt(nextAt, at, perSecond) }),
    )
    for (const action of taken) {
      this.#inHand.add(action.id)
      this.#carryOut(action, proxy)
        .finally(() => this.#inHand.delete(action.id))
        // Its lease ends by itself, and another try follows.
        .catch((error: unknown) => log.error({ err: error, action: action.id }, 'an action could not be carried out'))
    }
    return taken.length > 0
  }

  async #carryOut(action: ClaimedAction, proxy: OpenProxy | undefined): Promise<void> {
    const { id, mac, tries } = action
    const facts = await this.#parts.services.directory.device(mac)
    const line = facts?.lines[0]
    if (tries > TRIES_MAX) return this.#settle(id, 'It was tried too often')
    if (facts === undefined || facts.device.state !== 'bound' || line === undefined)
      return this.#settle(id, 'The device is not bound any more, or has no line')
    if (action.via === 'url') return this.#askUrl(action, facts)
    if (proxy === undefined) return this.#settle(id, 'The proxy that it was to go through is not set any more')
    await this.#askSip(action, line, proxy)
  }

  #askSip({ id, kind, profile, tries }: ClaimedAction, line: DeviceLine, proxy: OpenProxy): Promise<void> {
    const { progress, courier, services } = this.#parts
    const where = `${proxy.host}:${proxy.port} over ${proxy.transport}`
    // Whoever set the platform's proxy reaches everything; what accounts name goes through the guard.
    const allow = proxy.scope === PLATFORM_PROXY ? undefined : services.settings.outboundAllow
    const call = callOf(eventHeader(kind, profile ?? undefined), line, proxy)
    return new Promise<void>((ended) => {
      void courier.carry(
        call,
        { ...proxy, allow },
        {
          leaves: () => progress.note(id, 'sent', `NOTIFY ${kind} for ${line.userId} goes to ${where}`),
          challenged: (by) => progress.note(id, 'challenged', CHALLENGED[by]),
          accepted(status, sentAt) {
            progress.note(id, 'accepted', `The phone answered ${status}`, { askedAt: sentAt })
            ended()
          },
          failed: (failure) => {
            this.#settle(id, failureText(failure), tryAgainAfter(failure, tries))
            ended()
          },
        },
      )
    })
  }

  async #askUrl({ id, mac, kind, profile }: ClaimedAction, facts: DeviceFacts): Promise<void> {
    const { services, progress } = this.#parts
    const address = (await viewDevice(services.db, mac))?.believed_from ?? undefined
    const allow = services.settings.outboundAllow
    const platform = services.facts()
    const url = commandUrl({ kind, profile: profile ?? undefined, facts, platform, address, allow })
    if (!url.ok) return this.#settle(id, url.error)
    const sentAt = services.now()
    progress.note(id, 'sent', `Its command URL at ${address} is being asked`)
    const answer = await askByUrl({
      url: url.value,
      facts,
      allow,
      challenged: () => progress.note(id, 'challenged', 'The phone asked for its admin password'),
    })
    if (answer.ok) progress.note(id, 'accepted', `The phone answered ${answer.value}`, { askedAt: sentAt })
    else this.#settle(id, answer.error)
  }

  /** It went wrong: for good, or until another try. */
  #settle(id: string, text: string, againAfter?: Millis): void {
    const { services, progress } = this.#parts
    if (againAfter === undefined) return progress.note(id, 'failed', text, { reason: text })
    const dueAt = services.now() + againAfter
    progress.note(id, 'queued', `${text}. It is tried again in ${againAfter / 1000} s`, { dueAt })
  }
}

const CHALLENGED: Readonly<Record<'proxy' | 'phone', string>> = {
  proxy: 'The proxy asked for our account',
  phone: 'The phone asked for its line’s credentials',
}

function callOf(event: string, line: DeviceLine, proxy: OpenProxy): Omit<NotifyCall, 'via'> {
  const { user, password } = proxy
  return {
    event,
    userId: line.userId,
    domain: line.domain,
    from: { user: user ?? 'offhook', host: proxy.host.replace(/^\[(.*)\]$/, '$1') },
    proxyAccount: user === undefined || password === undefined ? undefined : { username: user, password },
    lineAccount: { username: line.authId ?? line.userId, password: line.password },
    userAgent: USER_AGENT,
  }
}

function logged(log: Services['log'], error: unknown): boolean {
  log.error({ err: error }, 'actions of one proxy could not be taken')
  return false
}
