/**
 * The life of a fetch: route, evidence, facts, decision, commit, delivery. Only the decision thinks, and it is pure;
 * the rest loads, writes and renders. TFTP, HTTP and HTTPS render the same delivery in their own words.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import { assertNever, type Millis } from '../../protocol/result.ts'
import type { DeviceFacts, Observation, Sighting } from '../devices/mod.ts'
import {
  answersOldChallenge,
  checkCredentials,
  credentialChallenge,
  credentialedMac,
  type Evidence,
  type Fetch,
  type FetchAnswer,
  type FetchContent,
  type FetchFacts,
  type FetchRequest,
  type FirmwareFacts,
  identify,
  type NotedEvent,
  type Route,
  routePath,
  sightingOf,
} from '../fetch/mod.ts'
import type { Signals } from '../metrics/mod.ts'
import type { PlatformFacts } from '../profiles/mod.ts'
import type { Renderings } from './renderings.ts'
import { returnPeriod } from './return-period.ts'
import type { SourceLimits } from './source-limits.ts'
import type { WrongTokens } from './wrong-tokens.ts'

/** What a door sends, whatever it speaks. */
export type Delivery =
  | { readonly kind: 'bytes'; readonly contentType: string; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly file: FirmwareFacts }
  /** 200 with nothing in it: an unowned phone at RC, a report that was taken. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'challenge'; readonly header: string }
  /** Too much from one address just now: the phone keeps what it has and comes back. */
  | { readonly kind: 'later' }
  | { readonly kind: 'refusal' }

/** At once where memory knows it. */
type Soon<T> = T | Promise<T>

/** The store as this door needs it; `server/main.ts` puts it together. */
export interface FetchStore {
  device(mac: MacAddress): Soon<DeviceFacts | undefined>
  /** Whether a MAC is one of ours, from memory alone. */
  knows(mac: MacAddress): boolean
  macOfPath(profilePath: string): Soon<MacAddress | undefined>
  code(token: string): Promise<FetchFacts['code']>
  customer(customerId: string): Promise<FetchFacts['customer']>
  firmware(name: string): Promise<FirmwareFacts | undefined>
  /**
   * Decides again under the locks of the rows concerned and writes what was decided, all in one transaction.
   * @returns the answer that holds, and the device as it is after the writes
   */
  decideAndCommit(
    keys: { readonly mac: MacAddress; readonly token: string | undefined },
    decide: (facts: Pick<FetchFacts, 'device' | 'code' | 'customer'>) => FetchAnswer,
  ): Promise<{ readonly answer: FetchAnswer; readonly device: DeviceFacts | undefined }>
  /** May be lost in a crash. */
  note(
    events: readonly (NotedEvent & { peer: string })[],
    observations: readonly Observation[],
    /** A profile of a version that its device had not been served before. */
    served?: ServedVersion,
  ): void
  /** That a phone turned up. May be lost in a crash. */
  sighted(sighting: Sighting): void
}

export interface ServedVersion {
  readonly mac: MacAddress
  readonly version: string
  /** The text, secrets included. */
  readonly bytes: Uint8Array
}

export interface ServeContext {
  readonly store: FetchStore
  readonly decide: (route: Route, fetch: Fetch) => FetchAnswer
  readonly platform: () => PlatformFacts
  readonly caPem: () => string
  readonly renderings: Renderings
  readonly wrongTokens: WrongTokens
  readonly limits: SourceLimits
  readonly signals: Signals
  readonly nonceKey: Uint8Array
  readonly now: () => Millis
  /** One line a fetch, for who looks for a fault. Never the path: it may be a code or the way to a sealed profile. */
  readonly access?: (line: Readonly<Record<string, string | number | undefined>>) => void
}

/** Answers one fetch. Throws only when the machine failed (database, disk); the door then answers 503 or its like. */
export async function serveFetch(context: ServeContext, request: FetchRequest): Promise<Delivery> {
  return serveFetchSoon(context, request)
}

/** The same; what needs no question to the database, as nearly every refusal, is answered at once. */
export function serveFetchSoon(context: ServeContext, request: FetchRequest): Delivery | Promise<Delivery> {
  const now = context.now()
  const route = routePath(request.path, request.query)
  if (request.authorization !== undefined) return serveCredentialed(context, request, route, now)
  // Without credentials to check, a claim costs nothing before it is known to be heard.
  const evidence = identify(request, route)
  if (!isHeard(context, { request, route, evidence, now })) return logged(context, { request, route, evidence }, LATER)
  const device = subject(context, route, evidence)
  if (device instanceof Promise) {
    return device.then((known) => answerHeard(context, route, { request, evidence, device: known, now }))
  }
  return answerHeard(context, route, { request, evidence, device, now })
}

