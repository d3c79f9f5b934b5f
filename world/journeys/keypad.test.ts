/** A phone that somebody provisions by its keys. Source: guide: Manually Provision a Phone from the Keypad; MPP §7.5. */
import { describe, expect, it } from 'vitest'
import { plant } from '../../server/testing.ts'
import { announceCode } from '../../server/store/mod.ts'
import { type BenchPhone, LOOK_BACK_S, openBench } from './testing.ts'

interface Sheet {
  readonly id: string
  readonly code: string
  readonly rule: string
}

const bench = await openBench()

async function sheetFor(path: string): Promise<Sheet> {
  const sheet = await bench.api<Sheet>('POST', `${path}/keypad-sheets`, {})
  plant(sheet.code)
  return sheet
}

/** A factory phone that found nothing: no redirect, no server by DHCP. */
async function lonelyPhone(): Promise<BenchPhone> {
  const phone = await bench.phone({ rcUrl: 'https://localhost:1/' })
  await phone.says('resync-failed')
  return phone
}

/** What the steps of the sheet say: Settings, Device administration, Profile Rule, then Resync. */
function typeAt(phone: BenchPhone, rule: string): number {
  const from = phone.said.length
  phone.phone.send({ kind: 'keypad', entry: { kind: 'enter-profile-rule', rule } })
  phone.phone.send({ kind: 'keypad', entry: { kind: 'resync' } })
  return from
}

/** @param scheme by which it asks */
async function isRefused(phone: BenchPhone, rule: string, scheme = 'https'): Promise<void> {
  const from = typeAt(phone, rule)
  await phone.says('resync-failed', from)
  expect(phone.asked(from)[0]).toMatch(new RegExp(`^GET ${scheme}://localhost[:/].*`))
  expect(phone.names(from)).not.toContain('profile-applied')
  expect(phone.names()).not.toContain('registered')
}

describe('a phone whose profile rule is typed at its keys [guide: Manually Provision a Phone from the Keypad]', () => {
  it('is bound by an account’s sheet and registers; the same code does not serve a second phone', async () => {
    const account = await bench.account()
    const { rule } = await sheetFor(`accounts/${account.id}`)
    const phone = await lonelyPhone()
    const from = typeAt(phone, rule)
    await bench.registered(phone, account)
    expect(phone.asked(from)[0]?.startsWith(`GET ${bench.server.publicUrl}/cisco-init/`)).toBe(true)
    expect(await bench.device(phone.mac)).toMatchObject({ state: 'bound', accountId: account.id })

    const second = await lonelyPhone()
    await isRefused(second, rule)
    await expect(bench.device(second.mac)).rejects.toThrow('404')

    // What was typed is gone: the profile has its own rule, without the code.
    const before = phone.said.length
    phone.later(LOOK_BACK_S)
    await bench.upToDate(phone.mac)
    expect(phone.asked(before)[0]).toContain(`${bench.server.publicUrl}/cisco-init?v=`)
  })

  it('may ask again by the same code: its first answer may have been lost', async () => {
    const account = await bench.account()
    const { rule } = await sheetFor(`accounts/${account.id}`)
    const phone = await lonelyPhone()
    typeAt(phone, rule)
    await bench.registered(phone, account)
    const from = typeAt(phone, rule)
    await phone.says('resync-finished', from)
    expect((await bench.events(phone.mac)).filter(({ name }) => name === 'device.bound')).toHaveLength(1)
  })

  it('is bound by the sheet of its own device; another phone is refused by it', async () => {
    const account = await bench.account()
    const phone = await lonelyPhone()
    await bench.register(phone, account)
    const { rule } = await sheetFor(`devices/${phone.mac}`)
    const stranger = await lonelyPhone()
    await isRefused(stranger, rule)
    expect(await bench.story(phone.mac)).toContain('identity.mismatch')

    typeAt(phone, rule)
    await bench.registered(phone, account)
    expect(await bench.device(phone.mac)).toMatchObject({ state: 'bound', accountId: account.id })
  })

  it('is refused when the quarter of an hour is over', async () => {
    const account = await bench.account()
    const { id, rule } = await sheetFor(`accounts/${account.id}`)
    // The database says when a code ends, by its own clock: this is what it looks like a quarter of an hour later.
    await bench.server.platform.change(async (sql) => {
      const values = [id]
      const text = `update code set expires_at = expires_at - interval '15 minutes' where id = $1`
      await sql.run({ name: 'test-quarter-of-an-hour', text, values })
      await announceCode(sql, id)
    })
    const phone = await lonelyPhone()
    await isRefused(phone, rule)
    await expect(bench.device(phone.mac)).rejects.toThrow('404')
  })

  it('gets nothing when https:// was left out: the phone then asks by TFTP [guide: TFTP is assumed]', async () => {
    const account = await bench.account()
    const { rule } = await sheetFor(`accounts/${account.id}`)
    const phone = await lonelyPhone()
    await isRefused(phone, rule.replace(/^https:\/\/localhost:\d+/, 'localhost'), 'tftp')
    await isRefused(phone, rule.replace(/^https:\/\/localhost:\d+/, 'http://localhost'), 'http')
    typeAt(phone, rule)
    await bench.registered(phone, account)
  })
})
