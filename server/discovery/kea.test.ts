import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { parseMacAddress } from '../../protocol/identity.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import { checkDhcp, keaFingerprint, mergeKea, readKeaLeases } from './mod.ts'
import type { DiscoverySettings, KeaConfig, KeaReservation } from './mod.ts'
import { BARE, SETTINGS, someSettings, SUBNETS } from './testing-discovery.ts'

const mac = (text: string): MacAddress => parseMacAddress(text) ?? ('' as MacAddress)
const PHONE: KeaReservation = { mac: mac('00562b010203'), address: '192.0.2.30', clientClasses: ['staging'] }
const NAMED: KeaReservation = { mac: mac('00562b010204') }

/** As somebody runs it: their classes, their subnet, their reservation, their hook. */
const THEIRS: KeaConfig = {
  Dhcp4: {
    'option-def': [{ name: 'theirs', code: 222, space: 'dhcp4', type: 'string' }],
    'client-classes': [{ name: 'printers', test: "option[60].text == 'printer'" }],
    'hooks-libraries': [
      { library: '/x/libdhcp_lease_cmds.so' },
      { library: '/x/libdhcp_flex_option.so', parameters: { options: [{ code: 12, add: "'theirs'" }] } },
    ],
    subnet4: [
      {
        id: 1,
        subnet: '192.0.2.0/24',
        pools: [{ pool: '192.0.2.10 - 192.0.2.20' }],
        reservations: [{ 'hw-address': '00:56:2b:ff:ff:ff', 'ip-address': '192.0.2.99', hostname: 'theirs' }],
      },
    ],
    'valid-lifetime': 77,
  },
  hash: 'x',
}

