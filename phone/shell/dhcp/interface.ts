/**
 * The network interface that virtual phones live on: it is brought up and made fit for DHCP, their addresses are put on it
 * and taken away, and at the end its settings are what they were; it stays up. Needs root, or CAP_NET_ADMIN.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Result } from '../../../protocol/result.ts'
import { PhoneProblem } from '../problem.ts'
import { runIp, runIpBatch } from './ip-command.ts'

/** Linux: IFNAMSIZ is 16, with its closing zero. It is part of a path, too. */
const INTERFACE_NAME = /^(?!\.{1,2}$)[^\s/:%]{1,15}$/
/** So high that a default route which was there before stays the better one. */
const ROUTE_METRIC = '3000'
const SETTINGS = '/proc/sys/net/ipv4/conf'
/** Interfaces named in an error. */
const NAMED_MAX = 20

/** What a lease wants to be on the interface. */
export interface OwnAddress {
  readonly address: string
  readonly prefixLength: number
  readonly router: string | undefined
  /** From now on; undefined: for ever. Should the phone be killed, the kernel removes the address at that time. */
  readonly seconds: number | undefined
}

export interface LanInterface {
  readonly name: string
  /**
   * Puts the address on the interface and its router into the routes, instead of those of before; the same address once more
   * lives for its new time. Answers with the complaint of `ip`.
   */
  put(own: OwnAddress, before: OwnAddress | undefined): Promise<Result<unknown, string>>
  /** Takes it away again. What is no longer there is no trouble. */
  remove(own: OwnAddress): Promise<void>
  /** Removes the routes and gives the settings their old values. */
  restore(): Promise<void>
}

/** @throws PhoneProblem: no such interface, it cannot be brought up, no right to change it */
export async function openInterface(name: string): Promise<LanInterface> {
  const { up } = await lookAt(name)
  if (!up) {
    const done = await runIp(['link', 'set', 'dev', name, 'up'])
    if (!done.ok) throw changeProblem(name, 'bring up', done.error)
  }
  const restoreSettings = loosen(name)
  const routed = await runIp(broadcastRoute(name))
  if (routed.ok) return new OpenInterface(name, restoreSettings)
  restoreSettings()
  throw changeProblem(name, 'send broadcasts from', routed.error)
}

async function lookAt(name: string): Promise<{ readonly up: boolean }> {
  const shown = INTERFACE_NAME.test(name) ? await runIp(['-json', 'link', 'show', 'dev', name]) : undefined
  const [link] = shown?.ok === true ? (JSON.parse(shown.value) as readonly { flags?: readonly string[] }[]) : []
  if (link !== undefined) return { up: link.flags?.includes('UP') === true }
  const all = await runIp(['-json', 'link', 'show'])
  if (!all.ok) throw new PhoneProblem(`Cannot use interface "${name}": ${all.error}`)
  const names = (JSON.parse(all.value) as readonly { ifname?: string }[]).flatMap(({ ifname }) => ifname ?? [])
  const known = names.slice(0, NAMED_MAX).join(', ')
  throw new PhoneProblem(`Cannot use interface "${name}": there is no such interface; expected one of ${known}`)
}

function changeProblem(name: string, what: string, why: string): PhoneProblem {
  const advice = /not permitted|denied/i.test(why) ? `${why}; that needs root (CAP_NET_ADMIN)` : why
  return new PhoneProblem(`Cannot ${what} interface "${name}": ${advice}`)
}

/** Without an address there is no route for 255.255.255.255; with this one the kernel sends from 0.0.0.0. */
function broadcastRoute(name: string): readonly string[] {
  return ['route', 'replace', '255.255.255.255/32', 'dev', name]
}

