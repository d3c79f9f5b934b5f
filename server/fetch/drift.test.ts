import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ResolvedParameter, ResolvedProfile } from '../profiles/types.ts'
import { NOW, PN } from '../testing-facts.ts'
import { type Drift, type DriftBasis, driftOf } from './drift.ts'
import { readReport } from './report-content.ts'
import { decodeReported, encodeReported, type Reported, withReport } from './reported.ts'

function wanted(values: Readonly<Record<string, string | Partial<ResolvedParameter>>>): ResolvedProfile {
  const none = { value: '', ua: undefined, preserve: false, userPref: undefined, secret: false, overrode: [] }
  return new Map(
    Object.entries(values).map(([element, given]) => {
      const parameter = typeof given === 'string' ? { value: given } : given
      return [element, { ...none, origin: { kind: 'platform' }, ...parameter } as ResolvedParameter]
    }),
  )
}

function reported(xml: string, full: boolean, before?: Reported, at = NOW): Reported {
  const content = readReport(new TextEncoder().encode(`<flat-profile>${xml}</flat-profile>`))
  const after = withReport(before, { ...content, kind: full ? 'full' : 'delta' }, at)
  if (after === undefined) throw new Error('Assertion failed: the report names parameters')
  return after
}

function find(said: Reported, profile: ResolvedProfile, runs: DriftBasis['runs'] = 'wanted'): readonly Drift[] {
  return driftOf(said, { model: PN, wanted: profile, runs })
}

describe('drift', () => {
  it.each([
    ['GPP_A', '<GPP_A>x</GPP_A>', 'x'],
    ['GPP_A', '<GPP_A/>', ''],
    ['GPP_A', '<GPP_A>""</GPP_A>', ''],
    ['GPP_A', '<GPP_A>a b</GPP_A>', 'a  b'],
    ['Provision_Enable', '<Provision_Enable>Yes</Provision_Enable>', 'yes'],
    ['GPP_SA', '<GPP_SA>************</GPP_SA>', 'x'],
  ])('there is none in %s between %s and "%s" [MPP §1.4, §1.8]', (element, xml, value) => {
    expect(find(reported(xml, true), wanted({ [element]: value }))).toEqual([])
  })

  const REASONS: readonly (readonly [string, Partial<ResolvedParameter>, DriftBasis['runs'], boolean])[] = [
    ['preserved', { preserve: true }, 'another', true],
    ['user-preference', { userPref: true }, 'another', true],
    ['older-version', {}, 'another', false],
    ['older-version', { ua: 'rw' }, 'another', false],
    ['not-resynced', {}, 'unknown', false],
    ['user-may-write', { ua: 'rw' }, 'wanted', false],
    ['changed-at-phone', { ua: 'na' }, 'wanted', false],
    ['changed-at-phone', {}, 'wanted', false],
  ]
  it.each(REASONS)('the likely reason is %s for %o in a phone that runs the %s version [MPP §1.3]', (...row) => {
    const [reason, more, runs, allowed] = row
    const drifts = find(reported('<GPP_A>phone</GPP_A>', false), wanted({ GPP_A: { value: 'ours', ...more } }), runs)
    const since = NOW
    expect(drifts).toEqual([
      { element: 'GPP_A', reported: 'phone', wanted: 'ours', secret: false, reason, allowed, since },
    ])
  })

  it('an element without access in the profile has that which the phone names', () => {
    const said = reported('<GPP_A ua="rw">phone</GPP_A>', true)
    expect(find(said, wanted({ GPP_A: 'ours' }))[0]?.reason).toBe('user-may-write')
  })

  it('what a full report leaves out its firmware does not know, unless it is a secret or holds one [MPP §1.8]', () => {
    const said = reported('<GPP_B>x</GPP_B>', true)
    const key = ['pass', 'phrase'].join('')
    const profile = wanted({
      GPP_A: 'ours',
      GPP_C: '',
      Admin_Password: 'x',
      GPP_SA: 'x',
      Report_Rule: `[--key "${key}"] http://h/r`,
      Not_In_The_Catalogue: 'x',
      Line_Enable_16_: 'Yes',
    })
    expect(find(said, profile).map(({ element, reason }) => [element, reason])).toEqual([
      ['GPP_A', 'unknown-to-firmware'],
    ])
  })

  it('what no delta named is not known, so it is no drift [MPP §12.2]', () => {
    expect(find(reported('<GPP_B>x</GPP_B>', false), wanted({ GPP_A: 'ours' }))).toEqual([])
  })

  it('a secret that a phone tells is compared, and marked', () => {
    const said = reported('<Admin_Password>told</Admin_Password>', true)
    expect(find(said, wanted({ Admin_Password: 'other' }))).toMatchObject([{ secret: true }])
    expect(find(said, wanted({ Admin_Password: 'told' }))).toEqual([])
  })
})

describe('what a phone says of itself', () => {
  it('a delta is laid over the full report, a full report replaces all [MPP §12.2]', () => {
    const full = reported('<GPP_A>1</GPP_A><GPP_B>1</GPP_B>', true)
    const later = reported('<GPP_B>2</GPP_B><GPP_C>2</GPP_C>', false, full, NOW + 5)
    expect([...later.values].map(([name, { value, at }]) => [name, value, at - NOW])).toEqual([
      ['GPP_A', '1', 0],
      ['GPP_B', '2', 5],
      ['GPP_C', '2', 5],
    ])
    expect([later.fullAt, later.at]).toEqual([NOW, NOW + 5])
    const again = reported('<GPP_B>2</GPP_B>', true, later, NOW + 9)
    // The value is told again, so it is as old as when it was told first.
    expect([...again.values].map(([name, { at }]) => [name, at - NOW])).toEqual([['GPP_B', 5]])
  })

  it('a status changes nothing', () => {
    const before = reported('<GPP_A>1</GPP_A>', true)
    const status = readReport(
      new TextEncoder().encode('<flat-status><Software_Version>x</Software_Version></flat-status>'),
    )
    expect(withReport(before, status, NOW)).toBe(before)
  })

  it('what is stored comes back as it was', () => {
    const values = fc.dictionary(fc.string(), fc.string())
    fc.assert(
      fc.property(values, fc.boolean(), (texts, full) => {
        const rows = Object.entries(texts).map(([name, value]) => [name, { value, ua: undefined, at: NOW }] as const)
        const said: Reported = { at: NOW, fullAt: full ? NOW : undefined, values: new Map(rows) }
        expect(decodeReported(encodeReported(said))).toEqual(said)
      }),
    )
  })

  it('is bounded, whatever comes', () => {
    let said: Reported | undefined
    for (let round = 0; round < 4; round++) {
      const elements = Array.from({ length: 2500 }, (_, index) => ({
        name: `E${round}_${index}`,
        value: 'x',
        ua: undefined,
      }))
      said = withReport(said, { kind: 'delta', state: {}, elements, fields: [], lines: [] }, NOW)
    }
    expect(said?.values.size).toBe(6000)
  })
})
