/** Which silence is worth an alarm: of one phone, of an account, of everything. Pure. */
import type { NewAlarm, SilentDevice, StoredAlarm } from '../../store/mod.ts'

/** So many and such a share of an account's phones at once are an outage there, not so many broken phones. */
const OUTAGE_LEAST = 5
const OUTAGE_SHARE = 0.2
/** It is over when fewer than half of that share are silent. */
const OVER_SHARE = 0.1
/** So many phones of different accounts that fall silent at once are an outage of ours or of the network. */
const AT_ONCE_MAX = 50
/** MACs that an outage names. */
const NAMED_MAX = 20

export interface SilenceFacts {
  /** All that are silent now. */
  readonly silent: readonly SilentDevice[]
  /** Whether there are more than these: then nothing is taken for over. */
  readonly more: boolean
  /** Bound devices by account. */
  readonly bound: ReadonlyMap<string, number>
  readonly standing: readonly StoredAlarm[]
}

export interface SilenceDecision {
  readonly raise: readonly NewAlarm[]
  readonly clear: readonly string[]
}

const EVERYTHING = '-'

/** One alarm a phone, but one for all of an account, and one for all of many accounts: nobody gets ten thousand mails. */
export function decideSilence({ silent, more, bound, standing }: SilenceFacts): SilenceDecision {
  const standingBySubject = new Map(standing.map((alarm) => [alarm.subject, alarm]))
  const byAccount = groupByAccount(silent)
  const outages = new Map<string, NewAlarm>()
  for (const [accountId, devices] of byAccount) {
    const subject = `account/${accountId}`
    const share = devices.length / Math.max(1, bound.get(accountId) ?? devices.length)
    const least = standingBySubject.has(subject) ? OVER_SHARE : OUTAGE_SHARE
    if (devices.length >= OUTAGE_LEAST && share >= least)
      outages.set(subject, outageOf(subject, devices, bound, accountId))
  }
  const single = silent.filter(({ accountId }) => !outages.has(`account/${accountId}`))
  const news = single.filter(({ mac }) => !standingBySubject.has(mac))
  const everything = news.length > AT_ONCE_MAX || outages.size > AT_ONCE_MAX
  const stillEverything = standingBySubject.has(EVERYTHING) && silent.length > AT_ONCE_MAX
  const candidates: readonly NewAlarm[] =
    everything || stillEverything
      ? [outageOf(EVERYTHING, silent, bound, undefined)]
      : [...outages.values(), ...news.map(alarmOf)]
  const raise = candidates.filter((alarm) => isNews(alarm, standingBySubject.get(alarm.subject)))
  const kept = new Set([
    ...silent.map(({ mac }) => mac),
    ...outages.keys(),
    ...candidates.map(({ subject }) => subject),
  ])
  return { raise, clear: more ? [] : standing.filter(({ subject }) => !kept.has(subject)).map(({ id }) => id) }
}

/** An outage that grows or shrinks is told anew in its one alarm. */
function isNews(alarm: NewAlarm, standing: StoredAlarm | undefined): boolean {
  return standing === undefined || standing.data['silent'] !== alarm.data['silent']
}

function groupByAccount(silent: readonly SilentDevice[]): ReadonlyMap<string, readonly SilentDevice[]> {
  const groups = new Map<string, SilentDevice[]>()
  for (const device of silent) {
    const group = groups.get(device.accountId)
    if (group === undefined) groups.set(device.accountId, [device])
    else group.push(device)
  }
  return groups
}

function alarmOf({ mac, accountId, lastAt, periodSeconds }: SilentDevice): NewAlarm {
  return {
    kind: 'silence',
    subject: mac,
    mac,
    accountId,
    data: {
      lastAt: lastAt.toISOString(),
      periodSeconds,
      advice:
        'See if the phone has power and network, and if anybody moved it. It was last heard of at the time above.',
    },
  }
}

function outageOf(
  subject: string,
  devices: readonly SilentDevice[],
  bound: ReadonlyMap<string, number>,
  accountId: string | undefined,
): NewAlarm {
  const all = accountId === undefined ? [...bound.values()].reduce((sum, each) => sum + each, 0) : bound.get(accountId)
  return {
    kind: 'silence',
    subject,
    ...(accountId === undefined ? {} : { accountId }),
    data: {
      outage: true,
      silent: devices.length,
      bound: all ?? devices.length,
      macs: devices.slice(0, NAMED_MAX).map(({ mac }) => mac),
      advice: 'So many at once are rarely broken phones: look at power, the access line, DNS and firewalls on the way.',
    },
  }
}
