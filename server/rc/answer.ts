/**
 * The redirect for sealed phones. It answers a certified phone whose MAC and serial number match with a profile that
 * sets Profile_Rule, and everybody else with the empty 200 of an unowned phone; it never carries a code or a secret.
 * Source: MPP §9.2.
 */
import {
  alarmOf,
  type Fetch,
  type FetchAnswer,
  type FetchFacts,
  type NotedEvent,
  observationOf,
  plainAnswer,
  type ProvenCertificate,
  type Route,
  type Standing,
  standingOf,
  strangerEvents,
} from '../fetch/mod.ts'

export type RcRoute = Extract<Route, { kind: 'rc' } | { kind: 'rc-malformed' }>

/** Standings that own a profile rule here. */
const REDIRECTED: readonly Standing[] = ['registered', 'bound']

/** @param fetch its `facts.device` is the device of the id in the query */
export function answerRc(route: RcRoute, fetch: Fetch): FetchAnswer {
  const { evidence, facts, request, now } = fetch
  if (route.kind === 'rc-malformed') return plainAnswer({ kind: 'rc-empty' })
  if (evidence.kind === 'certified') {
    const { certificate } = evidence
    if (certificate.mac !== route.mac || certificate.serial !== route.serial)
      return { ...plainAnswer({ kind: 'rc-empty' }), events: strangerEvents(certificate, route.mac) }
    const standing = standingOf(certificate, facts.device)
    const owned = REDIRECTED.includes(standing)
    const alarm = alarmOf(standing, certificate.mac, facts.device)
    return {
      ...plainAnswer(owned ? { kind: 'rc-redirect' } : { kind: 'rc-empty' }),
      observations: owned ? [observationOf(request, certificate.mac, 'certified', now)] : [],
      events: [alarm ?? rcEvent(owned ? 'rc.redirected' : 'rc.unowned', certificate, facts)],
    }
  }
  const open = facts.device?.account?.settings.rcForClaimed === true && facts.device.device.serial === route.serial
  const owned = facts.device?.device.state === 'known' || facts.device?.device.state === 'bound'
  return plainAnswer(open && owned ? { kind: 'rc-redirect' } : { kind: 'rc-empty' })
}

function rcEvent(name: 'rc.redirected' | 'rc.unowned', certificate: ProvenCertificate, facts: FetchFacts): NotedEvent {
  return {
    name,
    trust: 'certified',
    mac: certificate.mac,
    accountId: facts.device?.device.accountId,
    data: { serial: certificate.serial, productName: certificate.productName },
  }
}
