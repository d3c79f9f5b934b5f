import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { ProductName } from '../identity.ts'
import { applyProfile, catalogue, exportProfile, MODELS, type ParameterStore, readProfile, setByUser } from './mod.ts'

const P8851 = 'CP-8851-3PCC' as ProductName
const SECRET = 'kept-to-itself-4711'

function storeOf(inside: string, product = P8851): ParameterStore {
  const result = readProfile(`<flat-profile>${inside}</flat-profile>`)
  if (!result.ok) throw new Error(result.error.message)
  return applyProfile(new Map(), result.value, product).store
}

function imported(store: ParameterStore, product: ProductName, account?: 'admin' | 'user') {
  const result = readProfile(exportProfile(store, product, account))
  if (!result.ok) throw new Error(result.error.message)
  return applyProfile(store, result.value, product)
}

describe('exportProfile', () => {
  it('writes an element a line with its access, sections and choices as comments [MPP §1.8]', () => {
    const lines = exportProfile(storeOf('<Station_Name ua="rw">A &amp; B</Station_Name>'), P8851).split('\n')
    expect(lines[0]).toBe('<flat-profile>')
    expect(lines[1]).toBe('<!-- System Configuration -->')
    expect(lines).toContain('<Station_Name ua="rw">A &amp; B</Station_Name>')
    expect(lines).toContain('<Profile_Rule_B ua="na"/>')
    expect(lines).toContain('<!-- Ext 2 NAT Settings -->')
    expect(lines).toContain('<!-- Line Key 3 -->')
    const at = lines.indexOf('<Enable_Protocol ua="na">Http</Enable_Protocol>')
    expect(lines[at + 1]).toBe('<!-- available options: Http|Https -->')
  })

  it('names secrets in a comment only, and the write-only ones not at all [MPP §1.8]', () => {
    const secrets = ['Admin_Password', 'Password_1_', 'GPP_SA', 'IKM_HTTP_Encrypt_Content']
    const text = exportProfile(storeOf(secrets.map((name) => `<${name}>${SECRET}</${name}>`).join('')), P8851)
    expect(text).not.toContain(SECRET)
    expect(text).toContain('<!-- <Admin_Password ua="na"/> -->')
    expect(text).not.toMatch(/GPP_S[A-D]|IKM_HTTP/)
    const result = readProfile(text)
    expect(result.ok && result.value.elements.some((element) => catalogue.find(element.name)?.secret)).toBe(false)
  })

  it('gives the user account only what it may see [MPP §7.1]', () => {
    const text = exportProfile(storeOf('<Station_Name ua="ro">x</Station_Name>'), P8851, 'user')
    expect(text).toContain('<Station_Name ua="ro">x</Station_Name>')
    expect(text).not.toContain('ua="na"')
  })

  it('marks what the user changed [MPP §1.3]', () => {
    const start = storeOf('<Cfwd_All_Dest user-pref="y">1</Cfwd_All_Dest>')
    const edit = setByUser(start, 'Cfwd_All_Dest', '2', 'user', P8851)
    const store = edit.ok ? edit.value : start
    expect(exportProfile(store, P8851)).toContain('<Cfwd_All_Dest ua="rw" user-pref="y" um="y">2</Cfwd_All_Dest>')
    expect(imported(store, P8851).store).toEqual(store)
  })

  it('imports without a change, a problem or a warning on every model [MPP §1.5]', () => {
    for (const { productName } of MODELS) {
      const applied = imported(new Map(), productName)
      expect(applied).toMatchObject({ changed: [], accessChanged: [], problems: [] })
      expect(applied.store.size).toBe(0)
    }
  })

  it('imports into the same phone without a change of value or access, whatever it stores [MPP §1.5]', () => {
    const names = fc.constantFrom(
      'Profile_Rule',
      'Station_Name',
      'Proxy_1_',
      'SIP_Port_2_',
      'GPP_A',
      'LDAP_Auth_Method',
    )
    const value = fc.constantFrom('""', 'None', '5070', 'a &lt; b', '&apos;&amp;&#x2e;', '-')
    const access = fc.constantFrom('', ' ua="na"', ' ua="rw"', ' ua="ro"', ' ua="rw" user-pref="y"')
    fc.assert(
      fc.property(fc.array(fc.tuple(names, access, value), { maxLength: 8 }), (parts) => {
        const store = storeOf(parts.map(([name, ua, text]) => `<${name}${ua}>${text}</${name}>`).join(''))
        for (const account of ['admin', 'user'] as const) {
          const applied = imported(store, P8851, account)
          expect(applied).toMatchObject({ changed: [], accessChanged: [], problems: [] })
          expect(applied.store).toEqual(store)
        }
      }),
      { numRuns: 40 },
    )
  })
})
