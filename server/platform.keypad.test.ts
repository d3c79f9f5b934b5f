/** Codes that a person types at a phone, on a real database and with a clock of its own. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { MacAddress } from '../protocol/identity.ts'
import { assert } from '../protocol/result.ts'
import { WRONG_TOKENS_MAX } from './nps/mod.ts'
import {
  createKeypadCode,
  KEYPAD_CODE_S,
  KEYPAD_CODES_MAX,
  KEYPAD_OPEN_CODES_MAX,
  KEYPAD_SHORT_CODES_MAX,
  type NewKeypadCode,
  registerDevice,
  revokeCode,
} from './store/mod.ts'
import { certifiedFetch, freshMac, openTestPlatform, plant, plantSecretsOf, PN, serialFor } from './testing.ts'
import { init, providerOn, WHO } from './testing-provider.ts'

let shift = 0
const { platform } = await openTestPlatform({ now: () => Date.now() + shift })
const { db } = platform
const { accountWith, codeOf, heard, eventsOf, stateOf } = providerOn(platform)

function ask(more: Partial<NewKeypadCode> & { accountId: string }, draw?: () => string) {
  return db.transaction((tx) => createKeypadCode(tx, WHO, { digits: 10, mac: undefined, ...more }, draw))
}

async function keypadCode(more: Partial<NewKeypadCode> & { accountId: string }, draw?: () => string) {
  const made = await ask(more, draw)
  assert(made.ok, 'there is room for one more')
  plant(made.value.code)
  await heard(platform)
  return made.value
}

async function registered(accountId: string): Promise<MacAddress> {
  const mac = freshMac()
  const done = await db.transaction((tx) =>
    registerDevice(tx, WHO, { mac, serial: serialFor(mac), model: PN, accountId, lineIds: [] }),
  )
  assert(done.ok, 'the phone is new')
  await heard(platform)
  return mac
}

async function kindOf(code: { readonly code: string }, mac: MacAddress): Promise<string> {
  const { kind } = await certifiedFetch(platform, init(code), mac)
  await plantSecretsOf(platform)
  return kind
}

describe('a code to be typed at any phone [guide: Manually Provision a Phone from the Keypad]', () => {
  it('has eight to ten digits, and of it only the hash is stored', async () => {
    const account = await accountWith()
    for (const digits of [8, 9, 10]) {
      const made = await keypadCode({ accountId: account.id, digits })
      expect(made.code).toMatch(new RegExp(`^[0-9]{${digits}}$`))
      const rows = await db.query<{ text: string; hash: Buffer }>({
        name: 'test-code-row',
        text: 'select c::text as text, hash from code c where id = $1',
        values: [made.id],
      })
      expect(rows[0]?.hash.equals(createHash('sha256').update(made.code).digest())).toBe(true)
      expect(rows[0]?.text.includes(made.code)).toBe(false)
    }
  })

  it('binds one phone, answers it again, and refuses the next', async () => {
    const account = await accountWith({ lines: 2 })
    const code = await keypadCode({ accountId: account.id })
    const [first, second] = [freshMac(), freshMac()]
    expect(await kindOf(code, first)).toBe('bytes')
    expect(await kindOf(code, first)).toBe('bytes')
    expect(await kindOf(code, second)).toBe('refusal')
    expect(await stateOf(first)).toBe('bound')
  })

  it('of two phones that type it at the same moment one gets in', async () => {
    const account = await accountWith({ lines: 2 })
    const code = await keypadCode({ accountId: account.id })
    const kinds = await Promise.all([kindOf(code, freshMac()), kindOf(code, freshMac())])
    expect(kinds.toSorted()).toEqual(['bytes', 'refusal'])
  })

  it('is good for a quarter of an hour and no longer, also for the phone that it has bound', async () => {
    const account = await accountWith({ lines: 3 })
    const made = Date.now()
    const [early, late, used] = [
      await keypadCode({ accountId: account.id }),
      await keypadCode({ accountId: account.id }),
      await keypadCode({ accountId: account.id }),
    ]
    const lives = early.expiresAt.getTime() - made
    expect(Math.abs(lives - KEYPAD_CODE_S * 1000)).toBeLessThan(30_000)
    const mac = freshMac()
    expect(await kindOf(used, mac)).toBe('bytes')
    try {
      // A minute before the end of all three, and when the last of them has ended.
      shift = lives - 60_000
      expect(await kindOf(early, freshMac())).toBe('bytes')
      expect(await kindOf(used, mac)).toBe('bytes')
      shift = used.expiresAt.getTime() - Date.now() + 1
      expect(await kindOf(late, freshMac())).toBe('refusal')
      expect(await kindOf(used, mac)).toBe('refusal')
    } finally {
      shift = 0
    }
  })

  it('is neither a Customer ID nor a code that there is', async () => {
    const digits = '31415926'
    const taken = await accountWith()
    await db.run({
      name: 'test-customer-id',
      text: 'update account set customer_id = $2 where id = $1',
      values: [taken.id, digits],
    })
    const before = await keypadCode({ accountId: taken.id, digits: 8 })
    const draws = [digits, before.code, '27182818']
    const made = await keypadCode({ accountId: taken.id, digits: 8 }, () => draws.shift() ?? '')
    expect(made.code === '27182818').toBe(true)
    await expect(ask({ accountId: taken.id }, () => digits)).rejects.toThrow('Cannot find a free code of 10 digits')
  })
})

describe('a code to be typed at one phone', () => {
  it('is refused to another phone, which does not use it up, and both timelines say so', async () => {
    const account = await accountWith({ lines: 2 })
    const mac = await registered(account.id)
    const neighbour = await registered(account.id)
    const code = await keypadCode({ accountId: account.id, mac })
    for (const stranger of [neighbour, freshMac()]) {
      expect(await kindOf(code, stranger)).toBe('refusal')
      expect((await stateOf(stranger)) ?? 'known').toBe('known')
    }
    expect(await eventsOf(neighbour)).toEqual(expect.arrayContaining(['identity.mismatch', 'fetch.refused']))
    expect(await eventsOf(mac)).toContain('identity.mismatch')
    expect(await kindOf(code, mac)).toBe('bytes')
    expect(await stateOf(mac)).toBe('bound')
  })

  it('gives a bound phone its profile again, and does not bring back one that was released', async () => {
    const account = await accountWith()
    const mac = await registered(account.id)
    expect(await kindOf(await keypadCode({ accountId: account.id, mac }), mac)).toBe('bytes')
    const again = await keypadCode({ accountId: account.id, mac })
    expect(await kindOf(again, mac)).toBe('bytes')
    await db.run({
      name: 'test-let-go',
      text: `update device set state = 'released', account_id = null where mac = $1`,
      values: [mac],
    })
    await db.notify('offhook_change', JSON.stringify({ kind: 'device', mac }))
    await heard(platform)
    expect(await kindOf(again, mac)).toBe('refusal')
  })
})

describe('what a guesser meets', () => {
  it('is shut out after so many wrong codes within an hour, even with the right one', async () => {
    const account = await accountWith()
    const code = await keypadCode({ accountId: account.id })
    const mac = freshMac()
    for (let count = 0; count < WRONG_TOKENS_MAX; count++) {
      // No digit of a code is a letter: these are wrong for sure.
      expect(await kindOf({ code: `1234567${count}x` }, mac)).toBe('refusal')
    }
    expect(await kindOf(code, mac)).toBe('refusal')
    expect(await kindOf(code, freshMac())).toBe('bytes')
  })

  it('is at most so many codes of an account that can still be used', async () => {
    const account = await accountWith({ lines: 2 })
    const codes = []
    for (let count = 0; count < KEYPAD_CODES_MAX; count++) codes.push(await keypadCode({ accountId: account.id }))
    const refused = await ask({ accountId: account.id })
    expect(refused).toMatchObject({ ok: false, error: { kind: 'too-many', of: 'account' } })
    assert(!refused.ok, 'it was refused')
    expect(refused.error.retryAfterSeconds).toBeGreaterThan(KEYPAD_CODE_S - 60)
    expect(refused.error.retryAfterSeconds).toBeLessThanOrEqual(KEYPAD_CODE_S)
    const mac = await registered(account.id)
    expect((await ask({ accountId: account.id, mac })).ok).toBe(false)
    // Others have room, and other kinds of codes do not count.
    await keypadCode({ accountId: (await accountWith()).id })
    await codeOf(account.id)
    // One is used, one is revoked: there is room for two.
    const [used, revoked] = codes
    assert(used !== undefined && revoked !== undefined, 'there are some')
    expect(await kindOf(used, freshMac())).toBe('bytes')
    await db.transaction((tx) => revokeCode(tx, WHO, account.id, revoked.id))
    await keypadCode({ accountId: account.id })
    await keypadCode({ accountId: account.id })
    expect((await ask({ accountId: account.id })).ok).toBe(false)
  })

  it('is one that asks for several sheets at the same moment: no more are made', async () => {
    const account = await accountWith()
    for (let count = 0; count < KEYPAD_CODES_MAX - 1; count++) await keypadCode({ accountId: account.id })
    const made = await Promise.all([1, 2, 3, 4].map(() => ask({ accountId: account.id })))
    for (const each of made) if (each.ok) plant(each.value.code)
    expect(made.filter(({ ok }) => ok)).toHaveLength(1)
  })

  it.each([10, 9, 8])(
    'meets a code for any phone with one in ten million at most, also where they have %i digits',
    async (digits) => {
      const [crowd, account] = [await accountWith(), await accountWith()]
      const weight = 10 ** (10 - digits)
      const earlier = 'update code set revoked_at = now() where keypad_digits < 10 and revoked_at is null'
      await db.run({ name: 'test-earlier-codes', text: earlier, values: [] })
      const others = await db.one<{ weight: number }>({
        name: 'test-open-codes',
        text: `select coalesce(sum(power(10, 10 - keypad_digits)), 0)::int as weight from code c
              where keypad_digits is not null and device_mac is null and expires_at > now() and revoked_at is null
                and ($1 = 10 or keypad_digits < 10) and not exists (select from code_use u where u.code_id = c.id)`,
        values: [digits],
      })
      const most = digits === 10 ? KEYPAD_OPEN_CODES_MAX : KEYPAD_SHORT_CODES_MAX
      const room = Math.floor((most - (others?.weight ?? 0)) / weight)
      expect(room).toBeGreaterThan(1)
      await db.run({
        name: 'test-many-codes',
        text: `insert into code (id, hash, account_id, expires_at, created_by, keypad_digits)
             select 'many-' || n, sha256(('many-' || n)::bytea), $1, now() + interval '5 minutes', 'test', $3
               from generate_series(1, $2::int) n`,
        values: [crowd.id, room - 1, digits],
      })
      try {
        await keypadCode({ accountId: account.id, digits })
        const refused = await ask({ accountId: account.id, digits })
        expect(refused).toMatchObject({ ok: false, error: { kind: 'too-many', of: 'platform' } })
        assert(!refused.ok, 'it was refused')
        expect(refused.error.retryAfterSeconds).toBeLessThanOrEqual(300)
        const mac = await registered(account.id)
        expect(await kindOf(await keypadCode({ accountId: account.id, mac, digits }), mac)).toBe('bytes')
        // Whoever asks for short ones keeps nobody from one that is not.
        if (digits < 10) await keypadCode({ accountId: account.id })
      } finally {
        await db.run({ name: 'test-no-more-codes', text: `delete from code where id like 'many-%'`, values: [] })
      }
    },
  )
})