function merged(
  current: KeaConfig,
  settings: DiscoverySettings,
  reservations: readonly KeaReservation[] = [],
): KeaConfig {
  const result = mergeKea(current, settings, reservations)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

function refusals(current: KeaConfig, reservations: readonly KeaReservation[], settings = SETTINGS): readonly string[] {
  const result = mergeKea(current, settings, reservations)
  return result.ok ? [] : result.error.map(({ code, place }) => `${code} ${place}`)
}

describe('a merged configuration', () => {
  it('keeps what is theirs, leaves out the hash, and takes all of ours out again', () => {
    const back = merged(merged(THEIRS, { ...SETTINGS, subnets: SUBNETS }, [PHONE, NAMED]), {
      ...BARE,
      voiceVlan: undefined,
    })
    const { hash: _, ...rest } = THEIRS
    const dhcp4 = rest['Dhcp4'] as Record<string, unknown>
    // What an empty list and a switch leave behind does nothing.
    expect(back).toEqual({ Dhcp4: { ...dhcp4, reservations: [], 'reservations-global': true } })
  })

  it('done twice is done once, for any settings', () => {
    fc.assert(
      fc.property(someSettings, fc.subarray([PHONE, NAMED]), (settings, reservations) => {
        const once = merged(THEIRS, settings, reservations)
        expect(merged(once, settings, reservations)).toEqual(once)
        expect(checkDhcp('kea', JSON.stringify(once), settings)).toEqual([])
      }),
      { seed: 12, numRuns: 60 },
    )
  })

  it('has reservations by MAC address, named as phones name themselves [MPP §10.2]', () => {
    const { Dhcp4 } = merged(THEIRS, SETTINGS, [PHONE, NAMED]) as { Dhcp4: Record<string, unknown> }
    expect(Dhcp4['reservations']).toEqual([
      { 'hw-address': '00:56:2b:01:02:04', hostname: 'SEP00562B010204', 'user-context': { offhook: true } },
    ])
    expect(Dhcp4['reservations-global']).toBe(true)
    const [subnet] = Dhcp4['subnet4'] as { reservations: unknown[] }[]
    expect(subnet?.reservations[1]).toEqual({
      'hw-address': '00:56:2b:01:02:03',
      hostname: 'SEP00562B010203',
      'ip-address': '192.0.2.30',
      'client-classes': ['staging'],
      'user-context': { offhook: true },
    })
  })

  it('adds subnets that are not there under ids that are free, and keeps them', () => {
    const settings = { ...SETTINGS, subnets: SUBNETS }
    const ids = (config: KeaConfig): unknown =>
      (config['Dhcp4'] as { subnet4: { id: number; subnet: string }[] }).subnet4.map(({ id, subnet }) => [id, subnet])
    const once = merged(THEIRS, settings)
    expect(ids(once)).toEqual([
      [1, '192.0.2.0/24'],
      [2, '198.51.100.0/25'],
    ])
    expect(ids(merged(once, settings))).toEqual(ids(once))
  })

  it('puts rows of the hook beside theirs, and sends bytes that fit their definition', () => {
    const theirs = {
      Dhcp4: {
        ...(THEIRS['Dhcp4'] as object),
        'option-def': [{ name: 'tftp', code: 150, space: 'dhcp4', type: 'string' }],
      },
    }
    const { Dhcp4 } = merged(theirs, SETTINGS) as {
      Dhcp4: Record<string, { parameters?: { options: { code: number }[] }; 'option-data'?: unknown[] }[]>
    }
    expect(Dhcp4['hooks-libraries']?.[1]?.parameters?.options.map(({ code }) => code)).toEqual([12, 159])
    expect(JSON.stringify(Dhcp4['client-classes'])).toContain('"code":150,"csv-format":false,"data":"c0000201"')
    expect(JSON.stringify(Dhcp4['option-def'])).not.toContain('offhook-150')
  })

  const table: readonly (readonly [string, KeaConfig, readonly KeaReservation[], readonly string[]])[] = [
    ['no configuration', { Control: {} }, [], ['no-dhcp configuration']],
    [
      'a definition of theirs',
      { Dhcp4: { 'option-def': [{ name: 'x', code: 150, type: 'uint32' }] } },
      [],
      ['option-def-taken option-def "x"'],
    ],
    [
      'an address outside',
      THEIRS,
      [{ ...PHONE, address: '10.0.0.1' }],
      ['reservation-outside reservation 00:56:2b:01:02:03'],
    ],
    [
      'an address of theirs',
      THEIRS,
      [{ ...PHONE, address: '192.0.2.99' }],
      ['address-taken reservation 00:56:2b:01:02:03'],
    ],
    [
      'a phone of theirs',
      THEIRS,
      [{ ...PHONE, mac: mac('00562bffffff') }],
      ['reservation-taken reservation 00:56:2b:ff:ff:ff'],
    ],
    ['a phone twice', THEIRS, [NAMED, NAMED], ['reservation-twice reservation 00:56:2b:01:02:04']],
    ['a bad class', THEIRS, [{ ...NAMED, clientClasses: ["a'b"] }], ['bad-class reservation 00:56:2b:01:02:04']],
  ]
  it.each(table)('is refused for %s', (_, current, reservations, expected) => {
    expect(refusals(current, reservations)).toEqual(expected)
  })
})

describe('the fingerprint', () => {
  it('is the same for another order of names and another hash, not for another value', () => {
    const print = keaFingerprint({ Dhcp4: { a: 1, b: [1, 2] }, hash: 'x' })
    expect(print).toMatch(/^[0-9a-f]{64}$/)
    expect(keaFingerprint({ Dhcp4: { b: [1, 2], a: 1 }, hash: 'y' })).toBe(print)
    expect(keaFingerprint({ Dhcp4: { a: 1, b: [2, 1] } })).not.toBe(print)
  })
})

describe('leases', () => {
  const LEASE = {
    'hw-address': '00:56:2b:01:02:03',
    'ip-address': '192.0.2.10',
    hostname: 'sep00562b010203.',
    cltt: 100,
    'valid-lft': 3600,
    state: 0,
  }
  const READ = {
    mac: '00562b010203',
    address: '192.0.2.10',
    hostName: 'sep00562b010203',
    expiresAt: 3_700_000,
    heardAt: 100_000,
  }
  const answer = (...leases: readonly unknown[]): unknown => ({ result: 0, text: '', arguments: { leases } })
  const table: readonly (readonly [string, unknown, readonly unknown[]])[] = [
    ['of the control socket', answer(LEASE), [READ]],
    ['of the control agent', [answer(LEASE)], [READ]],
    ['without end', answer({ ...LEASE, 'valid-lft': 4294967295 }), [{ ...READ, expiresAt: undefined }]],
    [
      'of a time that Kea does not say',
      answer({ ...LEASE, cltt: 0 }),
      [{ ...READ, expiresAt: 3_600_000, heardAt: undefined }],
    ],
    ['declined or over', answer({ ...LEASE, state: 1 }, { ...LEASE, state: 2 }), []],
    [
      'by DUID',
      answer({ ...LEASE, 'hw-address': undefined, duid: '00:03:00:01:00:56:2b:01:02:03', 'ip-address': '2001:db8::9' }),
      [{ ...READ, address: '2001:db8::9' }],
    ],
    ['without a MAC', answer({ ...LEASE, 'hw-address': '' }), []],
    ['without an address', answer({ ...LEASE, 'ip-address': 'x' }), []],
    ['of nothing', { result: 3, text: '0 IPv4 lease(s) found.' }, []],
    ['of an error', [{ result: 1, text: 'unknown command' }], []],
  ]
  it.each(table)('are read: %s', (_, value, expected) => {
    expect(readKeaLeases(value)).toEqual(expected)
  })

  it('are none, and nothing is thrown, for any other value', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(readKeaLeases(value)).toEqual([])
      }),
      { seed: 13 },
    )
  })
})
