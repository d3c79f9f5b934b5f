/**
 * How a certified phone stands with us: one word that every door decides by.
 * Source: guide "Retail Distribution"; MPP §11.2. Pinning and release are Offhook's own rules, see docs/security.md.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import type { AccountFacts, DeviceFacts } from '../devices/types.ts'
import type { Evidence, FetchAnswer, FetchContent, NotedEvent, ProvenCertificate, RefusalReason } from './types.ts'

export type Standing =
  /** Nobody registered this MAC. */
  | 'unknown'
  /** Registered by nobody's account yet, or its account is gone. */
  | 'unowned'
  /** Registered by an account, not yet bound. */
  | 'registered'
  | 'held'
  | 'bound'
  | 'released'
  | 'disabled'
  /** The MAC is ours, the serial number is another. */
  | 'foreign'
  /** Proved by another CA than at first. */
  | 'wrong-ca'
  | 'expired'

/**
 * @param facts   of the certificate's own MAC
 * @param account whose policy for expired certificates counts: the device's own, or the one that a code names
 */
export function standingOf(
  certificate: ProvenCertificate,
  facts: DeviceFacts | undefined,
  account: AccountFacts | undefined = facts?.account,
): Standing {
  if (certificate.expired && account?.settings.expiredCertificates !== 'accept') return 'expired'
  if (facts === undefined) return 'unknown'
  const { device } = facts
  if (device.serial !== certificate.serial) return 'foreign'
  if (device.pinnedCa !== undefined && device.pinnedCa !== certificate.caFingerprint) return 'wrong-ca'
  if (device.state === 'known') return device.accountId === undefined ? 'unowned' : 'registered'
  return device.state
}

/** Whether user name and password were those of this device, and its account lets them speak for it. */
export function provedByCredentials(evidence: Evidence, facts: DeviceFacts): boolean {
  if (evidence.kind !== 'credentialed' || facts.device.mac !== evidence.mac) return false
  return facts.device.state === 'bound' && facts.account?.settings.credentialed === true
}

/** The event that a standing raises beside its refusal, if any. */
export function alarmOf(standing: Standing, mac: MacAddress, facts: DeviceFacts | undefined): NotedEvent | undefined {
  const common = { trust: 'certified', mac, accountId: facts?.device.accountId } as const
  switch (standing) {
    case 'foreign':
      return { ...common, name: 'identity.mismatch', data: { what: 'serial number differs from the registered one' } }
    case 'wrong-ca':
      return { ...common, name: 'identity.wrong-ca', data: {} }
    default:
      return undefined
  }
}

const REFUSALS: Readonly<Record<Standing, RefusalReason>> = {
  unknown: 'unknown-device',
  unowned: 'unknown-device',
  registered: 'unknown-device',
  held: 'unknown-device',
  bound: 'unknown-device',
  released: 'released-device',
  disabled: 'disabled-device',
  foreign: 'foreign-device',
  'wrong-ca': 'wrong-ca',
  expired: 'expired-certificate',
}

/** @returns why a phone of this standing is refused; undefined: nothing stands against it */
export function refusalOf(standing: Standing): RefusalReason | undefined {
  const reason = REFUSALS[standing]
  return reason === 'unknown-device' ? undefined : reason
}

/** The common refusal of a certified phone, with its alarm and a line in the timeline. */
export function refuseStanding(
  standing: Standing,
  certificate: ProvenCertificate,
  facts: DeviceFacts | undefined,
): FetchAnswer {
  const alarm = alarmOf(standing, certificate.mac, facts)
  return refusal(REFUSALS[standing], {
    mac: certificate.mac,
    accountId: facts?.device.accountId,
    trust: 'certified',
    events: alarm === undefined ? [] : [alarm],
  })
}

/** Another phone's certificate at this phone's URL: nothing leaves, and both timelines say so. */
export function refuseStranger(certificate: ProvenCertificate, named: MacAddress): FetchAnswer {
  return refusal('identity-mismatch', {
    mac: certificate.mac,
    trust: 'certified',
    events: strangerEvents(certificate, named),
  })
}

export function strangerEvents(certificate: ProvenCertificate, named: MacAddress): readonly NotedEvent[] {
  const data = { asked: named, certificate: certificate.mac }
  const event = { name: 'identity.mismatch', trust: 'certified', accountId: undefined, data } as const
  return [
    { ...event, mac: certificate.mac },
    { ...event, mac: named },
  ]
}

/** An answer with nothing to write and nothing to note. */
export function plainAnswer(content: FetchContent): FetchAnswer {
  return { content, commits: [], observations: [], events: [] }
}

/** One refusal for every reason; the reason goes to the timeline only. */
export function refusal(
  reason: RefusalReason,
  about: {
    readonly mac?: MacAddress
    readonly accountId?: string | undefined
    readonly trust?: NotedEvent['trust']
    readonly events?: readonly NotedEvent[]
  } = {},
): FetchAnswer {
  const noted: NotedEvent = {
    name: 'fetch.refused',
    trust: about.trust ?? 'claimed',
    mac: about.mac,
    accountId: about.accountId,
    data: { reason },
  }
  const events = about.mac === undefined ? [] : [...(about.events ?? []), noted]
  return { content: { kind: 'refusal', reason }, commits: [], observations: [], events }
}
