import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { PROFILE_BYTES_MAX, type ProfileElement, readProfile, WARNINGS_MAX, writeProfile } from './mod.ts'

function elementsOf(inside: string): readonly ProfileElement[] {
  const result = readProfile(`<flat-profile>${inside}</flat-profile>`)
  if (!result.ok) throw new Error(result.error.message)
  return result.value.elements
}

function codeOf(text: string | Uint8Array): string {
  const result = readProfile(text)
  return result.ok ? 'ok' : result.error.code
}

describe('readProfile', () => {
  it.each([
    ['<X>a b</X>', 'a b', 'text'],
    ['<X> a\n b \n</X>', 'a  b', 'text'],
    ['<X>a\r\nb&#10;c</X>', 'a b c', 'text'],
    ['<X>&lt;&#40;&#x2e;&quot;</X>', '<(."', 'text'],
    ['<X>a<!-- no -->b</X>', 'ab', 'text'],
    ['<X># off</X>', '# off', 'text'],
    ['<X/>', '', 'self-closing'],
    ['<X />', '', 'self-closing'],
    ['<X></X>', '', 'open-close'],
    ['<X> \n </X>', '', 'open-close'],
    ['<X>""</X>', '', 'empty'],
    ['<X>&quot;"</X>', '', 'empty'],
  ])('reads %j as %j, %s [MPP §1.4, §1.5]', (inside, value, form) => {
    expect(elementsOf(inside)).toEqual([{ name: 'X', value, form, preserveValue: false }])
  })

  it.each([
    ['ua="na"', { ua: 'na', preserveValue: false }],
    ['ua="RW"', { ua: 'rw', preserveValue: false }],
    ['ua="rw,y"', { ua: 'rw', preserveValue: true }],
    ['ua="y"', { preserveValue: true }],
    ['ua="ro" preserve-value="y"', { ua: 'ro', preserveValue: true }],
    ['preserve-value="n"', { preserveValue: false }],
    ['user-pref="y"', { preserveValue: false, userPref: true }],
    ['user-pref="n"', { preserveValue: false, userPref: false }],
    ['um="y" group="Phone/General" else="1"', { preserveValue: false }],
    ['ua="xx" user-pref="maybe"', { preserveValue: false }],
  ])('reads the attributes %s [MPP §1.3]', (attributes, expected) => {
    expect(elementsOf(`<X ${attributes}>v</X>`)).toEqual([{ name: 'X', value: 'v', form: 'text', ...expected }])
  })

  it('keeps document order and repeats', () => {
    expect(elementsOf('<B>1</B><A>2</A><B>3</B>').map((element) => element.name + element.value)).toEqual([
      'B1',
      'A2',
      'B3',
    ])
  })

  it('accepts the profile inside <device>, with any header, and a byte order mark [MPP §1.1]', () => {
    const text = '\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<device><flat-profile><X>1</X></flat-profile></device>'
    for (const input of [text, new TextEncoder().encode(text)]) {
      const result = readProfile(input)
      expect(result.ok && result.value.elements.map((element) => element.value)).toEqual(['1'])
    }
  })

  it.each([
    ['<profile><X>1</X></profile>', 'no-flat-profile'],
    ['<a><flat-profile/></a>', 'no-flat-profile'],
    ['<Flat-Profile/>', 'no-flat-profile'],
    ['<flat-profile><X>1</flat-profile>', 'malformed'],
    ['<flat-profile>', 'malformed'],
    ['', 'malformed'],
    ['<!DOCTYPE x><flat-profile/>', 'doctype'],
    [`<flat-profile>${'<a>'.repeat(50)}${'</a>'.repeat(50)}</flat-profile>`, 'too-deep'],
    [`<flat-profile>${'<a/>'.repeat(60_000)}</flat-profile>`, 'too-many'],
    [' '.repeat(PROFILE_BYTES_MAX + 1), 'too-large'],
    [new Uint8Array([0xff, 0xfe, 0x3c, 0x00]), 'not-utf8'],
    [new Uint8Array([0x3c, 0x61, 0x3e, 0xe9, 0x3c, 0x2f, 0x61, 0x3e]), 'not-utf8'],
  ])('refuses the whole profile, case %#, as %s [MPP §1.1, §1.6]', (input, code) => {
    expect(codeOf(input)).toBe(code)
  })

  it('tells element names apart by case, and keeps letters beyond ASCII [MPP §1.1]', () => {
    const names = elementsOf('<Station_Name>Büro 3 – 会議室</Station_Name><station_name>x</station_name>')
    expect(names.map(({ name, value }) => `${name}=${value}`)).toEqual([
      'Station_Name=Büro 3 – 会議室',
      'station_name=x',
    ])
    const fromBytes = readProfile(new TextEncoder().encode('<flat-profile><X>é</X></flat-profile>'))
    expect(fromBytes.ok && fromBytes.value.elements[0]?.value).toBe('é')
  })

  it('accepts a profile without parameters', () => {
    expect(codeOf('<flat-profile/>')).toBe('ok')
  })

  it('warns of what is odd, up to a limit', () => {
    const result = readProfile('<flat-profile><X ua="q" user-pref="q">é<b>1</b></X></flat-profile>')
    const codes = result.ok ? result.value.warnings.map((warning) => warning.code) : []
    expect(codes).toEqual(['nested', 'bad-ua', 'bad-user-pref', 'non-ascii'])
    const many = readProfile(`<flat-profile>${'<X ua="q"/>'.repeat(500)}</flat-profile>`)
    expect(many.ok && many.value.warnings.length).toBe(WARNINGS_MAX)
  })
})

