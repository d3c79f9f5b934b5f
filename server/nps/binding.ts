/**
 * Binding by a one-time code, by a registration that came before, or by a Customer ID inside an open window.
 * A code is a secret and binds; a Customer ID can be guessed and only gets a phone held.
 * Source: guide "Retail Distribution": the Customer ID or alphanumeric code in the resync URL.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import { assertNever } from '../../protocol/result.ts'
import { isPublicAddress } from '../devices/mod.ts'
import type { AccountFacts, Device } from '../devices/types.ts'
import {
  type CodeFacts,
  type CustomerFacts,
  type Fetch,
  type FetchAnswer,
  type FetchCommit,
  type FetchFacts,
  type NotedEvent,
  observationOf,
  plainAnswer,
  type ProvenCertificate,
  refusal,
  refuseStanding,
  type Standing,
  standingOf,
  strangerEvents,
  type WindowFacts,
  withBelieved,
} from '../fetch/mod.ts'

/**
 * Wrong codes and Customer IDs of one certificate within an hour before it is locked out. A person may mistype ten
 * digits a few times; what a guesser gets out of so many is worked out in docs/security.md.
 */
export const WRONG_TOKENS_MAX = 20

/** @returns the own profile with the binding to commit, the held profile, or the common refusal. */
export function answerBinding(certificate: ProvenCertificate, fetch: Fetch): FetchAnswer {
  const { facts } = fetch
  const about = { mac: certificate.mac, trust: 'certified' } as const
  if (facts.wrongTokens >= WRONG_TOKENS_MAX) return refusal('locked-out', about)
  const standing = standingOf(certificate, facts.device, policyAccount(facts))
  if (standing === 'expired' || standing === 'foreign' || standing === 'wrong-ca' || standing === 'disabled') {
    return refuseStanding(standing, certificate, facts.device)
  }
  if (facts.code !== undefined) return answerCode(facts.code, standing, certificate, fetch)
  if (facts.customer !== undefined) return answerCustomer(facts.customer, standing, certificate, fetch)
  return refusal('wrong-code', about)
}

/** Whose policy counts: the account that owns the device, else the one that the phone comes to. */
function policyAccount({ device, code, customer }: FetchFacts): AccountFacts | undefined {
  const owner = device?.device.accountId === undefined ? undefined : device.account
  return owner ?? code?.account ?? customer?.account
}

function answerCode(code: CodeFacts, standing: Standing, certificate: ProvenCertificate, fetch: Fetch): FetchAnswer {
  const about = { mac: certificate.mac, trust: 'certified' } as const
  const device = fetch.facts.device?.device
  // Whoever was released since has had its turn: the code that it came with does not bring it back.
  const usedBefore = code.usedBy.includes(certificate.mac)
  const inTurn = usedBefore ? standing === 'bound' : code.usedBy.length < code.devices
  const usable = !code.revoked && fetch.now < code.expiresAt && inTurn
  if (!usable) return refusal('wrong-code', about)
  if (code.forMac !== undefined && code.forMac !== certificate.mac) {
    return refusal('wrong-code', { ...about, events: strangerEvents(certificate, code.forMac) })
  }
  if (ownedElsewhere(standing, device, code.account.id)) return refuseElsewhere(certificate, device, code.account)
  // A code for one phone was made for a phone of this account: it does not bring back one that was let go since.
  if (code.forMac !== undefined && device?.accountId !== code.account.id) return refusal('wrong-code', about)
  // Its first answer may have been lost: the same device gets the same profile until the code's time ends.
  if (standing === 'bound' && device !== undefined) return sameAgain(device, fetch)
  return bind(certificate, fetch, {
    kind: 'bind',
    certificate,
    accountId: code.account.id,
    by: 'code',
    codeId: code.id,
    windowId: undefined,
    lineIds: code.lineIds,
  })
}

function answerCustomer(
  customer: CustomerFacts,
  standing: Standing,
  certificate: ProvenCertificate,
  fetch: Fetch,
): FetchAnswer {
  const device = fetch.facts.device?.device
  const { account } = customer
  if (ownedElsewhere(standing, device, account.id)) return refuseElsewhere(certificate, device, account)
  if (standing === 'bound' && device !== undefined) return sameAgain(device, fetch)
  const toAccount = { kind: 'bind', certificate, accountId: account.id, codeId: undefined, lineIds: [] } as const
  if (standing === 'registered')
    return bind(certificate, fetch, { ...toAccount, by: 'registration', windowId: undefined })
  if (standing === 'held' && device?.heldAccountId === account.id) {
    return withBelieved(plainAnswer({ kind: 'held-profile' }), device, certifiedObservation(certificate, fetch))
  }
  const window = customer.windows.find((each) => each.left > 0 && fetch.now < each.until)
  if (window === undefined) return refusal('wrong-customer-id', { mac: certificate.mac, trust: 'certified' })
  if (sharesPublicAddress(window, fetch.request.peer)) {
    return bind(certificate, fetch, { ...toAccount, by: 'window', windowId: window.id })
  }
  return hold(certificate, fetch, account, window)
}

/** Bound to, or registered by, an account other than the one that the phone came with. */
function ownedElsewhere(standing: Standing, device: Device | undefined, accountId: string): boolean {
  switch (standing) {
    case 'bound':
    case 'registered':
      return device?.accountId !== accountId
    case 'unknown':
    case 'unowned':
    case 'held':
    case 'released':
    case 'disabled':
    case 'foreign':
    case 'wrong-ca':
    case 'expired':
      return false
    default:
      return assertNever(standing)
  }
}

/** Refused like a wrong code; both accounts see why. */
function refuseElsewhere(certificate: ProvenCertificate, device: Device | undefined, asked: AccountFacts): FetchAnswer {
  const event = { name: 'binding.refused', trust: 'certified', mac: certificate.mac, data: {} } as const
  const events: NotedEvent[] = [
    { ...event, accountId: device?.accountId },
    { ...event, accountId: asked.id },
  ]
  return refusal('bound-elsewhere', { mac: certificate.mac, trust: 'certified', events })
}

function sameAgain(device: Device, fetch: Fetch): FetchAnswer {
  const observation = observationOf(fetch.request, device.mac, 'certified', fetch.now)
  return withBelieved(own(device.mac), device, observation)
}

function own(mac: MacAddress): FetchAnswer {
  return plainAnswer({ kind: 'own-profile', mac, envelope: { kind: 'clear' } })
}

function certifiedObservation(certificate: ProvenCertificate, fetch: Fetch) {
  return observationOf(fetch.request, certificate.mac, 'certified', fetch.now)
}

function bind(certificate: ProvenCertificate, fetch: Fetch, commit: FetchCommit): FetchAnswer {
  return { ...own(certificate.mac), commits: [commit], observations: [certifiedObservation(certificate, fetch)] }
}

function hold(certificate: ProvenCertificate, fetch: Fetch, account: AccountFacts, window: WindowFacts): FetchAnswer {
  return {
    content: { kind: 'held-profile' },
    commits: [{ kind: 'hold', certificate, accountId: account.id, windowId: window.id }],
    observations: [certifiedObservation(certificate, fetch)],
    events: [],
  }
}

/** Private and loopback addresses are shared by strangers behind one router: they prove nothing. */
function sharesPublicAddress(window: WindowFacts, peer: string): boolean {
  return window.openedFrom === peer && isPublicAddress(peer)
}
