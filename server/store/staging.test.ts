import { describe, expect, it } from 'vitest'
import { macOf } from '../testing.ts'
import { type Stage, stagedBox, type StagingRow, STAGES, todoOf, unreadyOf } from './staging.ts'

const MAC = macOf('00562b043615')
/** Minutes of the batch's life. */
const at = (minute: number) => Date.UTC(2026, 0, 2) + minute * 60_000
const VIEW = { batchCreatedAt: new Date(at(0)), reach: null } as const

const ROW: StagingRow = {
  mac: MAC,
  serial: 'FCH0001',
  model: 'CP-8851-3PCC',
  name: '',
  state: 'known',
  keyIssued: 0,
  keyConfirmed: 0,
  runningVersion: null,
  servedVersion: null,
  delivery: 'https',
  boundAt: null,
  createdAt: at(1),
  scannedAt: at(2),
  firstBelievedAt: null,
  believedAt: null,
  believedFrom: null,
  claimedAt: null,
  claimedFrom: null,
  registrationSeconds: null,
  acsFirstAt: null,
  acsAt: null,
  acsFrom: null,
  acsSecure: null,
  acsInStep: null,
  acsUpAt: null,
  lines: [],
  sightings: [],
}

type SightingRow = StagingRow['sightings'][number]
const seen = (minute: number, more: Partial<SightingRow> = {}): SightingRow => ({
  source: 'path',
  reporter: '',
  address: '192.0.2.7',
  serial: null,
  problem: null,
  profileAt: null,
  firstAt: at(minute),
  lastAt: at(minute),
  ...more,
})
const certified = (minute: number, more: Partial<SightingRow> = {}) =>
  seen(minute, { source: 'certificate', serial: 'FCH0001', ...more })
const believed = (minute: number) => ({
  firstBelievedAt: at(minute),
  believedAt: at(minute),
  believedFrom: '192.0.2.9',
})
const BOUND = { state: 'bound', boundAt: at(10), keyIssued: 1, ...believed(9) } as const
const RUNS = { ...BOUND, runningVersion: 'aa', servedVersion: 'aa', ...believed(11) } as const
const line = (registered: boolean | null, minute: number) => ({
  userId: '1001',
  displayName: 'Ann',
  registered,
  askedAt: at(minute),
  changedAt: at(minute),
})

