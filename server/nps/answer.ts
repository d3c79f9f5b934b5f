/**
 * The decision of the normal provisioning server: what may leave to whom. Pure; the same for TFTP, HTTP and HTTPS.
 *
 * |                                   | certified, TLS | credentialed, TLS | claimed MAC | none |
 * | own profile in clear              | yes            | if allowed        | never       | never |
 * | own profile sealed, /s/<path>     | yes            | yes               | yes         | yes: the path is the claim |
 * | bind by code                      | yes            | never             | never       | never |
 * | bind by Customer ID               | held           | never             | never       | never |
 * | first profile without secrets     | yes            | yes               | yes         | yes  |
 * | firmware                          | yes            | yes               | yes         | yes  |
 *
 * Source: guide "Retail Distribution", "Normal Provisioning Server"; docs/security.md holds the table with its reasons.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import { assertNever } from '../../protocol/result.ts'
import {
  type Fetch,
  type FetchAnswer,
  observationOf,
  plainAnswer,
  provedByCredentials,
  type ProvenCertificate,
  queryValue,
  refusal,
  refuseStanding,
  refuseStranger,
  type Route,
  standingOf,
  withBelieved,
} from '../fetch/mod.ts'
import { answerBinding } from './binding.ts'
import { answerReport } from './report.ts'
import { answerSealed } from './sealed.ts'

/** Routes of this door; RC has its own. */
export type NpsRoute = Exclude<Route, { kind: 'rc' } | { kind: 'rc-malformed' }>

/** @returns what goes to the phone, what must be written before, and what is noted after. Never throws. */
export function answerFetch(route: NpsRoute, fetch: Fetch): FetchAnswer {
  const upload = fetch.request.method === 'PUT' || fetch.request.method === 'POST'
  if (route.kind === 'report') return upload ? answerReport(route, fetch) : refusal('method')
  if (upload && fetch.request.door === 'tftp') return refusal('method')
  switch (route.kind) {
    case 'init':
      return answerInit(route.token, fetch)
    case 'ack':
      return answerAck(fetch)
    case 'sealed':
      return answerSealed(route, fetch)
    case 'product':
      return answerProfilePath(undefined, fetch)
    case 'mac':
      return answerProfilePath(route.mac, fetch)
    case 'firmware':
      return fetch.facts.firmware === undefined
        ? refusal('no-such-file')
        : plainAnswer({ kind: 'firmware', file: fetch.facts.firmware })
    case 'ca':
      return fetch.facts.platform.customCaUrl === undefined ? refusal('no-such-path') : plainAnswer({ kind: 'ca-file' })
    case 'unknown':
      return refusal('no-such-path')
    default:
      return assertNever(route)
  }
}

/** The permanent URL, and the binding URL when a code or Customer ID follows. */
function answerInit(token: string | undefined, fetch: Fetch): FetchAnswer {
  const { evidence } = fetch
  if (evidence.kind === 'certified') {
    return token === undefined ? ownProfile(evidence.certificate, fetch) : answerBinding(evidence.certificate, fetch)
  }
  if (evidence.kind === 'credentialed' && token === undefined) return credentialedProfile(evidence.mac, fetch)
  const asksForChallenge = token === undefined && queryValue(fetch.request.query, 'auth') !== undefined
  const unanswered = fetch.request.authorization === undefined || fetch.facts.staleNonce
  if (asksForChallenge && fetch.request.door === 'https' && unanswered) {
    return plainAnswer({ kind: 'challenge', stale: fetch.facts.staleNonce })
  }
  return refusal('no-evidence')
}

