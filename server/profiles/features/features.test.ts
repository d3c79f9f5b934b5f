import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { appliesTo, catalogue, MODELS, validateValue } from '../../../protocol/profile/mod.ts'
import { deviceFacts, lineOf, PN, productName } from '../../testing-facts.ts'
import { anyPhone, conflicts, expandFeatures, featureProblems } from './expand.ts'
import { readFeature } from './kinds.ts'
import { anyBody, anyFeatures, featureOf } from './testing-features.ts'
import { KNOWN_PLACES, timeZoneOf } from './time-zones.ts'
import { TONES } from './tones.ts'
import type { FeatureTarget } from './types.ts'

const PHONE = deviceFacts({}, { lines: [lineOf(1), lineOf(2)] })

function expanded(body: Readonly<Record<string, unknown>>, target: FeatureTarget = PHONE): Record<string, string> {
  const { parameters } = expandFeatures([featureOf(body)], target)
  return Object.fromEntries([...parameters].map(([element, { value }]) => [element, value]))
}

function codesFor(body: Readonly<Record<string, unknown>>, model: string): readonly string[] {
  return featureProblems([featureOf(body)], productName(model)).map(({ code, element }) => `${code} ${element}`)
}

const KEY_3 = { kind: 'key', key: 3 }

describe('what a feature says to a phone', () => {
  const ROWS: readonly (readonly [string, Readonly<Record<string, unknown>>, Readonly<Record<string, string>>])[] = [
    [
      'a speed dial on a key takes the key from its extension [MPP §13.9]',
      { kind: 'speed-dial', place: KEY_3, name: 'Front desk', number: '9000', line: 1 },
      {
        Extension_3_: 'Disabled',
        Short_Name_3_: 'Front desk',
        Share_Call_Appearance_3_: 'private',
        Extended_Function_3_: 'fnc=sd;ext=9000@$PROXY;vid=1;nme=Front desk',
      },
    ],
    [
      'a speed dial of the list is a name and a number [MPP §13.6]',
      { kind: 'speed-dial', place: { kind: 'list', entry: 3 }, name: 'Taxi', number: '12345' },
      { Speed_Dial_3_Name: 'Taxi', Speed_Dial_3_Number: '12345' },
    ],
    [
      'a lamp on a module watches, calls and picks up, and the module is counted [MPP §13.9]',
      { kind: 'blf', place: { kind: 'unit-key', unit: 2, key: 7 }, name: 'Bob', user: '101' },
      { Unit_2_Key_7_: 'fnc=blf+sd+cp;sub=101@$PROXY;ext=101@$PROXY;nme=Bob', Number_of_Units: '2' },
    ],
    [
      'a lamp that only watches, at another host',
      { kind: 'blf', place: KEY_3, name: 'Bob', user: '101', host: 'pbx.example.com', call: false, pickUp: false },
      {
        Extension_3_: 'Disabled',
        Short_Name_3_: 'Bob',
        Share_Call_Appearance_3_: 'private',
        Extended_Function_3_: 'fnc=blf;sub=101@pbx.example.com;ext=101@pbx.example.com;nme=Bob',
      },
    ],
    [
      'one more key of extension 1 [MPP §13.5]',
      { kind: 'line-key', key: 3, line: 1, name: 'Me too', shared: true },
      {
        Extension_3_: '1',
        Short_Name_3_: 'Me too',
        Share_Call_Appearance_3_: 'shared',
        Extended_Function_3_: '',
      },
    ],
    [
      'a shared line [MPP §13.4]',
      { kind: 'shared-line', line: 2, userId: '2000' },
      { Share_Ext_2_: 'Yes', Shared_User_ID_2_: '2000', Share_Call_Appearance_2_: 'shared' },
    ],
    [
      'names on keys and of the phone',
      { kind: 'key-names', keys: [{ key: 1, name: 'Reception' }], phone: 'Lobby' },
      { Short_Name_1_: 'Reception', Station_Display_Name: 'Lobby' },
    ],
    [
      'a place has its offset, and its clocks change as they do there [MPP §14]',
      { kind: 'time-and-locale', timeZone: 'Europe/Berlin', timeFormat: '24hr', language: 'German' },
      {
        Time_Zone: 'GMT+01:00',
        Daylight_Saving_Time_Enable: 'Yes',
        Daylight_Saving_Time_Rule: 'start=3/-1/7/2;end=10/-1/7/3;save=1',
        Time_Format: '24hr',
        Language_Selection: 'German',
      },
    ],
    [
      'a place whose clocks never change',
      { kind: 'time-and-locale', timeZone: 'Asia/Kolkata' },
      { Time_Zone: 'GMT+05:30', Daylight_Saving_Time_Enable: 'No' },
    ],
    [
      'no web server, locked menus, no profile rule at the keypad [MPP §7.2]',
      { kind: 'user-limits', web: 'off', screen: 'read-only', profileRuleOnScreen: false },
      { Enable_Web_Server: 'No', 'Phone-UI-readonly': 'Yes', User_Configurable_Resync: 'No' },
    ],
    [
      'voicemail of every extension [MPP §13.4]',
      { kind: 'voicemail', number: '*97', line: 2, mailbox: '1002' },
      { Voice_Mail_Number: '*97', Mailbox_ID_2_: '1002' },
    ],
    [
      'do not disturb that is not offered is off',
      { kind: 'dnd', offered: false },
      { DND_Serv: 'No', DND_Setting: 'No' },
    ],
  ]
  it.each(ROWS)('%s', (_title, body, expected) => {
    expect(expanded(body)).toEqual(expected)
  })

  it('a forward carries what users may do with it [MPP §1.3]', () => {
    const forward = { kind: 'forward', noAnswer: '9000', noAnswerSeconds: 15 }
    const of = (mayChange: string) =>
      expandFeatures([featureOf({ ...forward, mayChange })], PHONE).parameters.get('Cfwd_No_Ans_Dest')
    expect(of('users')).toEqual({ value: '9000', ua: 'rw', userPref: true })
    expect(of('provider')).toEqual({ value: '9000', ua: 'ro', userPref: false })
    expect(of('hidden')).toEqual({ value: '9000', ua: 'na', userPref: false })
    expect(expanded(forward)).toMatchObject({ Cfwd_No_Ans_Delay: '15', Cfwd_All_Dest: '', Cfwd_Setting: 'Yes' })
  })

  it('modules are counted up to the highest that any feature uses', () => {
    const lamp = (unit: number) => ({ kind: 'blf', place: { kind: 'unit-key', unit, key: 1 }, name: 'B', user: '1' })
    const { parameters } = expandFeatures([featureOf(lamp(2)), featureOf(lamp(1))], PHONE)
    expect(parameters.get('Number_of_Units')?.value).toBe('2')
  })
})

