import { describe, expect, it } from 'vitest'
import type { HourOfDownloads, SilentDevice, StoredAlarm } from '../../store/mod.ts'
import { judgeDownloads } from './loops.ts'
import { alarmsOf, isOver } from './noticed.ts'
import { decideSilence } from './silence.ts'

const T = Date.UTC(2026, 0, 2)

function silentOnes(accountId: string, count: number): SilentDevice[] {
  return Array.from({ length: count }, (_, index) => ({
    mac: `${accountId}-${index}`,
    accountId,
    lastAt: new Date(T),
    periodSeconds: 3600,
  }))
}

function standing(subject: string, more: Partial<StoredAlarm> = {}): StoredAlarm {
  return {
    id: `alm-${subject}`,
    seq: 1,
    kind: 'silence',
    subject,
    mac: null,
    accountId: null,
    state: 'open',
    count: 1,
    data: {},
    raisedAt: new Date(T),
    lastAt: new Date(T),
    acknowledgedAt: null,
    acknowledgedBy: null,
    clearedAt: null,
    ...more,
  }
}

const BOUND = new Map([
  ['a', 20],
  ['b', 1000],
])

function silence(silent: readonly SilentDevice[], alarms: readonly StoredAlarm[] = [], more = false) {
  const { raise, clear } = decideSilence({ silent, more, bound: BOUND, standing: alarms })
  return { raise: raise.map(({ subject }) => subject), clear }
}

describe('silence', () => {
  it('of a few phones is one alarm each', () => {
    expect(silence(silentOnes('a', 3)).raise).toEqual(['a-0', 'a-1', 'a-2'])
  })

  it('of a fifth of an account is one alarm for the account', () => {
    expect(silence(silentOnes('a', 5)).raise).toEqual(['account/a'])
    expect(silence(silentOnes('b', 40)).raise).toHaveLength(40)
    expect(silence(silentOnes('b', 200)).raise).toEqual(['account/b'])
  })

  it('of very many phones here and there is one alarm for everything', () => {
    const many = Array.from({ length: 60 }, (_, index) => silentOnes(`x${index}`, 2)).flat()
    expect(silence(many).raise).toEqual(['-'])
  })

  it('is not told again while it lasts, but an outage that grows is', () => {
    expect(silence(silentOnes('a', 2), [standing('a-0'), standing('a-1')]).raise).toEqual([])
    const outage = standing('account/a', { data: { silent: 5 } })
    expect(silence(silentOnes('a', 5), [outage]).raise).toEqual([])
    expect(silence(silentOnes('a', 6), [outage]).raise).toEqual(['account/a'])
  })

  it('is over when the phone is back, and an outage when most are', () => {
    expect(silence([], [standing('a-0')]).clear).toEqual(['alm-a-0'])
    const outage = standing('account/a', { data: { silent: 10 } })
    expect(silence(silentOnes('a', 3), [outage])).toEqual({ raise: ['a-0', 'a-1', 'a-2'], clear: ['alm-account/a'] })
  })

  it('is not taken for over while there are more silent phones than were looked at', () => {
    expect(silence(silentOnes('b', 400), [standing('c-1')], true).clear).toEqual([])
  })
})

const CALM: HourOfDownloads = {
  mac: 'm',
  accountId: 'a',
  total: 0,
  power: 0,
  periodic: 0,
  retry: 0,
  commanded: 0,
  unmatched: 0,
  periodSeconds: 3600,
}

describe('a loop', () => {
  const table: readonly (readonly [string, Partial<HourOfDownloads>, string, string])[] = [
    ['an hourly phone once', { total: 1 }, 'calm', 'too-often'],
    ['an hourly phone after a binding', { total: 4 }, 'calm', 'too-often'],
    ['more than explained, but few', { total: 8 }, 'unclear', 'too-often'],
    ['twice what is explained', { total: 12, periodic: 12 }, 'loop', 'too-often'],
    ['restarts', { total: 12, power: 10 }, 'loop', 'reboots'],
    ['retries', { total: 12, retry: 10 }, 'loop', 'retries'],
    ['a marker that never matches', { total: 12, unmatched: 11, periodic: 9 }, 'loop', 'marker-never-matches'],
    ['ten resyncs that were asked for', { total: 12, commanded: 10 }, 'calm', 'commanded'],
    ['a hundred resyncs that were asked for', { total: 100, commanded: 100 }, 'loop', 'commanded'],
    ['a phone that comes each minute as told', { total: 60, periodSeconds: 60 }, 'calm', 'too-often'],
    ['the same for one that comes by the platform’s period', { total: 60, periodSeconds: null }, 'loop', 'too-often'],
    ['a phone that never comes by itself', { total: 9, periodSeconds: 0 }, 'loop', 'too-often'],
  ]
  it.each(table)('%s', (_title, hour, state, reason) => {
    expect(judgeDownloads({ ...CALM, ...hour }, 86_400)).toMatchObject({ state, reason })
  })
})

describe('what the doors noticed', () => {
  const nothing = {
    downloads: [],
    networks: [],
    canaries: [],
    overload: { deferred: 0, 'closed-early': 0, 'given-up': 0, later: 0 },
  }
  const subjects = (drained: Partial<Parameters<typeof alarmsOf>[0]>) =>
    alarmsOf({ ...nothing, ...drained }, 'host:1').map(({ kind, subject }) => `${kind} ${subject}`)

  it('is nothing when nothing was', () => {
    expect(subjects({})).toEqual([])
    expect(subjects({ overload: { ...nothing.overload, deferred: 50 } })).toEqual([])
  })

  it('is overload as soon as one was closed or turned away, or very many waited', () => {
    expect(subjects({ overload: { ...nothing.overload, 'given-up': 1 } })).toEqual(['overload host:1'])
    expect(subjects({ overload: { ...nothing.overload, deferred: 500 } })).toEqual(['overload host:1'])
  })

  it('is one alarm a canary and a network, and one for a flood of networks', () => {
    const hit = { mac: 'c', peer: '192.0.2.1', at: T, door: 'http' }
    expect(subjects({ canaries: [hit, hit, { ...hit, mac: 'd' }] })).toEqual(['canary c', 'canary d'])
    const networks = Array.from({ length: 50 }, (_, index) => ({ network: `n${index}`, unknownMacs: 128, dropped: 2 }))
    expect(subjects({ networks: networks.slice(0, 2) })).toEqual(['unknown-macs n0', 'unknown-macs n1'])
    expect(subjects({ networks })).toEqual(['unknown-macs -'])
  })

  it('is over after a while; a canary only when somebody looked', () => {
    const at = (kind: StoredAlarm['kind'], state: StoredAlarm['state'], minutes: number) =>
      isOver(standing('x', { kind, state }), T + minutes * 60_000)
    expect([at('overload', 'open', 4), at('overload', 'open', 5)]).toEqual([false, true])
    expect([at('unknown-macs', 'open', 119), at('unknown-macs', 'open', 120)]).toEqual([false, true])
    expect([at('canary', 'open', 9999), at('canary', 'acknowledged', 60)]).toEqual([false, true])
    expect(at('silence', 'open', 9999)).toBe(false)
  })
})
