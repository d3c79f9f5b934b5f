/**
 * Devices for which something waits are asked to call: by connection request, else by SIP where the phone is also led by
 * its profile, else nothing is left but its own next call. Source: TR-069 §8; design: what cannot be reached is said.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import { acsCredentials, type DeviceFacts } from '../devices/mod.ts'
import type { Job, Services } from '../services.ts'
import {
  type AcsStore,
  askActions,
  type ClaimedWake,
  claimWake,
  dueWakes,
  releaseWake,
  setWakeWay,
  type WakeWay,
} from '../store/mod.ts'
import { type ConnectionRequestOutcome, createPace, type Pace, requestConnection } from './connection-request/mod.ts'

/** What nobody told us of: after a restart, or left over by a session. */
const LOOK_EVERY_MS = 5000
/** Devices in session are looked at again after this. */
const AGAIN_EVERY_MS = 500

export interface WakerOptions {
  readonly services: Services
  readonly store: AcsStore
  /** A session is under way: what waits is done at its end, or asked for again. */
  readonly isCalling: (mac: string) => boolean
  readonly pace?: Pace
}

export function startWaker(options: WakerOptions): Job {
  const { store } = options
  const waker = new Waker(options, options.pace ?? createPace())
  store.onWork((mac) => (mac === '*' ? waker.look() : waker.ask(mac)))
  const timer = setInterval(() => waker.look(), LOOK_EVERY_MS).unref()
  const again = setInterval(() => waker.askAgain(), AGAIN_EVERY_MS).unref()
  waker.look()
  return {
    async close() {
      clearInterval(timer)
      clearInterval(again)
      await waker.close()
    },
  }
}

class Waker {
  readonly #options: WakerOptions
  readonly #pace: Pace
  readonly #ending = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  readonly #inSession = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #looking = false

  constructor(options: WakerOptions, pace: Pace) {
    this.#options = options
    this.#pace = pace
  }

  ask(mac: string): void {
    if (this.#ending.signal.aborted) return
    // What came during a session may not be part of it: seen at its end.
    if (this.#options.isCalling(mac)) this.#inSession.add(mac)
    else {
      this.#pace.ask(mac)
      this.#go()
    }
  }

  /** Those whose session is over by now. */
  askAgain(): void {
    for (const mac of this.#inSession) {
      if (this.#options.isCalling(mac)) continue
      this.#inSession.delete(mac)
      this.ask(mac)
    }
  }

  /** Asks the database for whom something waits. */
  look(): void {
    if (this.#looking || this.#ending.signal.aborted) return
    this.#looking = true
    const { db, now, log } = this.#options.services
    this.#follow(
      dueWakes(db, now())
        .then((macs) => macs.forEach((mac) => this.ask(mac)))
        .catch((error: unknown) => log.warn({ err: error }, 'devices that something waits for could not be found'))
        .finally(() => (this.#looking = false)),
    )
  }

  async close(): Promise<void> {
    this.#ending.abort()
    clearTimeout(this.#timer)
    await Promise.all(this.#underWay)
  }

  #follow(work: Promise<void>): void {
    this.#underWay.add(work)
    void work.finally(() => this.#underWay.delete(work))
  }

  #go(): void {
    if (this.#ending.signal.aborted) return
    const { log } = this.#options.services
    for (const mac of this.#pace.begin(performance.now())) {
      const asking = this.#wake(mac as MacAddress)
        .catch((error: unknown) => log.warn({ err: error }, 'a device could not be asked to call'))
        .finally(() => {
          this.#pace.finish(mac)
          this.#go()
        })
      this.#follow(asking)
    }
    clearTimeout(this.#timer)
    const at = this.#pace.nextAt(performance.now())
    if (at !== undefined) this.#timer = setTimeout(() => this.#go(), Math.max(1, at - performance.now())).unref()
  }

  async #wake(mac: MacAddress): Promise<void> {
    const { services } = this.#options
    const claimed = await claimWake(services.db, mac, services.now())
    const facts = claimed === undefined ? undefined : await services.directory.device(mac)
    if (claimed === undefined || facts === undefined) return
    const outcome = await this.#request(claimed, facts)
    // In session, or asked too often: asked again when its turn comes.
    if (outcome.kind === 'busy') await releaseWake(services.db, mac)
    if (outcome.kind === 'accepted' || outcome.kind === 'busy') return this.#remember(mac, 'connection-request')
    const way = claimed.way === null ? await this.#otherWay(facts) : claimed.way
    await this.#remember(mac, way)
    if (claimed.way === null) this.#tell(facts, outcome, way)
  }

  #request(claimed: ClaimedWake, facts: DeviceFacts): Promise<ConnectionRequestOutcome> {
    const credentials = acsCredentials(facts)
    if (claimed.url === null || claimed.url === '' || credentials === undefined) {
      return Promise.resolve({ kind: 'unreachable', detail: 'The device has told no address for connection requests' })
    }
    const { connectionRequestUsername: username, connectionRequestPassword: password } = credentials
    const allow = this.#options.services.settings.outboundAllow
    return requestConnection(
      { url: claimed.url, username, password },
      { allow, signal: AbortSignal.any([this.#ending.signal]) },
    )
  }

  /** A phone that is led by its profile too hears NOTIFY; whoever allows it lets it reboot. */
  async #otherWay({ device, account }: DeviceFacts): Promise<WakeWay> {
    const { services } = this.#options
    const settings = account?.settings
    if (settings === undefined || device.state !== 'bound') return 'periodic'
    if (settings.ledBy === 'tr069' && !settings.wakeByReboot) return 'periodic'
    const kind = settings.wakeByReboot ? 'reboot' : 'resync'
    const filter = { macs: [device.mac], accountId: undefined, batchId: undefined, model: undefined, state: undefined }
    const asked = await services.change((sql) =>
      askActions(
        sql,
        { ...filter, reach: null },
        { kind, via: 'sip', profile: undefined, who: 'offhook', now: services.now(), bulk: undefined },
      ),
    )
    if (asked.ids.length === 0) return 'periodic'
    return settings.wakeByReboot ? 'sip-reboot' : 'sip-resync'
  }

  async #remember(mac: MacAddress, way: WakeWay): Promise<void> {
    await setWakeWay(this.#options.services.db, mac, way)
    this.#options.store.forget(mac)
  }

  #tell({ device }: DeviceFacts, outcome: ConnectionRequestOutcome, way: WakeWay): void {
    const detail = 'detail' in outcome ? outcome.detail : ''
    this.#options.services.note([
      {
        name: 'tr069.wake-failed',
        trust: 'system',
        mac: device.mac,
        accountId: device.accountId,
        data: { outcome: outcome.kind, detail: detail.slice(0, 200), next: way },
      },
    ])
  }
}