async function serveCredentialed(
  context: ServeContext,
  request: FetchRequest,
  route: Route,
  now: Millis,
): Promise<Delivery> {
  const { evidence, device } = await evidenceAndDevice(context, request, route, now)
  if (!isHeard(context, { request, route, evidence, now })) return logged(context, { request, route, evidence }, LATER)
  return answerHeard(context, route, { request, evidence, device, now })
}

function logged(
  { access }: ServeContext,
  { request, route, evidence }: { readonly request: FetchRequest; readonly route: Route; readonly evidence: Evidence },
  delivery: Delivery,
): Delivery {
  access?.({
    event: 'fetch',
    door: request.door,
    route: route.kind,
    evidence: evidence.kind,
    mac: namedMac(request, route, evidence),
    peer: request.peer,
    outcome: delivery.kind,
  })
  return delivery
}

const LATER: Delivery = { kind: 'later' }

type Asked = Omit<Fetch, 'facts'> & { readonly device: DeviceFacts | undefined }

function answerHeard(context: ServeContext, route: Route, asked: Asked): Delivery | Promise<Delivery> {
  const lookups = lookUp(context, route, asked.evidence)
  return lookups === undefined
    ? answerWith(context, route, asked, {})
    : lookups.then((found) => answerWith(context, route, asked, found))
}

function answerWith(context: ServeContext, route: Route, asked: Asked, found: LookedUp): Delivery | Promise<Delivery> {
  const { request, evidence, device, now } = asked
  const fetch: Fetch = { request, evidence, facts: factsOf(context, asked, found), now }
  const first = context.decide(route, fetch)
  if (first.commits.length === 0) return settle(context, route, fetch, { answer: first, device })
  return commit(context, route, fetch).then((settled) => settle(context, route, fetch, settled))
}

interface Settled {
  readonly answer: FetchAnswer
  readonly device: DeviceFacts | undefined
}

function settle(context: ServeContext, route: Route, { request, evidence, now }: Fetch, settled: Settled): Delivery {
  noteAnswer(context, request, settled, evidence, now)
  noteSighting(context, sightingOf({ request, route, evidence }, settled.answer, now), now)
  noteDownload(context, settled)
  const tooMuch = isStrangersFirmware(settled.answer, evidence) && !context.limits.firmware.take(request.peer, now)
  const delivery = tooMuch ? LATER : deliver(context, settled.answer.content, settled.device, now)
  return logged(context, { request, route, evidence }, delivery)
}

/**
 * Whether a request that names a MAC without proof is answered at all. A network that tries too many unknown MACs is not
 * heard for a while, whatever MAC it names: known and unknown ones get the same. Whoever proves who he is never comes
 * here, so a search from behind the same address does not hurt certified phones.
 */
function isHeard(
  { signals, store }: ServeContext,
  asked: { readonly request: FetchRequest; readonly route: Route; readonly evidence: Evidence; readonly now: Millis },
): boolean {
  const { request, route, evidence, now } = asked
  const mac = namedMac(request, route, evidence)
  if (mac === undefined) return true
  const { peer, door } = request
  const proven = provenMac(evidence) !== undefined
  const asks = macOfRoute(route) !== undefined || credentialedMac(request) !== undefined
  if (!proven && asks) return signals.claimed({ mac, peer, known: store.knows(mac), door, at: now })
  signals.named(mac, peer, door, now)
  return true
}

/** The MAC that a request is about or comes from, proved or not. */
function namedMac(request: FetchRequest, route: Route, evidence: Evidence): MacAddress | undefined {
  const named = macOfRoute(route) ?? provenMac(evidence)
  if (named !== undefined) return named
  return credentialedMac(request) ?? (evidence.kind === 'claimed' ? evidence.mac : undefined)
}

function macOfRoute(route: Route): MacAddress | undefined {
  return route.kind === 'mac' || route.kind === 'rc' || route.kind === 'report' ? route.mac : undefined
}

/** A phone whose profile travels sealed proves itself afterwards, when it acknowledges what it has applied. */
function noteDownload(context: ServeContext, { answer, device }: Settled): void {
  if (device?.device.state !== 'bound') return
  const { content, observations } = answer
  const whole =
    content.kind === 'own-profile' ||
    (content.kind === 'empty-profile' && device.account?.settings.delivery === 'sealed')
  const believed = whole ? observations.find(({ trust }) => trust !== 'claimed') : undefined
  if (believed === undefined) return
  const { runningVersion } = believed
  const { servedVersion } = device.device
  context.signals.downloaded({
    mac: device.device.mac,
    at: believed.at,
    cause: believed.cause,
    unmatched: runningVersion !== undefined && servedVersion !== undefined && runningVersion !== servedVersion,
    periodSeconds: returnPeriod(device, context.platform()),
  })
}