describe('hunt groups as the phones can express them', () => {
  const group = { kind: 'hunt-group', name: 'Sales', number: '2000', members: ['1001', '1005', '1006'] }

  it('a member gets a lamp with pick-up for every other member', () => {
    const found = expanded({ ...group, onPhones: { kind: 'pickup-keys', fromKey: 5 } })
    expect(found['Extended_Function_5_']).toBe('fnc=blf+sd+cp;sub=1005@$PROXY;ext=1005@$PROXY;vid=1;nme=1005')
    expect(found['Extended_Function_6_']).toContain('sub=1006@$PROXY')
    expect(found['Extended_Function_7_']).toBeUndefined()
  })

  it('or takes part in the shared line, or gets one more key', () => {
    expect(expanded({ ...group, onPhones: { kind: 'shared-line' } })).toMatchObject({
      Share_Ext_1_: 'Yes',
      Shared_User_ID_1_: '2000',
    })
    expect(expanded({ ...group, onPhones: { kind: 'line-key', key: 4 } })).toMatchObject({
      Extension_4_: '1',
      Short_Name_4_: 'Sales',
    })
  })

  it('whoever is no member gets nothing of it', () => {
    const others = { ...group, members: ['1007'], onPhones: { kind: 'shared-line' } }
    expect(expanded(others)).toEqual({})
  })

  it('a phone with too few keys for all members is told before', () => {
    const body = { ...group, onPhones: { kind: 'pickup-keys', fromKey: 3 } }
    expect(codesFor(body, 'CP-7841-3PCC')).toEqual([])
    expect(codesFor(body, 'CP-7821-3PCC')).toEqual(['too-few-keys Extended_Function_4_'])
  })
})

