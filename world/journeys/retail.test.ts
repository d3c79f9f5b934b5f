/** Journey 1: a phone from a shop, a customer who signed up. Source: guide: Retail Distribution. */
import { describe, expect, it } from 'vitest'
import { eventually, FACTORY_LOAD, NEW_LOAD, openBench } from './testing.ts'

const bench = await openBench()

describe('retail, with a one-time code', () => {
  it('takes the phone from the box to its line and from then on knows it by its certificate [guide: Retail Distribution]', async () => {
    const account = await bench.account()
    const phone = await bench.phone()
    expect(await phone.openLink(`${bench.server.publicUrl}/cisco-init/${await bench.code(account)}`)).toBe(200)
    await bench.registered(phone, account)
    expect(await bench.device(phone.mac)).toMatchObject({ state: 'bound', accountId: account.id })
    phone.later(120)
    await bench.upToDate(phone.mac)
    console.log(phone.said.map(e => e.text).join('\n'))
    console.log(await bench.timeline(phone.mac))
  })
})