describe('the stage of a box', () => {
  it.each<[what: string, row: Partial<StagingRow>, stage: Stage, since: number]>([
    ['nothing is known', {}, 'missing', 2],
    ['it was never scanned, but put in', { scannedAt: null }, 'missing', 1],
    ['it has a lease', { sightings: [seen(3, { source: 'dhcp' })] }, 'seen', 3],
    ['it turned up before its scan', { sightings: [seen(-60)] }, 'seen', -60],
    ['it was seen in an earlier life only', { sightings: [seen(-3000)], ...believed(-4000) }, 'missing', 2],
    [
      'it was somebody else’s before',
      { keyIssued: 1, ...believed(1), sightings: [certified(1), seen(1)] },
      'missing',
      2,
    ],
    ['it was somebody else’s before and came again', { keyIssued: 1, sightings: [certified(3)] }, 'seen', 3],
    [
      'it got the first profile when it was somebody else’s, and came again',
      { keyIssued: 1, sightings: [seen(3, { firstAt: at(1), profileAt: at(1) })] },
      'seen',
      2,
    ],
    ['it got the first profile', { sightings: [seen(3, { profileAt: at(4) }), certified(3)] }, 'first-profile', 4],
    ['it calls the ACS', { acsFirstAt: at(3), acsAt: at(4), acsFrom: '192.0.2.1' }, 'seen', 3],
    ['it is bound', BOUND, 'bound', 10],
    ['it was registered for the owner before', { ...BOUND, registrationSeconds: 0 }, 'bound', 10],
    ['it runs a version', { ...RUNS, registrationSeconds: 7 }, 'applied', 10],
    ['TR-069 has brought it there', { ...BOUND, acsInStep: true }, 'applied', 10],
    ['it says so itself', { ...RUNS, registrationSeconds: 0 }, 'registered', 10],
    ['TR-069 says so', { ...BOUND, acsInStep: true, acsUpAt: at(12) }, 'registered', 12],
    ['TR-069 said so before it was bound', { ...BOUND, acsUpAt: at(8) }, 'bound', 10],
    ['the registrar says so', { ...BOUND, lines: [line(true, 13)] }, 'registered', 13],
    ['the registrar said so before', { ...RUNS, lines: [line(true, 8)] }, 'applied', 10],
    ['the registrar knows better', { ...RUNS, registrationSeconds: 0, lines: [line(false, 12)] }, 'applied', 10],
    ['one of two lines is not', { ...RUNS, lines: [line(true, 12), line(false, 12)] }, 'applied', 10],
    ['the registrar was not asked', { ...RUNS, registrationSeconds: 0, lines: [line(null, 12)] }, 'registered', 10],
    ['another serial number was proved', { sightings: [certified(3, { serial: 'FCH9' })] }, 'wrong-serial', 3],
    ['it was proved before the scan', { sightings: [certified(1, { serial: 'FCH9' })] }, 'wrong-serial', 2],
    ['another serial number is claimed', { sightings: [seen(3, { serial: 'FCH9' })] }, 'seen', 3],
    ['the right one came since', { ...BOUND, sightings: [certified(3, { serial: 'FCH9' })] }, 'bound', 10],
    ['another one came since', { ...RUNS, sightings: [certified(12, { serial: 'FCH9' })] }, 'wrong-serial', 12],
    ['it is refused', { sightings: [certified(3, { problem: 'wrong-ca' })] }, 'refused', 3],
    ['it was refused before its scan', { sightings: [certified(1, { problem: 'wrong-code' })] }, 'seen', 1],
    ['its serial number was put right', { sightings: [certified(3, { problem: 'foreign-device' })] }, 'seen', 3],
    [
      'it was refused before it was bound',
      { ...BOUND, sightings: [certified(3, { problem: 'wrong-code' })] },
      'bound',
      10,
    ],
    ['it is disabled', { ...BOUND, state: 'disabled' }, 'refused', 2],
    ['it waits for a person', { state: 'held' }, 'refused', 2],
  ])('when %s', (_what, more, stage, since) => {
    const box = stagedBox({ ...ROW, ...more }, VIEW)
    expect([box.stage, box.since.toISOString()]).toEqual([stage, new Date(at(since)).toISOString()])
    expect(box.problem === undefined).toBe(stage !== 'wrong-serial' && stage !== 'refused')
  })

  it('says both serial numbers, and what to do at every stage', () => {
    const box = stagedBox({ ...ROW, sightings: [certified(3, { serial: 'FCH9' })] }, VIEW)
    expect(box.problem?.message).toMatch(/"FCH9".*"FCH0001"/)
    for (const stage of STAGES) expect(todoOf({ stage, problem: undefined })).toMatch(/^[A-Z].*[^.]$/)
  })

  it('counts the leases that others report for whoever may know of them', () => {
    const row = { ...ROW, sightings: [seen(3, { source: 'dhcp', reporter: 'acc_b' })] }
    expect(stagedBox(row, { ...VIEW, reach: ['acc_a'] })).toMatchObject({ stage: 'missing', last: undefined })
    expect(stagedBox(row, { ...VIEW, reach: ['acc_a', 'acc_b'] }).stage).toBe('seen')
    expect(stagedBox(row, VIEW).stage).toBe('seen')
  })
})

