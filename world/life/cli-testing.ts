/** Test support: one running provider, and commands against it as processes. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import type { MacAddress } from '../../protocol/identity.ts'
import { createDeviceCertificates } from '../../server/pki/mod.ts'
import { plant } from '../../server/testing.ts'
import { get, identityOf, macNumber, makeProvider, type Provider, serve } from '../durability/testing.ts'
import { type Ended, Place, type Run } from './testing.ts'

/** What a command said. */
export interface Said extends Ended {
  /** Of stdout, for one that was given `--json`. */
  readonly json: unknown
}

export class Shop {
  readonly place: Place
  readonly provider: Provider
  server: Run
  #phones = 0

  private constructor(place: Place, provider: Provider, server: Run) {
    this.place = place
    this.provider = provider
    this.server = server
  }

  /** @param env  settings of the server beside those of the place */
  static async open(env: Readonly<Record<string, string>> = {}): Promise<Shop> {
    const place = await Place.make()
    const provider = await makeProvider(place, 1, 20)
    return new Shop(place, provider, await serve(place, env))
  }

  /** `offhook …` to its end. */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
    const ended = await this.place.offhook(args, env).ended
    let json: unknown
    try {
      json = JSON.parse(ended.output)
    } catch {
      // Lines for a person.
      json = undefined
    }
    return { ...ended, json }
  }

  /** The same for a command that must not complain. */
  async well(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
    const said = await this.run(args, env)
    expect({ args, code: said.code, errors: said.errors }).toEqual({ args, code: 0, errors: '' })
    return said
  }

  /** What stands around a test goes to the API directly, which is quicker than a process. */
  async api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.place.ports.api}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.provider.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    expect({ method, path, ok: response.ok }).toEqual({ method, path, ok: true })
    return (await response.json()) as T
  }

  async file(name: string, text: string): Promise<string> {
    const path = join(this.place.folder, name)
    await writeFile(path, text, { mode: 0o600 })
    return path
  }

  /** A MAC that no phone of this shop had yet. */
  nextMac(): MacAddress {
    return macNumber(this.#phones++)
  }

  /** A sealed phone that binds itself by the code. @returns what it can ask from then on */
  async phone(mac = this.nextMac()): Promise<Phone> {
    const account = this.provider.accounts[0]
    const phone = await this.box(mac)
    expect((await phone.asks(`/cisco-init/${account?.code ?? ''}`))?.status).toBe(200)
    return phone
  }

  /** A phone with its certificate, which asks for nothing by itself. */
  async box(mac: MacAddress): Promise<Phone> {
    const pair = await (await createDeviceCertificates(this.provider.labCa))(identityOf(mac), Date.now())
    return { ...identityOf(mac), asks: (path) => get(this.place, this.provider, pair, path) }
  }

  /** Ends the server and starts it again, when what is to be done meanwhile is done. */
  async restart(env: Readonly<Record<string, string>> = {}, meanwhile?: () => Promise<void>): Promise<void> {
    expect((await this.server.stop('SIGTERM', 'process')).code).toBe(0)
    await meanwhile?.()
    this.server = await serve(this.place, env)
  }
}

export interface Phone {
  readonly mac: MacAddress
  readonly serial: string
  readonly productName: string
  asks(path: string): ReturnType<typeof get>
}

/** One shop for all tests of a file. */
export function shopForAll(env: Readonly<Record<string, string>> = {}): () => Shop {
  let shop: Shop | undefined
  beforeAll(async () => {
    shop = await Shop.open(env)
  }, 120_000)
  afterAll(async () => {
    await shop?.place.clear()
  }, 60_000)
  return () => {
    if (shop === undefined) throw new Error('The shop is not open')
    plant(shop.provider.token)
    return shop
  }
}