describe('what a model cannot do', () => {
  const dial = { kind: 'speed-dial', place: { kind: 'key', key: 5 }, name: 'A', number: '1' }
  it.each([
    ['CP-8851-3PCC', dial, []],
    ['CP-7841-3PCC', dial, ['too-few-keys Extended_Function_5_']],
    ['CP-7811-3PCC', dial, ['too-few-keys Extended_Function_5_']],
    ['DP-9861', dial, ['no-such-element Extended_Function_5_']],
    ['CP-8841-3PCC', { ...dial, place: { kind: 'unit-key', unit: 1, key: 1 } }, ['no-such-unit Unit_1_Key_1_']],
    ['CP-7821-3PCC', { kind: 'shared-line', line: 3, userId: '2000' }, ['too-few-lines Share_Ext_3_']],
    ['DP-9861', { kind: 'user-limits', screen: 'read-only' }, ['no-such-element Phone-UI-readonly']],
    ['CP-7821-3PCC', { kind: 'user-limits', access: [{ of: 'wifi', access: 'na' }] }, ['no-such-element wifi']],
    ['DP-9861', { kind: 'time-and-locale', language: 'Klingon' }, ['bad-value Phone_Language']],
  ])('%s: %o', (model, body, expected) => {
    const found = codesFor(body, model)
    expect(found.filter((each) => expected.includes(each))).toEqual(expected)
    if (expected.length === 0) expect(found).toEqual([])
  })

  it('says the model, the key and what to do', () => {
    const [problem] = featureProblems([featureOf(dial)], productName('CP-7841-3PCC'))
    expect(problem?.message).toBe('A CP-7841-3PCC has 4 line key(s), so there is no line key 5')
    expect(problem?.advice).toContain('speed dial list')
  })
})

describe('two features that want the same', () => {
  const dial = (more: object = {}) =>
    featureOf({ kind: 'speed-dial', place: KEY_3, name: 'Front desk', number: '9000', ...more })

  it('one key: one problem that names both', () => {
    const [first, second] = [dial(), featureOf({ kind: 'blf', place: KEY_3, name: 'Bob', user: '101' })]
    const found = conflicts([first, second], anyPhone(PN))
    expect(found.map(({ code, featureIds }) => [code, featureIds])).toEqual([['same-key', [first.id, second.id]]])
    expect(found[0]?.message).toBe(
      `speed-dial "Front desk" (${first.id}) and blf "Bob" (${second.id}) both want line key 3`,
    )
  })

  it('one element: likewise; the same said twice is no problem', () => {
    const zone = (timeZone: string) => featureOf({ kind: 'time-and-locale', timeZone })
    expect(conflicts([zone('GMT'), zone('GMT+01:00')], anyPhone(PN)).map(({ code }) => code)).toEqual(['same-element'])
    expect(conflicts([zone('GMT'), zone('GMT')], anyPhone(PN))).toEqual([])
  })

  it('a narrower scope may say otherwise: it wins', () => {
    const own = { ...dial({ name: 'Kitchen', number: '7' }), scope: 'device' as const, scopeId: '00562b043615' }
    const { parameters, problems } = expandFeatures([dial(), own], PHONE)
    expect(problems).toEqual([])
    expect(parameters.get('Short_Name_3_')?.value).toBe('Kitchen')
  })

  it('a key that is taken from a line which has no other is a problem of that phone', () => {
    const key1 = dial({ place: { kind: 'key', key: 1 } })
    expect(expandFeatures([key1], PHONE).problems.map(({ code }) => code)).toEqual(['line-without-key'])
    const moved = featureOf({ kind: 'line-key', key: 4, line: 1 })
    expect(expandFeatures([key1, moved], PHONE).problems).toEqual([])
  })
})