/** Firmware holds no secret, so anybody may have it, but not as fast as he likes. */
function isStrangersFirmware(answer: FetchAnswer, evidence: Evidence): boolean {
  return answer.content.kind === 'firmware' && evidence.kind !== 'certified' && evidence.kind !== 'credentialed'
}

async function evidenceAndDevice(
  context: ServeContext,
  request: FetchRequest,
  route: Route,
  now: Millis,
): Promise<{ evidence: Evidence; device: DeviceFacts | undefined }> {
  const evidence = identify(request, route)
  if (evidence.kind === 'certified') return { evidence, device: await subject(context, route, evidence) }
  const mac = credentialedMac(request)
  const owner = mac === undefined ? undefined : await context.store.device(mac)
  const password = owner?.secrets?.uidPassword
  if (mac !== undefined && password !== undefined && checkCredentials(request, password, now, context.nonceKey)) {
    const proven: Evidence = { kind: 'credentialed', mac }
    return { evidence: proven, device: await subject(context, route, proven) }
  }
  return { evidence, device: await subject(context, route, evidence) }
}

/** The device that this request is about: the path's owner where the path names one, else who asks. */
function subject(context: ServeContext, route: Route, evidence: Evidence): Soon<DeviceFacts | undefined> {
  const mac = subjectMac(context, route, evidence)
  if (mac instanceof Promise) return mac.then((known) => (known === undefined ? known : context.store.device(known)))
  return mac === undefined ? undefined : context.store.device(mac)
}

function subjectMac(context: ServeContext, route: Route, evidence: Evidence): Soon<MacAddress | undefined> {
  switch (route.kind) {
    case 'sealed':
      return context.store.macOfPath(route.profilePath)
    case 'report':
      if (route.profilePath !== undefined) return context.store.macOfPath(route.profilePath)
      return route.mac ?? provenMac(evidence)
    case 'rc':
      return route.mac
    case 'init':
    case 'ack':
    case 'product':
    case 'mac':
      return provenMac(evidence)
    case 'firmware':
    case 'ca':
    case 'rc-malformed':
    case 'unknown':
      return undefined
    default:
      return assertNever(route)
  }
}

function provenMac(evidence: Evidence): MacAddress | undefined {
  if (evidence.kind === 'certified') return evidence.certificate.mac
  return evidence.kind === 'credentialed' ? evidence.mac : undefined
}

/** What only some routes need. */
type LookedUp = Partial<Pick<FetchFacts, 'code' | 'customer' | 'firmware'>>

/** @returns undefined: there is nothing to look up */
function lookUp({ store }: ServeContext, route: Route, evidence: Evidence): Promise<LookedUp> | undefined {
  if (route.kind === 'firmware') return store.firmware(route.file).then((firmware) => ({ firmware }))
  const token = route.kind === 'init' && evidence.kind === 'certified' ? route.token : undefined
  if (token === undefined) return undefined
  return Promise.all([store.code(token), store.customer(token)]).then(([code, customer]) => ({ code, customer }))
}

function factsOf(context: ServeContext, { request, evidence, device, now }: Asked, found: LookedUp): FetchFacts {
  return {
    platform: context.platform(),
    device,
    code: found.code,
    customer: found.customer,
    firmware: found.firmware,
    wrongTokens: evidence.kind === 'certified' ? context.wrongTokens.count(evidence.certificate.mac, now) : 0,
    staleNonce: answersOldChallenge(request, now, context.nonceKey),
  }
}

async function commit(context: ServeContext, route: Route, fetch: Fetch): Promise<Settled> {
  const mac = fetch.facts.device?.device.mac ?? provenMac(fetch.evidence)
  if (mac === undefined) throw new Error('Assertion failed: a decision to write names no device')
  const token = route.kind === 'init' ? route.token : undefined
  return context.store.decideAndCommit({ mac, token }, (fresh) =>
    context.decide(route, { ...fetch, facts: { ...fetch.facts, ...fresh } }),
  )
}

const TOKEN_REFUSALS: readonly string[] = ['wrong-code', 'wrong-customer-id', 'bound-elsewhere']

