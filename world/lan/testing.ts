/**
 * Test support: a provider on a small real network. Every party is a process in a network namespace of its own on one bridge.
 *
 *     server   192.168.77.3: `offhook serve` on the standard ports, and the registrar of inside.ts
 *     dhcp     192.168.77.2: Kea, dnsmasq or ISC dhcpd with the configuration that `offhook dhcp` wrote
 *     phone…   no address: `offhook phone` or `offhook fleet`, and DHCP clients of others
 */
import { chmodSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import type { IncomingMessage } from 'node:http'
import { once } from 'node:events'
import {
  LAN_INTERFACE,
  type Lan,
  makeLan,
  type Namespace,
  type Ran,
  type Running,
} from '../../phone/shell/dhcp/testing-lan.ts'
import { plant } from '../../server/testing.ts'
import { COMMAND, FOREIGN, ROOT } from '../life/testing.ts'

export const SERVER = '192.168.77.3'
export const DHCP = '192.168.77.2'
export const NETWORK_V6 = 'fd00:77::/64'
export const SERVER_V6 = 'fd00:77::3'
const DHCP_V6 = 'fd00:77::2'
export const MODEL = 'CP-8851-3PCC'
const API_PORT = 8000
/** Another machine than ours may run other tests too. */
const PATIENCE_MS = 120_000

/** What is written on a box. */
export interface Box {
  readonly mac: string
  readonly serial: string
  readonly model: string
}

export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Buffer
}

export class LanBench {
  readonly lan: Lan
  readonly server: Namespace
  readonly folder: string
  readonly dataDir: string
  #dhcp: Namespace | undefined
  #token = ''
  #accounts = 0
  #lines = 2000
  #boxes = 0
  #hosts = 0
  #hasIpv6 = false

  private constructor(lan: Lan) {
    this.lan = lan
    this.server = lan.namespace('server', `${SERVER}/24`)
    this.folder = lan.folder()
    // The database runs as a user of its own, who must get through.
    chmodSync(this.folder, 0o711)
    this.dataDir = join(this.folder, 'data')
  }

  /**
   * With the server up, and its API and registrar within reach.
   * @param how  `ipv6`: the doors are reached at SERVER_V6 too, and the DHCP server has an address of that network
   */
  static async open(how: { readonly ipv6?: boolean } = {}): Promise<LanBench> {
    const lan = makeLan()
    try {
      const bench = new LanBench(lan)
      if (how.ipv6 === true) bench.#addIpv6()
      await bench.#start(how.ipv6 === true ? ['--host', '::'] : [])
      return bench
    } catch (error) {
      await lan.clear()
      throw error
    }
  }