describe('where a box was seen', () => {
  it('is where it was last, and as proved as that was', () => {
    const row = { ...ROW, ...BOUND, sightings: [seen(3), certified(12, { address: '198.51.100.1' })] }
    const box = stagedBox(row, VIEW)
    expect(box.last).toEqual({ at: new Date(at(12)), address: '198.51.100.1', source: 'certificate' })
    expect(box.firstSeenAt).toEqual(new Date(at(3)))
  })

  it('and when, is of its life with this account, also when it is bound again', () => {
    const before = certified(1, { address: '198.51.100.1' })
    const again = { ...BOUND, keyIssued: 2, sightings: [before] }
    const box = stagedBox({ ...ROW, ...again, ...believed(11), firstBelievedAt: at(-100) }, VIEW)
    expect(box).toMatchObject({ stage: 'bound', firstSeenAt: new Date(at(2)), networks: ['192.0.2.0/24'] })
    // A first life has no other before it, and keys that were changed make no new one of a box that was not scanned.
    expect(stagedBox({ ...ROW, ...BOUND, sightings: [before] }, VIEW).networks).toContain('198.51.100.0/24')
    const unscanned = stagedBox({ ...ROW, ...BOUND, keyIssued: 2, scannedAt: null, ...believed(11) }, VIEW)
    expect(unscanned.last?.at).toEqual(new Date(at(11)))
  })

  it.each([0, 1])('is proved, of two ways at one time (%i)', (order) => {
    const both = [seen(3), certified(3, { address: '198.51.100.1' })]
    const row = { ...ROW, sightings: order === 0 ? both : both.toReversed() }
    expect(stagedBox(row, VIEW).last?.source).toBe('certificate')
  })

  it('opens a network to strangers only where it proved itself', () => {
    const claims = [seen(3), seen(4, { source: 'dhcp', address: '10.0.0.1' })]
    const acs = { acsFirstAt: at(3), acsAt: at(4), acsFrom: '203.0.113.5' }
    expect(stagedBox({ ...ROW, sightings: claims, ...acs }, VIEW).networks).toEqual([])
    expect(stagedBox({ ...ROW, claimedAt: at(3), claimedFrom: '192.0.2.7' }, VIEW).networks).toEqual([])
    const proofs = { ...BOUND, sightings: [certified(3, { address: '198.51.100.1' })], ...acs, acsSecure: true }
    expect(stagedBox({ ...ROW, ...proofs }, VIEW).networks.toSorted()).toEqual([
      '192.0.2.0/24',
      '198.51.100.0/24',
      '203.0.113.0/24',
    ])
    const other = { sightings: [certified(3, { serial: 'FCH9' })] }
    expect(stagedBox({ ...ROW, ...other }, VIEW)).toMatchObject({ networks: [], otherAt: '192.0.2.0/24' })
    const before = stagedBox({ ...ROW, ...believed(-3000) }, VIEW)
    expect(before.networks).toEqual([])
  })
})

describe('the newest key', () => {
  it.each<[string, Partial<StagingRow>, boolean]>([
    ['none was issued', {}, false],
    ['issued', BOUND, false],
    ['named by the phone', { ...BOUND, keyConfirmed: 1 }, true],
    ['an older one named', { ...BOUND, keyIssued: 2, keyConfirmed: 1 }, false],
    ['in the profile that it runs', RUNS, true],
    ['in a profile that it does not run yet', { ...RUNS, servedVersion: 'bb' }, false],
    ['not named where profiles are sealed', { ...RUNS, delivery: 'sealed' }, false],
  ])('%s', (_what, more, expected) => {
    expect(stagedBox({ ...ROW, ...more }, VIEW).keysConfirmed).toBe(expected)
  })
})

describe('a box is shipped', () => {
  const registered = { ...RUNS, registrationSeconds: 0, lines: [line(null, 12)] }
  it.each<[string, Partial<StagingRow>, string | undefined]>([
    ['when it is registered with its key', registered, undefined],
    ['when TR-069 leads it', { ...BOUND, acsInStep: true, acsUpAt: at(12) }, undefined],
    ['not when it is missing', {}, 'missing'],
    ['not when it was merely seen', { sightings: [seen(3)] }, 'not-registered'],
    ['not without a line', BOUND, 'not-registered'],
    ['not with another serial number', { sightings: [certified(3, { serial: 'FCH9' })] }, 'wrong-serial'],
    ['not with an older key', { ...registered, servedVersion: 'bb' }, 'key-not-confirmed'],
    ['not when it is refused', { ...registered, sightings: [certified(13, { problem: 'wrong-ca' })] }, 'wrong-ca'],
  ])('%s', (_what, more, code) => {
    expect(unreadyOf(stagedBox({ ...ROW, ...more }, VIEW))?.code).toBe(code)
  })
})
