/**
 * The life of a fetch: route, evidence, facts, decision, commit, delivery. Only the decision thinks, and it is pure;
 * the rest loads, writes and renders. TFTP, HTTP and HTTPS render the same delivery in their own words.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import { assertNever, type Millis } from '../../protocol/result.ts'
import type { DeviceFacts, Observation } from '../devices/mod.ts'
import {
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
} from '../fetch/mod.ts'
import type { PlatformFacts } from '../profiles/mod.ts'
import type { Renderings } from './renderings.ts'
import type { WrongTokens } from './wrong-tokens.ts'

/** What a door sends, whatever it speaks. */
export type Delivery =
  | { readonly kind: 'bytes'; readonly contentType: string; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly file: FirmwareFacts }
  /** 200 with nothing in it: an unowned phone at RC, a report that was taken. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'challenge'; readonly header: string }
  | { readonly kind: 'refusal' }

/** The store as this door needs it; `server/main.ts` puts it together. */
export interface FetchStore {
  device(mac: MacAddress): Promise<DeviceFacts | undefined>
  macOfPath(profilePath: string): MacAddress | undefined
  code(token: string): Promise<FetchFacts['code']>
  customer(customerId: string): Promise<FetchFacts['customer']>
  firmware(name: string): FirmwareFacts | undefined
  /**
   * Decides again under the locks of the rows concerned and writes what was decided, all in one transaction.
   * @returns the answer that holds, and the device as it is after the writes
   */
  decideAndCommit(
    keys: { readonly mac: MacAddress; readonly token: string | undefined },
    decide: (facts: Pick<FetchFacts, 'device' | 'code' | 'customer'>) => FetchAnswer,
  ): Promise<{ readonly answer: FetchAnswer; readonly device: DeviceFacts | undefined }>
  /** May be lost in a crash. */
  note(events: readonly (NotedEvent & { peer: string })[], observations: readonly Observation[]): void
}

export interface ServeContext {
  readonly store: FetchStore
  readonly decide: (route: Route, fetch: Fetch) => FetchAnswer
  readonly platform: () => PlatformFacts
  readonly caPem: () => string
  readonly renderings: Renderings
  readonly wrongTokens: WrongTokens
  readonly nonceKey: Uint8Array
  readonly now: () => Millis
}

/** Answers one fetch. Throws only when the machine failed (database, disk); the door then answers 503 or its like. */
export async function serveFetch(context: ServeContext, request: FetchRequest): Promise<Delivery> {
  const now = context.now()
  const route = routePath(request.path, request.query)
  const { evidence, device } = await evidenceAndDevice(context, request, route, now)
  const facts = await loadFacts(context, route, evidence, device, now)
  const fetch: Fetch = { request, evidence, facts, now }
  const first = context.decide(route, fetch)
  const settled = first.commits.length === 0 ? { answer: first, device } : await commit(context, route, fetch)
  noteAnswer(context, request, settled, evidence, now)
  return deliver(context, settled.answer.content, settled.device, now)
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
async function subject(context: ServeContext, route: Route, evidence: Evidence): Promise<DeviceFacts | undefined> {
  const mac = subjectMac(context, route, evidence)
  return mac === undefined ? undefined : context.store.device(mac)
}

function subjectMac(context: ServeContext, route: Route, evidence: Evidence): MacAddress | undefined {
  switch (route.kind) {
    case 'sealed':
      return context.store.macOfPath(route.profilePath)
    case 'report':
      return route.profilePath === undefined ? provenMac(evidence) : context.store.macOfPath(route.profilePath)
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

async function loadFacts(
  context: ServeContext,
  route: Route,
  evidence: Evidence,
  device: DeviceFacts | undefined,
  now: Millis,
): Promise<FetchFacts> {
  const token = route.kind === 'init' && evidence.kind === 'certified' ? route.token : undefined
  const [code, customer] =
    token === undefined ? [] : await Promise.all([context.store.code(token), context.store.customer(token)])
  return {
    platform: context.platform(),
    device,
    code,
    customer,
    firmware: route.kind === 'firmware' ? context.store.firmware(route.file) : undefined,
    wrongTokens: evidence.kind === 'certified' ? context.wrongTokens.count(evidence.certificate.mac, now) : 0,
  }
}

async function commit(
  context: ServeContext,
  route: Route,
  fetch: Fetch,
): Promise<{ answer: FetchAnswer; device: DeviceFacts | undefined }> {
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
  settled: { readonly answer: FetchAnswer; readonly device: DeviceFacts | undefined },
  evidence: Evidence,
  now: Millis,
): void {
  const { content, events, observations } = settled.answer
  if (content.kind === 'refusal' && evidence.kind === 'certified' && TOKEN_REFUSALS.includes(content.reason)) {
    context.wrongTokens.add(evidence.certificate.mac, now)
  }
  const served = content.kind === 'own-profile' && settled.device !== undefined
  const version = served ? context.renderings.own(settled.device, context.platform()).version : undefined
  const withServed =
    version === undefined || version === settled.device?.device.servedVersion
      ? observations
      : observations.map((each) => ({ ...each, servedVersion: version }))
  context.store.note(
    events.map((event) => ({ ...event, peer: request.peer })),
    withServed,
  )
}

const XML = 'text/xml; charset=utf-8'

function deliver(context: ServeContext, content: FetchContent, device: DeviceFacts | undefined, now: Millis): Delivery {
  const { renderings } = context
  const platform = context.platform()
  switch (content.kind) {
    case 'own-profile': {
      if (device === undefined) throw new Error('Assertion failed: an own profile without a device')
      if (content.envelope.kind === 'clear') return xml(renderings.own(device, platform).bytes)
      const bytes = renderings.sealed(device, platform, content.envelope.generation)
      return { kind: 'bytes', contentType: 'application/octet-stream', bytes }
    }
    case 'farewell-profile':
      return device === undefined ? { kind: 'refusal' } : xml(renderings.farewell(device))
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
      return { kind: 'challenge', header: credentialChallenge(now, context.nonceKey) }
    case 'refusal':
      return { kind: 'refusal' }
    default:
      return assertNever(content)
  }
}

function xml(bytes: Uint8Array): Delivery {
  return { kind: 'bytes', contentType: XML, bytes }
}