class OpenInterface implements LanInterface {
  readonly name: string
  readonly #restoreSettings: () => void
  /** How many phones use a router. */
  readonly #routers = new Map<string, number>()
  #installed: string | undefined
  /** Addresses to take away, all in one go: a fleet that ends has many. */
  readonly #leaving: OwnAddress[] = []
  /** One change after another: they depend on each other. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(name: string, restoreSettings: () => void) {
    this.name = name
    this.#restoreSettings = restoreSettings
  }

  put(own: OwnAddress, before: OwnAddress | undefined): Promise<Result<unknown, string>> {
    return this.#inTurn(async () => {
      // A phone takes what DHCP gives; waiting for a duplicate would only cost its time.
      const how = [...lifetimes(own.seconds), ...(own.address.includes(':') ? ['nodad'] : [])]
      const added = await runIp(['address', 'replace', textOf(own), 'dev', this.name, ...how])
      if (!added.ok) return added
      if (own.router !== undefined) await this.#useRouter(own.router)
      if (before === undefined) return added
      if (textOf(before) !== textOf(own)) await this.#deleteAll([before])
      await this.#leaveRouter(before.router)
      return added
    })
  }

  remove(own: OwnAddress): Promise<void> {
    this.#leaving.push(own)
    return this.#inTurn(async () => {
      const all = this.#leaving.splice(0)
      if (all.length > 0) await this.#deleteAll(all)
      for (const { router } of all) await this.#leaveRouter(router)
    })
  }

  async #deleteAll(all: readonly OwnAddress[]): Promise<void> {
    const deleted = all.map((own) => ['address', 'delete', textOf(own), 'dev', this.name])
    // The kernel forgets all routes of an interface with its last address; other phones may be about to ask.
    await runIpBatch([...deleted, broadcastRoute(this.name)])
  }

  async #useRouter(router: string): Promise<void> {
    this.#routers.set(router, (this.#routers.get(router) ?? 0) + 1)
    if (this.#installed !== router) await this.#install(router)
  }

  async #leaveRouter(router: string | undefined): Promise<void> {
    if (router === undefined) return
    const left = (this.#routers.get(router) ?? 1) - 1
    if (left > 0) {
      this.#routers.set(router, left)
      return
    }
    this.#routers.delete(router)
    const [next] = this.#routers.keys()
    if (this.#installed !== router) return
    await this.#uninstall()
    if (next !== undefined) await this.#install(next)
  }

  async restore(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#uninstall()
      await runIp(['route', 'delete', '255.255.255.255/32', 'dev', this.name])
      this.#restoreSettings()
    })
  }

  /** A router that cannot be leaves the phone with its own network. */
  async #install(router: string): Promise<void> {
    const route = ['default', 'via', router, 'dev', this.name, 'metric', ROUTE_METRIC, 'onlink']
    if ((await runIp(['route', 'replace', ...route])).ok) this.#installed = router
  }

  async #uninstall(): Promise<void> {
    if (this.#installed === undefined) return
    await runIp(['route', 'delete', 'default', 'via', this.#installed, 'dev', this.name, 'metric', ROUTE_METRIC])
    this.#installed = undefined
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(change)
    this.#queue = done.catch(() => undefined)
    return done
  }
}

function lifetimes(seconds: number | undefined): readonly string[] {
  const text = seconds === undefined ? 'forever' : String(seconds)
  return ['valid_lft', text, 'preferred_lft', text]
}

function textOf({ address, prefixLength }: OwnAddress): string {
  return `${address}/${prefixLength}`
}

/**
 * Lets answers in from servers to which there is no route yet (rp_filter), and keeps the addresses of the other phones when
 * that of the first one goes (promote_secondaries). The stricter of `all` and the interface's own rp_filter counts, so
 * other interfaces get what `all` gave them. @returns what puts the old values back
 */
function loosen(name: string): () => void {
  const undo: (() => void)[] = []
  const put = (path: string, value: string): void => {
    const before = readSetting(path)
    if (before === undefined || before === value || !writeSetting(path, value)) return
    undo.push(() => writeSetting(path, before))
  }
  const all = readSetting(`${SETTINGS}/all/rp_filter`) ?? '0'
  if (all !== '0') {
    for (const other of interfacesWithSettings()) {
      const path = `${SETTINGS}/${other}/rp_filter`
      if (other !== name && other !== 'all' && Number(readSetting(path)) < Number(all)) put(path, all)
    }
    put(`${SETTINGS}/all/rp_filter`, '0')
  }
  put(`${SETTINGS}/${name}/rp_filter`, '0')
  put(`${SETTINGS}/${name}/promote_secondaries`, '1')
  return () => {
    for (const back of undo.splice(0).reverse()) back()
  }
}

function interfacesWithSettings(): readonly string[] {
  try {
    return readdirSync(SETTINGS)
  } catch {
    return []
  }
}

function readSetting(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** In some containers these files cannot be written; most often their values are right already. */
function writeSetting(path: string, value: string): boolean {
  try {
    writeFileSync(path, value)
    return true
  } catch {
    return false
  }
}
