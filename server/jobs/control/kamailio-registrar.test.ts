import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readLookup } from './kamailio-registrar.ts'

const NOW = 1_700_000_000_000
const contact = (more: Readonly<Record<string, unknown>> = {}) => ({
  Contact: { Address: 'sip:1001@10.0.0.7:5060', Expires: 60, 'User-Agent': 'Cisco-CP-8851-3PCC/12.0.2', ...more },
})
const answer = (...contacts: unknown[]) => ({ jsonrpc: '2.0', result: { AoR: '1001', Contacts: contacts }, id: 1 })

describe('an answer to ul.lookup', () => {
  it('names the contact, its user agent and how long it lasts', () => {
    expect(readLookup(answer(contact()), 'l', NOW)).toEqual({
      ok: true,
      value: {
        lineId: 'l',
        registered: true,
        contact: 'sip:1001@10.0.0.7:5060',
        userAgent: 'Cisco-CP-8851-3PCC/12.0.2',
        expiresAt: NOW + 60_000,
      },
    })
  })

  it('with several contacts tells the one that lasts longest', () => {
    const read = readLookup(answer(contact(), contact({ Address: 'sip:new', Expires: 3600 })), 'l', NOW)
    expect(read).toMatchObject({ value: { contact: 'sip:new', expiresAt: NOW + 3_600_000 } })
  })

  it.each([
    ['an unknown address of record', { error: { code: 500, message: 'AOR not found in location table' } }, false],
    ['the same in other words', { error: { code: 404, message: 'AOR not found' } }, false],
    ['no contact', answer(), false],
    ['a contact that is over', answer(contact({ Expires: 'expired' }), contact({ Expires: -3 })), false],
    ['a contact for ever', answer(contact({ Expires: 'permanent' })), true],
  ])('of %s says whether somebody is registered', (_, json, registered) => {
    expect(readLookup(json, 'l', NOW)).toMatchObject({ ok: true, value: { registered } })
  })

  it.each([
    ['a refusal', { error: { code: 400, message: 'Domain missing' } }],
    ['nothing', {}],
    ['no list', { result: { Contacts: 7 } }],
    ['null', null],
  ])('of %s is trouble, and nobody counts as unregistered', (_, json) => {
    expect(readLookup(json, 'l', NOW).ok).toBe(false)
  })

  it('of any JSON never throws and gives bounded one-line texts', () => {
    const value = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary', maxLength: 600 }))
    fc.assert(
      fc.property(value, value, value, (address, expires, agent) => {
        const json = answer(contact({ Address: address, Expires: expires, 'User-Agent': agent }), address)
        const read = readLookup(json, 'l', NOW)
        const texts = read.ok ? [read.value.contact ?? '', read.value.userAgent ?? ''] : [read.error]
        return texts.every((text) => text.length <= 300 && !/[\u0000-\u001f]/.test(text))
      }),
    )
    fc.assert(fc.property(fc.jsonValue(), (json) => typeof readLookup(json, 'l', NOW).ok === 'boolean'))
  })
})
