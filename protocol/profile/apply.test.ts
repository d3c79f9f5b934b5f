import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { ProductName } from '../identity.ts'
import {
  type ApplyPolicies,
  type AppliedProfile,
  applyProfile,
  DEFAULT_APPLY_POLICIES,
  type ParameterStore,
  readProfile,
  setByUser,
  storedParameter,
} from './mod.ts'

const P8851 = 'CP-8851-3PCC' as ProductName
const FACTORY: ParameterStore = new Map()

function apply(store: ParameterStore, inside: string, policies?: ApplyPolicies): AppliedProfile {
  const result = readProfile(`<flat-profile>${inside}</flat-profile>`)
  if (!result.ok) throw new Error(result.error.message)
  return applyProfile(store, result.value, P8851, policies)
}

function edited(store: ParameterStore, element: string, value: string, account: 'admin' | 'user'): ParameterStore {
  const result = setByUser(store, element, value, account, P8851)
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

describe('applyProfile', () => {
  it('sets values and access, and leaves what the profile does not name [MPP §1.3, §1.6]', () => {
    const before = apply(FACTORY, '<Proxy_1_>sip.example.com</Proxy_1_><Station_Name ua="rw">Desk</Station_Name>').store
    const after = apply(before, '<Station_Name>Lobby</Station_Name>')
    expect(storedParameter(after.store, 'Proxy_1_').value).toBe('sip.example.com')
    expect(storedParameter(after.store, 'Station_Name')).toEqual({
      value: 'Lobby',
      ua: 'rw',
      userPref: false,
      userModified: false,
    })
    expect(after.changed).toEqual(['Station_Name'])
    expect(after.accessChanged).toEqual([])
  })

  it('lets the last of several win [MPP §1.6]', () => {
    const { store, changed } = apply(FACTORY, '<Station_Name>a</Station_Name><Station_Name>b</Station_Name>')
    expect(storedParameter(store, 'Station_Name').value).toBe('b')
    expect(changed).toEqual(['Station_Name'])
    expect(apply(store, '<Station_Name>x</Station_Name><Station_Name>b</Station_Name>').changed).toEqual([])
  })

  it('ignores what the model does not have, without a problem [MPP §1.6]', () => {
    const inside =
      '<Proxy_11_>a</Proxy_11_><FIPS_Mode>Enabled</FIPS_Mode><Nope>1</Nope><ACS_URL_In_Use>x</ACS_URL_In_Use>'
    const applied = apply(FACTORY, inside)
    expect(applied).toMatchObject({ changed: [], problems: [] })
    expect(applied.ignored).toEqual(['Proxy_11_', 'FIPS_Mode', 'Nope', 'ACS_URL_In_Use'])
    expect(applied.store.size).toBe(0)
  })

  it('skips an invalid value, keeps the old one and says so [MPP §1.6]', () => {
    const applied = apply(FACTORY, '<Web_Server_Port>99999</Web_Server_Port><Enable_CDP>maybe</Enable_CDP>')
    expect(applied.changed).toEqual([])
    expect(applied.problems.map((problem) => problem.code)).toEqual(['invalid-value', 'invalid-value'])
    expect(storedParameter(applied.store, 'Web_Server_Port').value).toBe('80')
  })

  it('sets secret registers, which no page can [MPP §1.8]', () => {
    expect(apply(FACTORY, '<GPP_SA>k</GPP_SA>').changed).toEqual(['GPP_SA'])
  })

  it('stores nothing for a value that is the default', () => {
    const { store } = apply(FACTORY, '<Enable_CDP>yes</Enable_CDP><SIP_Port_2_>5061</SIP_Port_2_>')
    expect(store.size).toBe(0)
  })

  // Element, its value before, then the value after each policy.
  it.each([
    ['<Profile_Rule/>', '/$PSN.xml', 'none', '', '/$PSN.xml'],
    ['<Profile_Rule></Profile_Rule>', '/$PSN.xml', 'none', '', '/$PSN.xml'],
    ['<Profile_Rule ua="na"/>', '/$PSN.xml', 'none', '', '/$PSN.xml'],
    ['<Profile_Rule ua="rw"/>', 'none', 'none', '', '/$PSN.xml'],
    ['<Profile_Rule ua="rw"></Profile_Rule>', '/$PSN.xml', 'none', '', '/$PSN.xml'],
    ['<Profile_Rule preserve-value="y"/>', 'none', 'none', 'none', 'none'],
    ['<Profile_Rule ua="rw,y">new</Profile_Rule>', 'none', 'none', 'none', 'none'],
    ['<Profile_Rule>""</Profile_Rule>', '', '', '', ''],
  ])(
    'treats %s by policy: guide-mixed %j, leave %j, set-empty %j, set-default %j [MPP §1.5]',
    (inside, mixed, leave, empty, def) => {
      const before = apply(FACTORY, '<Profile_Rule>none</Profile_Rule>').store
      const outcome = (emptyElement: ApplyPolicies['emptyElement']): string =>
        storedParameter(apply(before, inside, { emptyElement }).store, 'Profile_Rule').value
      expect([outcome('guide-mixed'), outcome('leave'), outcome('set-empty'), outcome('set-default')]).toEqual([
        mixed,
        leave,
        empty,
        def,
      ])
      expect(DEFAULT_APPLY_POLICIES.emptyElement).toBe('guide-mixed')
    },
  )

  it('sets an empty parameter with an empty default to empty [MPP §1.5]', () => {
    const before = apply(FACTORY, '<Profile_Rule_B>x</Profile_Rule_B>').store
    expect(storedParameter(apply(before, '<Profile_Rule_B />').store, 'Profile_Rule_B').value).toBe('')
  })

  it('keeps the change of the user where user-pref is y, and only there [MPP §1.3]', () => {
    const wished = (value: string, pref: string) => `<Time_Zone ua="rw"${pref}>${value}</Time_Zone>`
    const first = apply(FACTORY, wished('GMT', ' user-pref="y"').replace('GMT', 'GMT-05:00')).store
    const changed = edited(first, 'Time_Zone', 'GMT-06:00', 'user')
    const kept = apply(changed, wished('GMT-07:00', ' user-pref="y"')).store
    expect(storedParameter(kept, 'Time_Zone')).toEqual({
      value: 'GMT-06:00',
      ua: 'rw',
      userPref: true,
      userModified: true,
    })
    for (const pref of ['', ' user-pref="n"']) {
      expect(storedParameter(apply(changed, wished('GMT-07:00', pref)).store, 'Time_Zone')).toEqual({
        value: 'GMT-07:00',
        ua: 'rw',
        userPref: false,
        userModified: false,
      })
    }
  })

  it('keeps mark and user-pref where the profile gives no value and does not speak of them [MPP §1.3]', () => {
    const first = apply(FACTORY, '<Cfwd_All_Dest user-pref="y">1</Cfwd_All_Dest>').store
    const changed = edited(first, 'Cfwd_All_Dest', '2', 'user')
    const marks = (inside: string) => {
      const { userPref, userModified } = storedParameter(apply(changed, inside).store, 'Cfwd_All_Dest')
      return [userPref, userModified]
    }
    expect(marks('<Cfwd_All_Dest preserve-value="y"/>')).toEqual([true, true])
    expect(marks('<Cfwd_All_Dest ua="rw"/>')).toEqual([true, true])
    expect(marks('<Cfwd_All_Dest preserve-value="y" user-pref="n"/>')).toEqual([false, false])
  })

  it('applies with user-pref y where the user has changed nothing [MPP §1.3]', () => {
    const { store } = apply(FACTORY, '<Station_Name user-pref="y">a</Station_Name>')
    expect(storedParameter(store, 'Station_Name')).toMatchObject({ value: 'a', userPref: true })
  })

  it('says apart whose access changed', () => {
    const applied = apply(FACTORY, '<Station_Name ua="ro" preserve-value="y"/>')
    expect(applied).toMatchObject({ changed: [], accessChanged: ['Station_Name'] })
  })

  it('takes time in proportion to the profile', () => {
    const timeOf = (count: number): number => {
      const lines = Array.from({ length: count }, (_, at) => `<GPP_A>${at}</GPP_A>`).join('')
      const result = readProfile(`<flat-profile>${lines}</flat-profile>`)
      if (!result.ok) throw new Error(result.error.message)
      const started = performance.now()
      applyProfile(FACTORY, result.value, P8851)
      return performance.now() - started
    }
    timeOf(1000)
    expect(timeOf(40_000)).toBeLessThan(2000)
  })
})

describe('properties of applyProfile', () => {
  const names = fc.constantFrom(
    'Station_Name',
    'Enable_CDP',
    'Proxy_1_',
    'Profile_Rule',
    'Cfwd_All_Dest',
    'Locale',
    'Nope',
  )
  const values = fc.constantFrom('', '""', 'Yes', 'No', 'a', 'sip.example.com', 'en-GB', 'not valid!', '12')
  const attributes = fc.constantFrom(
    '',
    ' ua="na"',
    ' ua="rw"',
    ' user-pref="y"',
    ' user-pref="n"',
    ' preserve-value="y"',
  )
  const element = fc.tuple(names, attributes, values, fc.boolean())
  const profile = fc
    .array(element, { maxLength: 12 })
    .map((parts) =>
      parts.map(([n, a, v, isShort]) => (v === '' && isShort ? `<${n}${a}/>` : `<${n}${a}>${v}</${n}>`)).join(''),
    )
  const policies = fc
    .constantFrom('guide-mixed', 'set-empty', 'set-default', 'leave')
    .map((emptyElement) => ({ emptyElement }) as ApplyPolicies)

  it('a second time changes nothing [MPP §1.6]', () => {
    fc.assert(
      fc.property(profile, profile, policies, (before, inside, policy) => {
        const once = apply(apply(FACTORY, before, policy).store, inside, policy)
        const twice = apply(once.store, inside, policy)
        expect(twice.store).toEqual(once.store)
      }),
    )
  })

  it('what it says has changed is exactly what has', () => {
    fc.assert(
      fc.property(profile, profile, policies, (before, inside, policy) => {
        const start = apply(FACTORY, before, policy).store
        const applied = apply(start, inside, policy)
        const all = new Set([...start.keys(), ...applied.store.keys()])
        const differs = [...all].filter(
          (name) => storedParameter(start, name).value !== storedParameter(applied.store, name).value,
        )
        expect([...applied.changed].toSorted()).toEqual(differs.toSorted())
      }),
    )
  })
})
