import { describe, expect, it } from 'vitest'

import type { ProductName } from '../identity.ts'
import { type ParameterStore, setByUser, storedParameter } from './mod.ts'

const P8851 = 'CP-8851-3PCC' as ProductName
const FACTORY: ParameterStore = new Map()

function outcome(element: string, value: string, account: 'admin' | 'user', store = FACTORY): string {
  const result = setByUser(store, element, value, account, P8851)
  return result.ok ? 'ok' : result.error.code
}

describe('storedParameter', () => {
  it('fills in what the factory set, and is empty and closed for what does not exist', () => {
    expect(storedParameter(FACTORY, 'SIP_Port_3_')).toMatchObject({ value: '5062', ua: 'na' })
    expect(storedParameter(FACTORY, 'Cfwd_All_Dest')).toMatchObject({ value: '', ua: 'rw' })
    expect(storedParameter(FACTORY, 'Nope')).toEqual({ value: '', ua: 'na', userPref: false, userModified: false })
  })
})

describe('setByUser', () => {
  it.each([
    ['Cfwd_All_Dest', '1001', 'user', 'ok'],
    ['Station_Name', 'x', 'user', 'no-access'],
    ['Station_Name', 'x', 'admin', 'ok'],
    ['Web_Server_Port', 'x', 'admin', 'invalid-value'],
    ['Proxy_11_', 'x', 'admin', 'unknown-element'],
    ['Nope', 'x', 'admin', 'unknown-element'],
    ['GPP_SA', 'x', 'admin', 'not-settable'],
    ['ACS_URL_In_Use', 'x', 'admin', 'not-settable'],
    ['Enable_CDP', '', 'admin', 'invalid-value'],
  ] as const)('answers to %s = %j by the %s: %s [MPP §1.3, §7.1]', (element, value, account, expected) => {
    expect(outcome(element, value, account)).toBe(expected)
  })

  it('lets the user see but not change what is ro [MPP §1.3]', () => {
    const store: ParameterStore = new Map([
      ['Station_Name', { value: 'a', ua: 'ro', userPref: false, userModified: false }],
    ])
    expect(outcome('Station_Name', 'b', 'user', store)).toBe('no-access')
  })

  it('marks what the user changes, and not what the admin changes or the user only repeats [MPP §1.3]', () => {
    const user = setByUser(FACTORY, 'Cfwd_All_Dest', '1001', 'user', P8851)
    expect(user.ok && storedParameter(user.value, 'Cfwd_All_Dest')).toMatchObject({ value: '1001', userModified: true })
    const admin = setByUser(FACTORY, 'Cfwd_All_Dest', '1001', 'admin', P8851)
    expect(admin.ok && storedParameter(admin.value, 'Cfwd_All_Dest')).toMatchObject({ userModified: false })
    const same = setByUser(FACTORY, 'Cfwd_Setting', 'yes', 'user', P8851)
    expect(same).toEqual({ ok: true, value: FACTORY })
  })

  it('forgets an entry that is again as from the factory', () => {
    const there = setByUser(FACTORY, 'Station_Name', 'x', 'admin', P8851)
    const back = setByUser(there.ok ? there.value : FACTORY, 'Station_Name', '', 'admin', P8851)
    expect(there.ok && there.value.size).toBe(1)
    expect(back.ok && back.value.size).toBe(0)
  })
})
