import { describe, expect, it } from 'vitest'

import { type ProfileElement, writeProfile } from './mod.ts'

function lineOf(element: Partial<ProfileElement>): string | undefined {
  const whole: ProfileElement = { name: 'X', value: 'v', form: 'text', preserveValue: false, ...element }
  return writeProfile({ elements: [whole] }).split('\n')[1]
}

describe('writeProfile', () => {
  it.each([
    [{}, '<X>v</X>'],
    [{ value: '' }, '<X>""</X>'],
    [{ value: '', form: 'empty' }, '<X>""</X>'],
    [{ value: '', form: 'open-close' }, '<X></X>'],
    [{ value: '', form: 'self-closing', ua: 'rw' }, '<X ua="rw"/>'],
    [{ value: 'a\nb', form: 'text' }, '<X>a&#10;b</X>'],
    [{ value: '</X><Y>' }, '<X>&lt;/X&gt;&lt;Y&gt;</X>'],
    [{ ua: 'na', preserveValue: true, userPref: true }, '<X ua="na" preserve-value="y" user-pref="y">v</X>'],
    [{ userPref: false }, '<X user-pref="n">v</X>'],
  ] as const)('writes %j as %s [MPP §1.3, §1.5]', (element, line) => {
    expect(lineOf(element)).toBe(line)
  })

  it('writes one element a line, between the tags of the profile [MPP §1.1]', () => {
    expect(writeProfile({ elements: [] })).toBe('<flat-profile>\n</flat-profile>\n')
  })

  it('refuses a name that would be markup', () => {
    expect(() => lineOf({ name: 'X><Y' })).toThrow('an XML name cannot be')
  })
})
