import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keaChanges } from './kea-changes.ts'

const theirs = {
  Dhcp4: {
    'valid-lifetime': 7200,
    'option-def': [{ name: 'acs-url', code: 1, space: 'offhook-acs', type: 'string', array: false, encapsulate: '' }],
    'client-classes': [{ name: 'theirs', test: "option[60].text == 'x'", 'option-data': [], 'next-server': '0.0.0.0' }],
    subnet4: [{ id: 1, subnet: '192.0.2.0/24', pools: [{ pool: '192.0.2.50-192.0.2.60' }], reservations: [] }],
    reservations: [{ 'hw-address': '00:0e:08:00:00:01', hostname: '' }],
  },
}
const changed = (change: (config: typeof theirs.Dhcp4) => unknown) => {
  const copy = structuredClone(theirs.Dhcp4)
  change(copy)
  return keaChanges(theirs, { Dhcp4: copy })
}

describe('what differs between two configurations of Kea', () => {
  it('is nothing between equals, and nothing that Kea writes out of itself', () => {
    expect(keaChanges(theirs, structuredClone(theirs))).toEqual([])
    const asWeWriteIt = {
      Dhcp4: {
        ...theirs.Dhcp4,
        'option-def': [{ name: 'acs-url', code: 1, space: 'offhook-acs', type: 'string' }],
        'client-classes': [{ name: 'theirs', test: "option[60].text == 'x'" }],
      },
    }
    expect(keaChanges(theirs, asWeWriteIt)).toEqual([])
    const filled = {
      name: 'tftp-server-name',
      code: 66,
      space: 'dhcp4',
      data: 'x',
      'csv-format': true,
      'always-send': true,
    }
    const written = { code: 66, space: 'dhcp4', data: 'x', 'always-send': true }
    expect(keaChanges({ 'option-data': [filled] }, { 'option-data': [written] })).toEqual([])
    expect(keaChanges({ data: '0B01FF', 'csv-format': false }, { data: '0x0b 01:ff', 'csv-format': false })).toEqual([])
  })

  it('names what comes, goes and changes', () => {
    expect(
      changed((config) =>
        config['client-classes'].push({ name: 'ours', test: 'x', 'option-data': [], 'next-server': '' }),
      ),
    ).toEqual(['+ Dhcp4 client-classes ours'])
    expect(changed((config) => config['client-classes'].pop())).toEqual(['- Dhcp4 client-classes theirs'])
    expect(changed((config) => (config['client-classes'][0]!.test = 'y'))).toEqual(['~ Dhcp4 client-classes theirs'])
    expect(changed((config) => (config['option-def'][0]!.type = 'uint8'))).toEqual([
      '~ Dhcp4 option-def offhook-acs.acs-url',
    ])
    expect(changed((config) => (config['valid-lifetime'] = 60))).toEqual(['~ Dhcp4 valid-lifetime'])
    expect(changed((config) => Reflect.deleteProperty(config, 'valid-lifetime'))).toEqual(['- Dhcp4 valid-lifetime'])
    expect(changed((config) => config.reservations.push({ 'hw-address': '00:0e:08:00:00:02', hostname: '' }))).toEqual([
      '+ Dhcp4 reservations 00:0e:08:00:00:02',
    ])
    expect(changed((config) => config.subnet4[0]!.pools.push({ pool: '192.0.2.70-192.0.2.80' }))).toEqual([
      '+ Dhcp4 subnet4 192.0.2.0/24 pools 192.0.2.70-192.0.2.80',
    ])
  })

  it('sees that classes stand in another order, which decides whose option is given', () => {
    const [one, two] = [
      { name: 'a', test: '1' },
      { name: 'b', test: '2' },
    ]
    const swapped = keaChanges({ 'client-classes': [one, two] }, { 'client-classes': [two, one] })
    expect(swapped).toEqual(['~ client-classes order'])
    expect(keaChanges({ reservations: [one, two] }, { reservations: [two, one] })).toEqual([])
  })

  it('names the items of a list that was not there before', () => {
    expect(keaChanges({ Dhcp4: {} }, { Dhcp4: { 'client-classes': [{ name: 'a' }, { name: 'b' }] } })).toEqual([
      '+ Dhcp4 client-classes a',
      '+ Dhcp4 client-classes b',
    ])
  })

  it('tells two of one name apart, and lists without names as one thing', () => {
    const twice = {
      list: [
        { name: 'a', data: '1' },
        { name: 'a', data: '2' },
      ],
    }
    expect(keaChanges(twice, { list: [{ name: 'a', data: '1' }] })).toEqual(['- list a'])
    expect(keaChanges({ list: [1, 2] }, { list: [1, 3] })).toEqual(['~ list'])
  })

  it('is nothing between any value and itself', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(keaChanges(value, structuredClone(value))).toEqual([])
      }),
    )
  })

  it('is something where a value differs that nobody fills in', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        expect(keaChanges({ Dhcp4: value }, { Dhcp4: { ...value, 'ours-alone': 'x' } })).toContain('+ Dhcp4 ours-alone')
      }),
    )
  })
})
