import { describe, expect, it } from 'vitest'

import type { ProductName } from '../identity.ts'
import { SECTIONS } from './catalogue-rows.ts'
import {
  appliesTo,
  catalogue,
  compareElements,
  CORRECTIONS,
  defaultValueOf,
  elementsOfPattern,
  findPattern,
  MODELS,
  modelInfo,
  PARAMETERS,
  validateValue,
} from './mod.ts'

const P8851 = 'CP-8851-3PCC' as ProductName
const P7811 = 'CP-7811-3PCC' as ProductName
const P7861 = 'CP-7861-3PCC' as ProductName
const P8832 = 'CP-8832-3PCC' as ProductName
const P9861 = 'DP-9861' as ProductName

function rowOf(element: string): string | undefined {
  return catalogue.find(element)?.name
}

describe('the catalogue', () => {
  it('holds the 895 elements, each once [MPP §13]', () => {
    expect(PARAMETERS).toHaveLength(895)
    expect(new Set(PARAMETERS.map((parameter) => parameter.name)).size).toBe(895)
  })

  it('has a default that its own type accepts, in every row [MPP §14]', () => {
    const problems = PARAMETERS.flatMap((parameter) => {
      const value = parameter.defaultValue === 'n' ? '1' : parameter.defaultValue
      return validateValue(parameter, value) ?? []
    })
    expect(problems).toEqual([])
  })

  it('has corrections only for rows that exist, and each changes its row', () => {
    const rows = new Map(SECTIONS.flatMap((section) => section.rows.map((row) => [row[0], row] as const)))
    for (const [name, correction] of Object.entries(CORRECTIONS)) {
      const [, type, defaultValue, choices, , models] = rows.get(name) ?? []
      const before = { type, defaultValue, choices, models }
      expect({ ...before, ...correction }, name).not.toEqual({ ...before, reason: correction.reason })
    }
  })

  it('names models and sources by known keys', () => {
    for (const parameter of PARAMETERS) {
      expect(parameter.models.map((range) => range.family).join(' ')).toMatch(
        /^(?:(?:[6-9][0-9](?:xx|3[12])|ATA19x) ?)+$/,
      )
      for (const source of parameter.sources) expect(source).toMatch(/Guide|template/)
    }
  })

  it.each([
    ['Proxy_1_', 'Proxy_n_'],
    ['Proxy_16_', 'Proxy_n_'],
    ['Proxy_17_', undefined],
    ['Proxy_0_', undefined],
    ['Proxy_01_', undefined],
    ['Proxy_n_', undefined],
    ['proxy_1_', undefined],
    ['Speed_Dial_2_Name', 'Speed_Dial_n_Name'],
    ['Speed_Dial_1_Name', undefined],
    ['Unit_1_Key_27_', 'Unit_u_Key_k_'],
    ['Unit_3_Key_40_', 'Unit_u_Key_k_'],
    ['Unit_4_Key_1_', undefined],
    ['Unit_2_Extension_7_', 'Unit_2_Extension_n_'],
    ['PSK_16', 'PSK_n'],
    ['PSK_17', undefined],
    ['G722.2_Dynamic_Payload', 'G722.2_Dynamic_Payload'],
    ['G722.2_Enable_4_', 'G722.2_Enable_n_'],
    ['Enable_802.1X_Authentication', 'Enable_802.1X_Authentication'],
    ['Resync_Trigger_1', 'Resync_Trigger_1'],
    ['Resync_At__HHmm_', 'Resync_At__HHmm_'],
    ['Session_Timer_m_', 'Session_Timer_m_'],
    ['CWMP_V1.2_Support', 'CWMP_V1.2_Support'],
    ['__proto__', undefined],
    ['', undefined],
  ])('finds %s as %s [MPP §1.2]', (element, name) => {
    expect(rowOf(element)).toBe(name)
  })

  it('finds a row by its own name, for settings that mean every line', () => {
    expect(findPattern('Proxy_n_')?.type).toBe('FQDN')
    expect(findPattern('Profile_Rule')?.defaultValue).toBe('/$PSN.xml')
    expect(findPattern('Proxy_1_')).toBeUndefined()
    expect(elementsOfPattern('Proxy_n_', modelInfo('CP-6841-3PCC' as ProductName)?.productName ?? P8851)).toEqual([
      'Proxy_1_',
      'Proxy_2_',
      'Proxy_3_',
      'Proxy_4_',
    ])
  })

  it.each([
    ['Proxy_10_', P8851, true],
    ['Proxy_11_', P8851, false],
    ['Proxy_16_', P7861, true],
    ['Proxy_1_', P7811, true],
    ['Proxy_2_', P7811, false],
    ['Extension_1_', P7811, false],
    ['Proxy_2_', P8832, false],
    ['Unit_2_Key_28_', P8851, true],
    ['Unit_2_Key_36_', P8851, true],
    ['Unit_2_Key_37_', P8851, false],
    ['Unit_3_Key_1_', P8851, false],
    ['Unit_1_Key_1_', 'CP-8811-3PCC' as ProductName, false],
    ['Unit_3_Key_40_', P9861, true],
    ['FIPS_Mode', P8851, false],
    ['FIPS_Mode', P9861, true],
    ['Enable_VLAN', P9861, false],
    ['Debug_Server', 'CP-8831-3PCC' as ProductName, true],
    ['Profile_Rule', 'CP-8831-3PCC' as ProductName, true],
    ['GPP_SA', P9861, true],
    ['Nonsense', P8851, false],
    ['Proxy_16_', 'CP-9999-3PCC' as ProductName, true],
    ['Nonsense', 'CP-9999-3PCC' as ProductName, false],
  ])('says if %s is there on %s: %s [MPP §13.1]', (element, product, expected) => {
    expect(appliesTo(element, product)).toBe(expected)
  })

  it('lists for each model exactly the elements that apply to it, each once, in order', () => {
    for (const { productName } of MODELS) {
      const listed = catalogue.allFor(productName).map((item) => item.element)
      expect(new Set(listed).size).toBe(listed.length)
      expect(listed.every((element) => appliesTo(element, productName))).toBe(true)
      expect(listed.toSorted(compareElements)).toEqual(listed)
    }
  })

  it('sorts line by line, index ascending as a number, unknown names last by name', () => {
    const names = ['zz', 'Proxy_10_', 'aa', 'Proxy_2_', 'Line_Enable_2_', 'Proxy_1_', 'Profile_Rule', 'Unit_2_Key_1_']
    expect([...names, 'Unit_1_Key_36_'].toSorted(compareElements)).toEqual([
      'Profile_Rule',
      'Proxy_1_',
      'Line_Enable_2_',
      'Proxy_2_',
      'Proxy_10_',
      'Unit_1_Key_36_',
      'Unit_2_Key_1_',
      'aa',
      'zz',
    ])
    expect(catalogue.order('Proxy_n_')).toBeLessThan(catalogue.order('Proxy_1_'))
  })

  it('gives every element a place of its own', () => {
    const everything = catalogue.allFor('CP-9999-3PCC' as ProductName).map((item) => catalogue.order(item.element))
    expect(new Set(everything).size).toBe(everything.length)
  })

  it.each([
    ['Extension_3_', '3'],
    ['SIP_Port_1_', '5060'],
    ['SIP_Port_4_', '5063'],
    ['Proxy_1_', ''],
    ['Short_Name_2_', '$USER'],
    ['Profile_Rule', '/$PSN.xml'],
  ])('has for %s the default %j [MPP §13.9]', (element, value) => {
    const parameter = catalogue.find(element)
    expect(parameter && defaultValueOf(element, parameter)).toBe(value)
  })

  it('marks what must not be shown, and what no page has [MPP §1.8]', () => {
    for (const element of [
      'Admin_Password',
      'Password_1_',
      'GPP_SA',
      'GPP_SD',
      'IKM_HTTP_Encrypt_Content',
      'pskKey_2_',
    ]) {
      expect(catalogue.find(element)?.secret, element).toBe(true)
    }
    for (const element of ['Mute_Tone', 'User_Password_Prompt', 'GPP_A', 'Preferred_Password_Input_Mode']) {
      expect(catalogue.find(element)?.secret, element).toBe(false)
    }
    expect(catalogue.find('GPP_SB')?.settableBy).toBe('profile-only')
    expect(catalogue.find('ACS_URL_In_Use')?.settableBy).toBe('nobody')
    expect(catalogue.find('GPP_A')?.settableBy).toBe('anyone')
  })
})

describe('the models', () => {
  it('have names that a phone can carry, each once [MPP §13.1]', () => {
    expect(new Set(MODELS.map((model) => model.productName)).size).toBe(MODELS.length)
    expect(modelInfo(P8851)).toMatchObject({
      family: '88xx',
      firmwareFamily: 'sip88xx',
      lines: 10,
      keyExpansionUnits: 2,
    })
    expect(modelInfo('CP-9999-3PCC' as ProductName)).toBeUndefined()
  })
})