describe('readProfile and writeProfile', () => {
  const text = fc.string({ unit: 'grapheme' }).map((value) => {
    const legal = value.replace(/[\u0000-\u001f\u007f\ufffe\uffff]/g, '')
    return legal.trim()
  })
  const element: fc.Arbitrary<ProfileElement> = fc
    .record({
      name: fc.constantFrom('Proxy_1_', 'G722.2_Enable_1_', 'Phone-UI-User-Mode', 'x'),
      value: text.filter((value) => value !== '""'),
      emptyForm: fc.constantFrom('self-closing' as const, 'empty' as const, 'open-close' as const),
      ua: fc.constantFrom('na' as const, 'ro' as const, 'rw' as const, undefined),
      preserveValue: fc.boolean(),
      userPref: fc.constantFrom(true, false, undefined),
    })
    .map(({ name, value, emptyForm, ua, preserveValue, userPref }) => ({
      name,
      value,
      form: value === '' ? emptyForm : ('text' as const),
      preserveValue,
      ...(ua === undefined ? {} : { ua }),
      ...(userPref === undefined ? {} : { userPref }),
    }))

  it('give back every profile', () => {
    fc.assert(
      fc.property(fc.array(element), (elements) => {
        const result = readProfile(writeProfile({ elements }))
        expect(result.ok && result.value.elements).toEqual(elements)
      }),
    )
  })

  it('never throw on random, truncated or changed bytes', () => {
    const sample = new TextEncoder().encode(
      '<?xml version="1.0"?><flat-profile><Proxy_1_ ua="rw" user-pref="y">a&amp;b</Proxy_1_><X/></flat-profile>',
    )
    fc.assert(
      fc.property(fc.nat(sample.length), fc.nat(sample.length), fc.uint8Array(), (at, end, noise) => {
        const changed = new Uint8Array([...sample.slice(0, at), ...noise, ...sample.slice(end)])
        for (const input of [noise, sample.slice(0, at), changed]) {
          expect(typeof readProfile(input).ok).toBe('boolean')
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('read 200 kB quickly', () => {
    const line =
      '<Dial_Plan_1_ ua="na">(*xx|[3469]11|0|00|[2-9]xxxxxx|1xxx[2-9]xxxxxxS0|xxxxxxxxxxxx.)</Dial_Plan_1_>\n'
    const bytes = new TextEncoder().encode(`<flat-profile>${line.repeat(2000)}</flat-profile>`)
    const times = [1, 2, 3, 4, 5].map(() => {
      const started = performance.now()
      expect(readProfile(bytes).ok).toBe(true)
      return performance.now() - started
    })
    // About 20 ms on a quiet machine; the bound leaves room for a busy one and still catches anything quadratic.
    expect(Math.min(...times)).toBeLessThan(300)
  })
})
