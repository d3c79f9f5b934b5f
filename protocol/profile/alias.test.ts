import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { type AliasMap, ALIASES_MAX, parseAliasMap, readProfile } from './mod.ts'

function aliases(text: string): AliasMap {
  const result = parseAliasMap(text)
  if (!result.ok) throw new Error(result.error.message)
  return result.value
}

function namesAndValues(text: string, map: string): readonly string[] {
  const result = readProfile(text, { aliases: aliases(map) })
  return result.ok ? result.value.elements.map((element) => `${element.name}=${element.value}`) : [result.error.code]
}

const CPE = '<CPE><SIP-Credentials><name>Bob</name><number>1001</number></SIP-Credentials><name>other</name></CPE>'

describe('parseAliasMap and readProfile', () => {
  it('read an element of any document as the parameter that the map names [MPP §1.7]', () => {
    const map = '/CPE/SIP-Credentials/name = /flat-profile/Display_Name_1_ ;\nnumber=/flat-profile/User_ID_1_'
    expect(namesAndValues(CPE, map)).toEqual(['Display_Name_1_=Bob', 'User_ID_1_=1001'])
  })

  it('need only as much nesting as the left side gives [MPP §1.7]', () => {
    expect(namesAndValues(CPE, 'SIP-Credentials/name = /flat-profile/A ;')).toEqual(['A=Bob'])
    expect(namesAndValues(CPE, '/name = /flat-profile/A ;')).toEqual(['A=Bob', 'A=other'])
    expect(namesAndValues(CPE, 'name=/flat-profile/A; CPE/name=/flat-profile/B;')).toEqual(['A=Bob', 'B=other'])
  })

  it('still read a flat profile, renaming what the map names', () => {
    const text = '<flat-profile><X>1</X><User_ID_1_>2</User_ID_1_></flat-profile>'
    expect(namesAndValues(text, 'X=/flat-profile/Proxy_1_;')).toEqual(['Proxy_1_=1', 'User_ID_1_=2'])
  })

  it('refuse a document in which nothing is a parameter', () => {
    expect(namesAndValues('<CPE><other/></CPE>', 'name=/flat-profile/A;')).toEqual(['no-flat-profile'])
  })

  it.each([
    ['a', 'bad-alias'],
    ['a = B', 'bad-alias'],
    ['a = /flat-profile/', 'bad-alias'],
    ['= /flat-profile/B', 'bad-alias'],
    ['a//b = /flat-profile/B', 'bad-alias'],
    ['a = b = /flat-profile/B', 'bad-alias'],
    ['a = /flat-profile/B C', 'bad-alias'],
    [`${'a/'.repeat(20)}a = /flat-profile/B`, 'bad-alias'],
    ['x'.repeat(5000), 'alias-too-long'],
    ['a=/flat-profile/B;'.repeat(ALIASES_MAX + 1), 'too-many-aliases'],
  ])('refuse the map %j as %s', (text, code) => {
    const result = parseAliasMap(text)
    expect(result.ok ? 'ok' : result.error.code).toBe(code)
  })

  it('take 30 entries [MPP §1.7]', () => {
    expect(parseAliasMap('a=/flat-profile/B;'.repeat(ALIASES_MAX)).ok).toBe(true)
  })

  it('never throw on any text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: fc.constantFrom('a', '/', '=', ';', ' ') }),
        (a, b) => {
          for (const text of [a, b]) expect(typeof parseAliasMap(text).ok).toBe('boolean')
        },
      ),
    )
  })
})
