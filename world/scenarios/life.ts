/**
 * One life of a phone, played as its plan says. Whatever happens, in the end it must work, belong to the right account once, and nobody else may have
 * learned a secret.
 */
import type { CustomizationState, FetchRequest, Lease } from '../../phone/agent/mod.ts'
import type { Millis } from '../../protocol/result.ts'
import {
  CALM,
  type Chance,
  chanceOf,
  PROVISIONING_ADDRESS,
  PROVISIONING_HOST,
  PUBLIC_URL,
  storm,
  type WorldPhone,
} from '../mod.ts'
import { type AccountOfWorld, FACTORY_LOAD, hours, minutes, NEW_LOAD, type Parameters, type Scene } from '../testing.ts'
import type { Plan, WayBack } from './life-plan.ts'
import { strangerTriesEverything } from './stranger.ts'

/** @returns what is wrong in the end; nothing when all is well */
export async function play(scene: Scene, plan: Plan): Promise<readonly string[]> {
  const life = await beginLife(scene, plan)
  const problems = [...(await life.arrive(plan.journey === 'held'))]
  if (plan.wayBack !== undefined && problems.length === 0) {
    problems.push(...(await life.resetToFactory(plan.wayBack)))
    problems.push(...(await life.arrive(false)).map((problem) => `after the factory reset: ${problem}`))
  }
  return [...problems, ...(await life.leaks()), ...life.interrupted()]
}

async function beginLife(scene: Scene, plan: Plan): Promise<Life> {
  const { operator, world } = scene
  const account = await operator.account({
    // One line is the phone's; a second binding would take the other one too.
    lines: 2,
    settings: { delivery: plan.sealed ? 'sealed' : 'https' },
    layer: upgradeLayer(plan),
  })
  const code = plan.journey === 'code' ? await operator.code(account) : undefined
  const options = plan.journey === 'bench' ? BENCH_OPTIONS : NO_OPTIONS
  const phone = await scene.phone({ quickCertificate: true, rcReachable: plan.rcReachable, lease: { options } })
  if (plan.journey === 'held') await operator.window(account, '2a0a:ffff::1')
  if (plan.journey === 'rc' || plan.journey === 'bench' || plan.journey === 'registered-link') {
    await operator.register(phone, account)
  }
  const link = `${PUBLIC_URL}/cisco-init/${code ?? account.customerId}`
  const usesLink = plan.journey === 'code' || plan.journey === 'registered-link' || plan.journey === 'held'
  world.setWeather(storm(plan.strength))
  return new Life(scene, plan, { account, phone, code, link: usesLink ? link : undefined })
}

const NO_OPTIONS: Lease['options'] = new Map()
const BENCH_OPTIONS: Lease['options'] = new Map([[66, PROVISIONING_ADDRESS]])

function upgradeLayer({ upgradeBy }: Plan): Parameters {
  if (upgradeBy === undefined) return {}
  return { Upgrade_Rule: `${upgradeBy}://${PROVISIONING_HOST}/firmware/${NEW_LOAD}.loads` }
}

interface Cast {
  readonly account: AccountOfWorld
  readonly phone: WorldPhone
  readonly code: string | undefined
  readonly link: string | undefined
}

/** The customer looks at the phone so often, and opens the link again while it does not work. */
const PATIENCE_MS = minutes(4)
/** After the storm the longest error retry and the longest upgrade retry may still be under way, one after the other. */
const AFTER_STORM_MS = hours(8)
/** The last look back may have been lost; the next one comes within a day and its random part. */
const LOOK_BACK_MS = hours(30)

class Life {
  readonly #scene: Scene
  readonly #plan: Plan
  readonly #cast: Cast
  readonly #chance: Chance
  readonly #wantedLoad: string
  #link: string | undefined
  /** Whether the phone can come by the redirect service only. */
  #onlyRc: boolean
  #powered = false
  #cutsLeft: number
  #inCallSince: Millis | undefined
  readonly #calls: { readonly from: Millis; readonly to: Millis }[] = []