function noteAnswer(
  context: ServeContext,
  request: FetchRequest,
  settled: Settled,
  evidence: Evidence,
  now: Millis,
): void {
  const { content, events } = settled.answer
  if (content.kind === 'refusal' && evidence.kind === 'certified' && TOKEN_REFUSALS.includes(content.reason)) {
    context.wrongTokens.add(evidence.certificate.mac, now)
  }
  const noted = withVersions(context, settled)
  const all = noted.events.length === 0 ? events : [...events, ...noted.events]
  const { observations, served } = noted
  if (all.length === 0 && observations.length === 0 && served === undefined) return
  // Whoever only claims to be a phone fills no timeline: beyond the bound of its address nothing is noted.
  const claims = all.some(isClaimed) || observations.some(isClaimed)
  const heard = !claims || context.limits.claims.take(request.peer, now)
  const told = isToldOften(context, settled.answer, evidence, now) ? all.filter(({ name }) => name !== REFUSED) : all
  const kept = heard ? told : told.filter((each) => !isClaimed(each))
  const seen = heard ? observations : observations.filter((each) => !isClaimed(each))
  if (kept.length === 0 && seen.length === 0 && served === undefined) return
  context.store.note(
    kept.map((event) => ({ ...event, peer: request.peer })),
    seen,
    served,
  )
}

function noteSighting({ store, limits }: ServeContext, sighting: Sighting | undefined, now: Millis): void {
  if (sighting === undefined) return
  if (sighting.source === 'path' && !limits.sightings.take(sighting.address, now)) return
  store.sighted(sighting)
}

const REFUSED = 'fetch.refused'

/** A phone that nobody has entered asks again and again; its timeline has enough of it. */
function isToldOften({ limits }: ServeContext, { content }: FetchAnswer, evidence: Evidence, now: Millis): boolean {
  if (content.kind !== 'refusal' || evidence.kind !== 'certified') return false
  return !limits.refused.take(evidence.certificate.mac, now)
}

function isClaimed({ trust }: { readonly trust: Observation['trust'] }): boolean {
  return trust === 'claimed'
}

/**
 * The version that was served: of this answer, or, for a phone whose sealed file went out unproved, the one that it now
 * says it runs, if that is the wanted one.
 */
function withVersions(
  context: ServeContext,
  { answer, device }: Settled,
): {
  readonly observations: readonly Observation[]
  readonly events: readonly NotedEvent[]
  readonly served?: ServedVersion
} {
  const { content, observations } = answer
  const believed = observations.find(({ trust }) => trust !== 'claimed')
  if (device?.device.state !== 'bound' || believed === undefined) return { observations, events: [] }
  const { mac, accountId, servedVersion } = device.device
  const running = believed.runningVersion
  if (content.kind !== 'own-profile' && (running === undefined || running === servedVersion)) {
    return { observations, events: [] }
  }
  const { version, bytes } = context.renderings.own(device, context.platform())
  const served = content.kind === 'own-profile' || running === version
  if (!served || version === servedVersion) return { observations, events: [] }
  return {
    observations: observations.map((each) => ({ ...each, servedVersion: version })),
    events: [{ name: 'profile.served', trust: believed.trust, mac, accountId, data: { version } }],
    served: { mac, version, bytes },
  }
}

const XML = 'text/xml; charset=utf-8'

function deliver(context: ServeContext, content: FetchContent, device: DeviceFacts | undefined, now: Millis): Delivery {
  const { renderings } = context
  const platform = context.platform()
  switch (content.kind) {
    case 'own-profile': {
      if (device === undefined) throw new Error('Assertion failed: an own profile without a device')
      if (content.envelope.kind === 'clear') return xml(renderings.own(device, platform).bytes)
      return sealed(renderings.sealed(device, platform, content.envelope.generation))
    }
    case 'farewell-profile':
      if (device === undefined) throw new Error('Assertion failed: a farewell without a device')
      if (content.envelope.kind === 'clear') return xml(renderings.farewell(device, platform))
      return sealed(renderings.sealedFarewell(device, platform, content.envelope.generation))
    case 'held-profile':
      return xml(renderings.held(platform))
    case 'first-profile':
      return xml(renderings.first(platform))
    case 'empty-profile':
      return xml(renderings.empty())
    case 'rc-redirect':
      return xml(renderings.rcRedirect(platform))
    case 'rc-empty':
    case 'report-taken':
      return { kind: 'empty' }
    case 'ca-file':
      return { kind: 'bytes', contentType: 'application/x-pem-file', bytes: new TextEncoder().encode(context.caPem()) }
    case 'firmware':
      return { kind: 'file', file: content.file }
    case 'challenge':
      return { kind: 'challenge', header: credentialChallenge(now, context.nonceKey, content.stale) }
    case 'refusal':
      return { kind: 'refusal' }
    default:
      return assertNever(content)
  }
}

function sealed(bytes: Uint8Array): Delivery {
  return { kind: 'bytes', contentType: 'application/octet-stream', bytes }
}

function xml(bytes: Uint8Array): Delivery {
  return { kind: 'bytes', contentType: XML, bytes }
}