  #addIpv6(): void {
    this.#hasIpv6 = true
    for (const [where, address] of [
      [this.server, SERVER_V6],
      [this.dhcpHost(), DHCP_V6],
    ] as const) {
      // There is nobody else, so nobody is asked.
      where.ip('-6', 'address', 'add', `${address}/64`, 'dev', LAN_INTERFACE, 'nodad')
    }
  }

  async #start(more: readonly string[]): Promise<void> {
    const urls = ['--public-url', `https://${SERVER}`, '--public-http-url', `http://${SERVER}`]
    await this.offhook(this.server, ['serve', '--standard-ports', ...urls, ...more]).line(/API on port/)
    const inside = ['--import', 'tsx', 'world/lan/inside.ts', this.#socket(), SERVER, String(API_PORT)]
    await this.server.run(process.execPath, inside, { cwd: ROOT }).line(/ready/)
    this.#token = plant((await this.ran(['token', 'create', '--scope', 'admin', '--name', 'lan'])).trim())
  }

  close(): Promise<void> {
    return this.lan.clear()
  }

  #socket(): string {
    return join(this.folder, 'inside.sock')
  }

  // --- commands

  /** `offhook …` in a namespace, on the server's data directory. */
  offhook(where: Namespace, args: readonly string[]): Running {
    const own = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))
    const env = { ...Object.fromEntries(own), OFFHOOK_DATA: this.dataDir }
    return where.run(process.execPath, [...COMMAND, ...args], { cwd: ROOT, env })
  }

  /** Runs a command beside the server to its end. @returns what it printed. Throws when it fails. */
  async ran(args: readonly string[]): Promise<string> {
    const { code, output, errors } = await this.offhook(this.server, args).ended
    if (code !== 0) throw new Error(`offhook ${args.join(' ')} ended with ${code}: ${errors}`)
    return output
  }

  /** A namespace without an address, as a phone comes to a network. */
  host(label = 'h'): Namespace {
    this.#hosts += 1
    const host = this.lan.namespace(`${label}${this.#hosts}`)
    // What a router would announce: DHCPv6 gives addresses, and no word of the network that they are in.
    if (this.#hasIpv6) host.ip('-6', 'route', 'add', NETWORK_V6, 'dev', LAN_INTERFACE)
    return host
  }

  /** Where a DHCP server of others runs; the one before has ended. */
  dhcpHost(): Namespace {
    this.#dhcp ??= this.lan.namespace('dhcp', `${DHCP}/24`)
    return this.#dhcp
  }

  // --- what the provider has

  async api<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.ask(method, `/api/v1/${path}`, body)
    const said = answer.body.toString('utf8')
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${said}`)
    return (said === '' ? undefined : JSON.parse(said)) as T
  }

  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const headers = { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' }
    const asked = request({ socketPath: this.#socket(), method, path, headers })
    asked.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const parts: Buffer[] = []
    for await (const part of answer) parts.push(part as Buffer)
    const { statusCode = 0, headers: told } = answer
    return { status: statusCode, type: String(told['content-type']), body: Buffer.concat(parts) }
  }

  /** A customer with so many lines, which may register. @returns the id of the account */
  async customer(lineCount: number): Promise<string> {
    this.#accounts += 1
    const { id } = await this.api<{ id: string }>('POST', 'accounts', { name: `Customer ${this.#accounts}` })
    for (let count = 0; count < lineCount; count++) await this.line(id)
    return id
  }

  async line(accountId: string): Promise<string> {
    this.#lines += 1
    const userId = String(this.#lines)
    const password = plant(`pw-${userId}-${Math.random().toString(36).slice(2)}`)
    await this.api('POST', `accounts/${accountId}/lines`, {
      userId,
      password,
      displayName: `Desk ${userId}`,
      domain: SERVER,
    })
    await this.ask('PUT', `/registrar/${userId}`, password)
    return userId
  }

  async registered(): Promise<readonly string[]> {
    return JSON.parse((await this.ask('GET', '/registrar')).body.toString('utf8')) as readonly string[]
  }

  /** The next box of the same make. */
  box(): Box {
    this.#boxes += 1
    const number = this.#boxes
    return {
      mac: `000e08ba${number.toString(16).padStart(4, '0')}`,
      serial: `FCH2305B${String(number).padStart(3, '0')}`,
      model: MODEL,
    }
  }

  /** A box that belongs to a customer before it is switched on. */
  async registeredBox(accountId: string): Promise<Box> {
    const box = this.box()
    await this.api('POST', 'devices', { ...box, accountId })
    return box
  }

  /** `offhook phone` in a namespace of its own, with its events as lines of JSON. */
  phone(box: Box, more: readonly string[] = [], where = this.host('p')): LanPhone {
    const { mac, serial, model } = box
    const who = ['--mac', mac, '--serial', serial, '--model', model, '--state', join(this.folder, 'phones', mac)]
    const args = ['phone', '--interface', LAN_INTERFACE, '--fast', '--json', ...who, ...more]
    return new LanPhone(this.offhook(where, args), where)
  }
}

/** What a phone told of itself. */
export interface Told {
  readonly name: string
  readonly text: string
  readonly data: Readonly<Record<string, unknown>>
}

export class LanPhone {
  readonly running: Running
  readonly where: Namespace

  constructor(running: Running, where: Namespace) {
    this.running = running
    this.where = where
  }

  /** All that it told until now. */
  told(): readonly Told[] {
    return this.running.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Told)
  }

  /** Waits until it tells such an event. */
  async tells(name: string, fits: (told: Told) => boolean = () => true): Promise<Told> {
    const isIt = (line: string): boolean => {
      if (!line.startsWith('{')) return false
      const told = JSON.parse(line) as Told
      return told.name === name && fits(told)
    }
    const waited = new Promise<never>((_, reject) => {
      setTimeout(() => {
        reject(new Error(`The phone did not tell "${name}" in ${PATIENCE_MS} ms:\n${this.running.lines.join('\n')}`))
      }, PATIENCE_MS).unref()
    })
    return JSON.parse(await Promise.race([this.running.line(isIt), waited])) as Told
  }

  /** URLs and addresses of what it fetched, in order. */
  fetched(): readonly string[] {
    return this.told()
      .filter(({ name }) => name === 'fetch')
      .map(({ data }) => String(data['url']))
  }

  async off(): Promise<Ran> {
    return this.running.stop('SIGINT')
  }
}
