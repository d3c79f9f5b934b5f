/**
 * A world: one provider, its registrar, some phones, a network between them and a clock that jumps. Everything that
 * happens follows from the seed. The server is the real one, so what it does is awaited between two jumps.
 */
import type { FetchRequest } from '../phone/agent/mod.ts'
import type { Millis } from '../protocol/result.ts'
import { REGISTRAR_HOST } from './addresses.ts'
import { chanceOf } from './chance.ts'
import { VirtualClock } from './clock.ts'
import { Network, type Weather } from './network.ts'
import type { HttpAnswer, ProvisioningServer } from './provisioning-server.ts'
import { SipRegistrar } from './registrar/mod.ts'
import { TftpDoor } from './tftp-link.ts'
import { WorldPhone, type WorldPhoneOptions } from './world-phone.ts'

/** Jumps of one world; a day of a few phones takes some thousands. */
const JUMPS_MAX = 200_000

/** Decides whether an answer gets lost after the server has done its work. */
export type Cut = (request: FetchRequest, answer: HttpAnswer) => boolean

export class World {
  readonly seed: number
  readonly clock = new VirtualClock()
  readonly network: Network
  readonly server: ProvisioningServer
  readonly registrar = new SipRegistrar({ realm: REGISTRAR_HOST, nonce: 'a-nonce-of-this-world', tagPrefix: 'world' })
  readonly phones: WorldPhone[] = []
  readonly #tftpDoor: TftpDoor
  #cut: Cut = () => false
  #jumps = 0

  /** @param server is up, and serves no other world meanwhile */
  constructor(seed: number, server: ProvisioningServer) {
    this.seed = seed
    this.server = server
    this.network = new Network(this.clock, chanceOf(seed, 'network'))
    this.#tftpDoor = new TftpDoor(server, this.clock)
    server.enter(this.clock)
  }

  get now(): Millis {
    return this.clock.now
  }

  /** A phone, still without power. */
  addPhone(options: Omit<WorldPhoneOptions, 'chance'>): WorldPhone {
    const { clock, network, server, registrar } = this
    const phone = new WorldPhone(
      { ...options, chance: chanceOf(this.seed, `phone ${options.hardware.mac}`) },
      {
        clock,
        network,
        server,
        registrar,
        tftpDoor: this.#tftpDoor,
        isCut: (request, answer) => this.#cut(request, answer),
      },
    )
    this.phones.push(phone)
    return phone
  }

  setWeather(weather: Weather): void {
    this.network.weather = weather
  }

  /** Loses the answers that it says yes to, until another rule is set. */
  cutAnswers(cut: Cut): void {
    this.#cut = cut
  }

  /** The server goes down now and is back on the same database after a while; meanwhile connections are refused. */
  async restartServer(downMs: Millis): Promise<void> {
    if (!this.server.isUp) return
    this.#tftpDoor.breakOff()
    await this.server.stop()
    this.clock.after(downMs, () => this.server.start())
  }

  /** Lets time pass until something is true, at most `limitMs`. @returns whether it came true */
  async until(isTrue: () => boolean, limitMs: Millis): Promise<boolean> {
    const end = this.now + limitMs
    while (!isTrue()) if (!(await this.#jump(end))) return isTrue()
    return true
  }

  async pass(ms: Millis): Promise<void> {
    await this.until(() => false, ms)
  }

  /** To the next thing that is due. @returns false when there is none until `end`, where the clock then stands */
  async #jump(end: Millis): Promise<boolean> {
    this.#jumps += 1
    if (this.#jumps > JUMPS_MAX) throw new Error(`The world of seed ${this.seed} does not come to rest`)
    const phone = this.#nextPhone()
    const wake = phone?.wake ?? Number.POSITIVE_INFINITY
    const event = this.clock.next ?? Number.POSITIVE_INFINITY
    const at = Math.max(this.now, Math.min(wake, event))
    if (at > end) {
      this.clock.jumpTo(end)
      return false
    }
    this.clock.jumpTo(at)
    if (event <= wake) await this.clock.happenNext()
    else phone?.tick()
    return true
  }

  #nextPhone(): WorldPhone | undefined {
    return this.phones.reduce<WorldPhone | undefined>((first, phone) => {
      const wake = phone.wake
      return wake !== undefined && wake < (first?.wake ?? Number.POSITIVE_INFINITY) ? phone : first
    }, undefined)
  }
}