/** What a certified phone gets at any profile path of its own. */
function ownProfile(certificate: ProvenCertificate, fetch: Fetch): FetchAnswer {
  const { facts, request, now } = fetch
  const device = facts.device?.device
  const standing = standingOf(certificate, facts.device)
  const observation = observationOf(request, certificate.mac, 'certified', now)
  if (device === undefined) return refuseStanding(standing, certificate, facts.device)
  switch (standing) {
    case 'bound':
      return withBelieved(ownProfileInClear(device.mac), device, observation)
    case 'held':
      return withBelieved(plainAnswer({ kind: 'held-profile' }), device, observation)
    case 'registered':
      return bindRegistered(certificate, fetch)
    case 'released':
    case 'disabled':
      if (!device.farewellOwed) return refuseStanding(standing, certificate, facts.device)
      return withBelieved(farewell(certificate, device.accountId), device, observation)
    case 'unknown':
    case 'unowned':
    case 'foreign':
    case 'wrong-ca':
    case 'expired':
      return refuseStanding(standing, certificate, facts.device)
    default:
      return assertNever(standing)
  }
}

function ownProfileInClear(mac: MacAddress): FetchAnswer {
  return plainAnswer({ kind: 'own-profile', mac, envelope: { kind: 'clear' } })
}

/** A phone that its account registered in advance is bound by its certificate alone. */
function bindRegistered(certificate: ProvenCertificate, fetch: Fetch): FetchAnswer {
  const device = fetch.facts.device?.device
  if (device?.accountId === undefined) return refuseStanding('unowned', certificate, fetch.facts.device)
  const answer: FetchAnswer = {
    ...ownProfileInClear(certificate.mac),
    commits: [
      {
        kind: 'bind',
        certificate,
        accountId: device.accountId,
        by: 'registration',
        codeId: undefined,
        windowId: undefined,
        lineIds: [],
      },
    ],
  }
  return withBelieved(answer, device, observationOf(fetch.request, certificate.mac, 'certified', fetch.now))
}

/** Lines off, secrets cleared, rule kept: served once. */
function farewell(certificate: ProvenCertificate, accountId: string | undefined): FetchAnswer {
  return {
    content: { kind: 'farewell-profile', mac: certificate.mac, envelope: { kind: 'clear' } },
    commits: [{ kind: 'farewell-served', mac: certificate.mac }],
    observations: [],
    events: [{ name: 'device.farewell', trust: 'certified', mac: certificate.mac, accountId, data: {} }],
  }
}

function credentialedProfile(mac: MacAddress, fetch: Fetch): FetchAnswer {
  const { facts } = fetch
  const { device } = facts
  if (device === undefined || !provedByCredentials(fetch.evidence, device))
    return refusal('wrong-credentials', { mac, trust: 'claimed' })
  const observation = observationOf(fetch.request, mac, 'credentialed', fetch.now)
  return withBelieved(ownProfileInClear(mac), device.device, observation)
}

/**
 * `/<PSN>.xml`, `/<any>/<mac>.cfg`: the own profile for a phone that proved itself, else the first profile,
 * which is the same for every MAC.
 * @param named the MAC in the path, if one is
 */
function answerProfilePath(named: MacAddress | undefined, fetch: Fetch): FetchAnswer {
  const { evidence, facts } = fetch
  if (evidence.kind === 'credentialed' && facts.device !== undefined && provedByCredentials(evidence, facts.device)) {
    if (named === undefined || named === evidence.mac) return credentialedProfile(evidence.mac, fetch)
  }
  if (evidence.kind !== 'certified') return plainAnswer({ kind: 'first-profile' })
  const { certificate } = evidence
  if (named !== undefined && named !== certificate.mac) return refuseStranger(certificate, named)
  const standing = standingOf(certificate, facts.device)
  if (standing === 'unknown' || standing === 'unowned') return plainAnswer({ kind: 'first-profile' })
  return ownProfile(certificate, fetch)
}

/** Always 200 with an empty profile: it carries nothing and says that a file was applied. */
function answerAck(fetch: Fetch): FetchAnswer {
  const answer = plainAnswer({ kind: 'empty-profile' })
  const { evidence, facts } = fetch
  const { device } = facts
  if (device === undefined || (evidence.kind !== 'certified' && evidence.kind !== 'credentialed')) return answer
  const believed =
    evidence.kind === 'certified'
      ? standingOf(evidence.certificate, device) === 'bound'
      : provedByCredentials(evidence, device)
  if (!believed) return answer
  return withBelieved(answer, device.device, observationOf(fetch.request, device.device.mac, evidence.kind, fetch.now))
}