describe('reading', () => {
  it.each([
    ['an unknown kind', { kind: 'teleport' }, ['kind']],
    ['nothing', undefined, ['kind']],
    ['missing fields', { kind: 'blf', place: KEY_3 }, ['name', 'user']],
    ['a name that would end a field of a script', { kind: 'blf', place: KEY_3, name: 'a;fnc=x', user: '1' }, ['name']],
    ['a number with a space', { kind: 'speed-dial', place: KEY_3, name: 'A', number: '1 2' }, ['number']],
    ['a key that no phone has', { kind: 'line-key', key: 17, line: 1 }, ['key']],
    [
      'an entry of the list that is none',
      { kind: 'speed-dial', place: { kind: 'list', entry: 1 }, name: 'A', number: '1' },
      ['place.entry'],
    ],
    ['a place that we do not know', { kind: 'time-and-locale', timeZone: 'Moon/Crater' }, ['timeZone']],
    ['a set that is none', { kind: 'user-limits', access: [{ of: 'colour', access: 'na' }] }, ['access[0].of']],
    ['members named twice', { kind: 'hunt-group', name: 'S', number: '2', members: ['1', '1'] }, ['members']],
    ['a misspelt field', { kind: 'line-key', key: 1, line: 1, nmae: 'A' }, ['nmae']],
    ['a misspelt field of a place', { kind: 'blf', place: { ...KEY_3, unt: 1 }, name: 'A', user: '1' }, ['place.unt']],
    ['a group of nobody', { kind: 'hunt-group', name: 'S', number: '2', members: [] }, ['members']],
  ])('%s', (_title, input, places) => {
    const read = readFeature(input)
    expect(read.ok ? [] : read.error.map(({ element }) => element)).toEqual(places)
    if (!read.ok) for (const { message, advice } of read.error) expect([message, advice].includes('')).toBe(false)
  })

  it('what a newer release stored besides is let alone', () => {
    expect(readFeature({ kind: 'line-key', key: 1, line: 1, colour: 'red' }, 'ignore').ok).toBe(true)
  })

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.anything(), anyBody, (junk, body) => {
        const keys = Object.keys(body)
        readFeature(junk)
        for (const key of keys) readFeature({ ...body, [key]: junk })
        const read = readFeature({ ...body, [keys[0] ?? '']: junk })
        expect(typeof read.ok).toBe('boolean')
      }),
    )
  })

  it('what was read is read again as it is', () => {
    fc.assert(
      fc.property(anyBody, (body) => {
        const { body: read } = featureOf(body)
        expect(featureOf(JSON.parse(JSON.stringify(read))).body).toEqual(read)
      }),
    )
  })
})

describe('for any features and every model', () => {
  const lines = fc.subarray([lineOf(1), lineOf(2)])

  it('every element is one that the model has, and every value fits its type, or a problem names it [MPP §14]', () => {
    let seen = 0
    fc.assert(
      fc.property(anyFeatures, lines, fc.constantFrom(...MODELS), (features, own, { productName: model }) => {
        const { parameters, problems } = expandFeatures(features, { device: { model }, lines: own })
        for (const [element, { value, attributesOnly }] of parameters) {
          seen += 1
          expect([element, appliesTo(element, model)]).toEqual([element, true])
          const row = catalogue.find(element)
          const fault = row === undefined || attributesOnly === true ? undefined : validateValue(row, value)
          const named = problems.some((problem) => problem.element === element && problem.code === 'bad-value')
          expect([element, fault?.message, named]).toEqual([element, named ? fault?.message : undefined, named])
        }
      }),
      { numRuns: 500 },
    )
    expect(seen).toBeGreaterThan(2000)
  })

  it('equal features give equal parameters, in equal order', () => {
    fc.assert(
      fc.property(anyFeatures, lines, (features, own) => {
        const target = { device: { model: PN }, lines: own }
        const again = structuredClone(features)
        expect([...expandFeatures(again, target).parameters]).toEqual([...expandFeatures(features, target).parameters])
      }),
    )
  })

  it('no feature has a secret', () => {
    fc.assert(
      fc.property(anyFeatures, (features) => {
        for (const [element, { value, attributesOnly }] of expandFeatures(features, PHONE).parameters) {
          expect([element, catalogue.find(element)?.secret === true && !(attributesOnly && value === '')]).toEqual([
            element,
            false,
          ])
        }
      }),
    )
  })
})

describe('tables', () => {
  it('every place and every tone is something that the phones take', () => {
    for (const place of KNOWN_PLACES) {
      const zone = catalogue.find('Time_Zone')
      const offset = timeZoneOf(place)?.offset ?? ''
      expect([place, zone?.choices.includes(offset)]).toEqual([place, true])
    }
    for (const [country, tones] of Object.entries(TONES)) {
      for (const [element, value] of Object.entries(tones)) {
        const row = catalogue.find(element)
        expect([country, element, row && validateValue(row, value)]).toEqual([country, element, undefined])
      }
    }
  })
})