  constructor(scene: Scene, plan: Plan, cast: Cast) {
    this.#scene = scene
    this.#plan = plan
    this.#cast = cast
    this.#chance = chanceOf(scene.world.seed, 'people')
    this.#wantedLoad = plan.upgradeBy === undefined ? FACTORY_LOAD : NEW_LOAD
    this.#link = cast.link
    this.#onlyRc = plan.journey === 'rc'
    this.#cutsLeft = plan.cuts
    scene.world.cutAnswers((request) => this.#isCut(request))
  }

  /** From here, whatever the phone is, to a working phone. @returns what is missing */
  async arrive(mustBeConfirmed: boolean): Promise<readonly string[]> {
    const { world } = this.#scene
    this.#storm()
    if (!this.#powered) this.#cast.phone.powerOn()
    this.#powered = true
    const calmAt = world.now + this.#plan.stormMs
    while (world.now < calmAt) await this.#while(minutes(1), mustBeConfirmed)
    world.setWeather(CALM)
    const end = world.now + AFTER_STORM_MS
    while (!this.#works() && world.now < end) await this.#while(PATIENCE_MS, mustBeConfirmed)
    if (!this.#works()) return [`the phone is not registered or upgraded: ${this.#whereItStands()}`]
    return this.#lookBack()
  }

  /** Everything bad that will happen in the next while. */
  #storm(): void {
    const { world } = this.#scene
    const { restarts, powerCuts, call, strangers, strength } = this.#plan
    world.setWeather(storm(strength))
    for (const { at, downMs } of restarts) world.clock.after(at, () => world.restartServer(downMs))
    for (const at of powerCuts) world.clock.after(at, () => this.#powerCut())
    for (const at of strangers) world.clock.after(at, () => this.#strangerAsks())
    if (call === undefined) return
    world.clock.after(call.at, () => this.#callStarts())
    world.clock.after(call.at + call.lengthMs, () => this.#callEnds())
  }

  async #while(ms: Millis, mustBeConfirmed: boolean): Promise<void> {
    const { world, operator } = this.#scene
    const { phone } = this.#cast
    await world.pass(ms + this.#chance.whole(0, 30_000))
    if (this.#link !== undefined && !this.#hasLine()) phone.openResyncLink(this.#link)
    if (!mustBeConfirmed || !world.server.isUp) return
    const device = await operator.deviceOf(phone)
    if (device?.state === 'held') await operator.confirm(phone)
  }

  async resetToFactory(wayBack: WayBack): Promise<readonly string[]> {
    const { world, operator } = this.#scene
    const { phone, account } = this.#cast
    phone.lease = { ...phone.lease, options: wayBack === 'dhcp' ? BENCH_OPTIONS : NO_OPTIONS }
    this.#link = undefined
    this.#onlyRc = wayBack === 'rc'
    if (wayBack === 'link') this.#link = `${PUBLIC_URL}/cisco-init`
    if (wayBack === 'new-code') this.#link = `${PUBLIC_URL}/cisco-init/${await operator.code(account)}`
    // The phone refuses it during a call, and while it starts.
    await world.until(() => phone.webReachable && phone.agent.ram.busyLines.length === 0, hours(1))
    phone.factoryReset()
    this.#cutsLeft = this.#plan.cuts
    const done = await world.until(() => phone.customization === 'Open', minutes(30))
    return done ? [] : ['the factory reset did not happen']
  }

  #userId(): string {
    return this.#cast.account.lines[0]?.userId ?? ''
  }

  #hasLine(): boolean {
    return this.#cast.phone.registered().includes(this.#userId())
  }

  #works(): boolean {
    const { world } = this.#scene
    const { phone } = this.#cast
    const reachable = world.registrar.contactOf(this.#userId(), world.now) !== undefined
    return this.#hasLine() && reachable && phone.load === this.#wantedLoad && phone.agent.ram.mode === 'running'
  }

  #whereItStands(): string {
    const { phone } = this.#cast
    const last = phone.says.slice(-6).map(({ event }) => event.name)
    return `${phone.agent.ram.mode}, ${phone.customization}, ${phone.load}, last ${last.join(' ')}`
  }

  /** What the provider knows must come to agree with what is. */
  async #lookBack(): Promise<readonly string[]> {
    const { world } = this.#scene
    const { phone } = this.#cast
    const end = world.now + LOOK_BACK_MS
    for (;;) {
      const problems = await this.#disagreements()
      if (problems.length === 0 || world.now > end) return problems
      const { length } = phone.fetches
      await world.until(() => phone.fetches.length > length, LOOK_BACK_MS)
      // Both of its questions, and what the server notes of them.
      await world.pass(minutes(1))
    }
  }

  async #disagreements(): Promise<readonly string[]> {
    const { operator } = this.#scene
    const { phone, account, code } = this.#cast
    const device = await operator.deviceOf(phone)
    if (device === undefined) return ['the provider does not know the phone']
    const { wanted, served, running } = device.versions
    const uses = await operator.usesOfCodes(account)
    const expectedUses = code === undefined ? [] : [phone.hardware.mac]
    return [
      device.state !== 'bound' && `the device is ${device.state}`,
      device.accountId !== account.id && 'the device is of another account',
      device.lines.join() !== this.#userId() && `it has ${device.lines.length} lines`,
      uses.join() !== expectedUses.join() && `codes were used ${uses.length} times`,
      running !== wanted && `it runs ${running} instead of ${wanted}`,
      served !== wanted && `it was served ${served} instead of ${wanted}`,
      device.keys.confirmed !== device.keys.issued && `key ${device.keys.issued} is not confirmed`,
      phone.parameter('GPP_P') !== wanted && 'its marker is not the wanted one',
      !this.#mayBe().includes(phone.customization) && `it is ${phone.customization}`,
    ].filter((problem) => problem !== false)
  }

  /** MPP §9.1: Acquired by RC, Aborted by anything else; where both are at hand, whichever came first. */
  #mayBe(): readonly CustomizationState[] {
    if (!this.#plan.rcReachable) return ['Aborted']
    return this.#onlyRc ? ['Acquired'] : ['Acquired', 'Aborted']
  }

  /** Looks for every secret in everything that went to anybody but the phone itself. */
  async leaks(): Promise<readonly string[]> {
    const { world, operator } = this.#scene
    const { mac } = this.#cast.phone.hardware
    const problems: string[] = []
    let found = 0
    for (const { door, target, certified, bytes } of world.server.leavings) {
      const text = Buffer.from(bytes).toString('latin1')
      const hits = operator.secrets.filter((secret) => text.includes(secret)).length
      if (certified === mac) found += hits
      else if (hits > 0)
        problems.push(`${hits} secrets left by ${door} to ${certified ?? 'a stranger'} at ${target.split('?')[0]}`)
    }
    // The search itself must be able to find something: the phone was given its password.
    return found === 0 && problems.length === 0 ? ['no secret was found even in what the phone got'] : problems
  }

  /** A call is never interrupted [MPP §5.4, §6]. */
  interrupted(): readonly string[] {
    const { says } = this.#cast.phone
    const breaks = says.filter(
      ({ at, event }) =>
        ['reboot', 'upgrade-started', 'resync-started'].includes(event.name) &&
        this.#calls.some(({ from, to }) => at > from && at < to),
    )
    return breaks.map(({ event }) => `during a call: ${event.name}`)
  }

  #isCut(request: FetchRequest): boolean {
    if (this.#cutsLeft === 0 || !request.path.startsWith('/cisco-init')) return false
    this.#cutsLeft -= 1
    return true
  }

  #powerCut(): void {
    this.#callEnds()
    this.#cast.phone.powerOn()
  }

  #callStarts(): void {
    const { phone } = this.#cast
    if (phone.agent.ram.mode !== 'running' || !this.#hasLine()) return
    this.#inCallSince = this.#scene.world.now
    phone.send({ kind: 'call-started', line: 1 })
  }

  #callEnds(): void {
    if (this.#inCallSince === undefined) return
    this.#calls.push({ from: this.#inCallSince, to: this.#scene.world.now })
    this.#inCallSince = undefined
    this.#cast.phone.send({ kind: 'call-ended', line: 1 })
  }

  async #strangerAsks(): Promise<void> {
    const { world } = this.#scene
    const { phone, code } = this.#cast
    if (!world.server.isUp) return
    // Whoever has a fresh code and comes first is the customer; only a used one must be worth nothing.
    const usedCode = phone.parameter('GPP_P') === undefined ? undefined : code
    await strangerTriesEverything(world, phone, usedCode)
  }
}
