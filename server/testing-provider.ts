/** Accounts, lines, codes and bound phones on a test platform, made as an operator makes them. */
import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { MacAddress } from '../protocol/identity.ts'
import { readProfile } from '../protocol/profile/mod.ts'
import { assert } from '../protocol/result.ts'
import type { AccountSettings } from './devices/mod.ts'
import type { Delivery } from './nps/mod.ts'
import type { Platform } from './platform.ts'
import { createAccount, createCode, createLine, endDevice, searchEvents, viewDevice } from './store/mod.ts'
import { certifiedFetch, freshMac, plant, plantSecretsOf, textOf } from './testing.ts'

/** Who did it, in revisions. */
export const WHO = 'test'

/** The URL that a phone with this code asks. */
export function init(code: { readonly code: string }): string {
  return `/cisco-init/${code.code}`
}

/** A delivered profile by element; `""` is the empty value. */
export function valuesOf(delivery: Delivery): ReadonlyMap<string, string> {
  const profile = readProfile(textOf(delivery))
  assert(profile.ok, 'what was delivered is a profile')
  return new Map(profile.value.elements.map(({ name, value }) => [name, value === '""' ? '' : value]))
}

export type TestProvider = ReturnType<typeof providerOn>

function accountsOn(platform: Platform) {
  const { db, vault } = platform
  let lastUser = 1000

  async function accountWith(options: { lines?: number; settings?: Partial<AccountSettings> } = {}) {
    const customerId = `c-${randomBytes(6).toString('hex')}`
    const made = await db.transaction((tx) =>
      createAccount(tx, WHO, {
        name: 'Shop',
        customerId,
        kind: 'customer',
        parentId: undefined,
        settings: options.settings ?? {},
      }),
    )
    assert(made.ok, 'the Customer ID is free')
    const { id } = made.value
    for (let count = 0; count < (options.lines ?? 1); count++) await lineOf(id)
    return { id, customerId }
  }

  async function lineOf(accountId: string): Promise<string> {
    const line = {
      accountId,
      userId: String(++lastUser),
      password: plant(randomBytes(12).toString('hex')),
      displayName: 'Desk',
      domain: 'sip.example.com',
      authId: undefined,
      outboundProxy: undefined,
      transport: undefined,
    }
    const made = await db.transaction((tx) => createLine(tx, vault, WHO, line))
    assert(made.ok, 'the user is free')
    return made.value.id
  }

  async function codeOf(accountId: string, more: { ttlSeconds?: number; devices?: number; lineIds?: string[] } = {}) {
    const made = await db.transaction((tx) =>
      createCode(tx, WHO, { accountId, ttlSeconds: 600, devices: 1, lineIds: [], ...more }),
    )
    plant(made.code)
    await heard(platform)
    return made
  }

  /** All word of changes that was sent so far has been taken in. */
  async function heard(by: Platform): Promise<void> {
    // Its own message and no other one, such as that of a batch that is written meanwhile: they come in their order.
    const name = `heard-${randomBytes(6).toString('hex')}`
    const arrived = new Promise<void>((resolve) =>
      by.directory.onChange((change) => {
        if (change.kind === 'firmware' && change.file.name === name) resolve()
      }),
    )
    await db.notify('offhook_change', JSON.stringify({ kind: 'firmware', file: { name, byteCount: 0, sha256: 'x' } }))
    await arrived
  }

  return { accountWith, lineOf, codeOf, heard, lastUserId: () => String(lastUser) }
}

/** What tests do to a platform: make accounts, bind phones, let them go, look at their timelines. */
export function providerOn(platform: Platform) {
  const { db, vault } = platform
  const accounts = accountsOn(platform)
  const { accountWith, codeOf, heard } = accounts

  async function bound(settings?: Partial<AccountSettings>) {
    const account = await accountWith(settings === undefined ? {} : { settings })
    const mac = freshMac()
    const delivery = await certifiedFetch(platform, init(await codeOf(account.id)), mac)
    expect(delivery.kind).toBe('bytes')
    await plantSecretsOf(platform)
    return { account, mac, profile: valuesOf(delivery) }
  }

  async function eventsOf(mac: MacAddress): Promise<readonly string[]> {
    await platform.flush()
    const events = await searchEvents(db, { reach: null, mac }, { before: undefined, limit: 100 })
    return events.map(({ name }) => name).reverse()
  }

  async function stateOf(mac: MacAddress) {
    return (await viewDevice(db, mac))?.state
  }

  async function end(mac: MacAddress, how: 'release' | 'disable'): Promise<void> {
    const done = await db.transaction((tx) => endDevice(tx, vault, WHO, mac, how))
    expect(done.ok).toBe(true)
    await heard(platform)
  }

  return { ...accounts, bound, eventsOf, stateOf, end }
}
