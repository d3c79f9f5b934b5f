/** Phones that turned up and that no observation of a device speaks of: strangers, first steps, refusals. */
import { parseUserAgent } from '../../protocol/http/mod.ts'
import type { Millis } from '../../protocol/result.ts'
import type { Sighting } from '../devices/types.ts'
import { refusalOf, type Standing } from './standing.ts'
import type { Evidence, FetchAnswer, FetchRequest, ProvenCertificate, Route } from './types.ts'

/** @returns the sighting of a phone that came to a door with no files for it, and is not bound */
export function sightingOfStanding(
  standing: Standing,
  { mac, serial, productName }: ProvenCertificate,
  address: string,
  now: Millis,
): Sighting {
  const problem = refusalOf(standing)
  const seen = { mac, address, source: 'certificate', serial, productName, at: new Date(now) } as const
  return problem === undefined ? seen : { ...seen, problem }
}

/** What any phone fetches, ours or not: it says nothing of how far one has come. */
const ANYBODYS: readonly Route['kind'][] = ['firmware', 'ca', 'unknown', 'rc-malformed']

/**
 * @returns what the request says of the phone that sent it; undefined: nothing, or what its answer observes already
 */
export function sightingOf(
  asked: { readonly request: FetchRequest; readonly route: Route; readonly evidence: Evidence },
  answer: FetchAnswer,
  now: Millis,
): Sighting | undefined {
  const { request, route, evidence } = asked
  if (ANYBODYS.includes(route.kind)) return undefined
  const mac = macOf(evidence)
  if (mac === undefined || answer.observations.some((observation) => observation.mac === mac)) return undefined
  const common = {
    mac,
    address: request.peer,
    at: new Date(now),
    ...(answer.content.kind === 'first-profile' ? { firstProfile: true } : {}),
  }
  if (evidence.kind === 'certified')
    return { ...common, source: 'certificate', ...proved(evidence.certificate, answer) }
  const productName =
    (request.userAgent === undefined ? undefined : parseUserAgent(request.userAgent)?.productName) ?? productOf(route)
  return {
    ...common,
    source: 'path',
    ...(route.kind === 'rc' ? { serial: route.serial } : {}),
    ...(productName === undefined ? {} : { productName: productName.slice(0, 64) }),
  }
}

/** Right credentials are no sighting: only phones that are bound have any. */
function macOf(evidence: Evidence): Sighting['mac'] | undefined {
  if (evidence.kind === 'certified') return evidence.certificate.mac
  return evidence.kind === 'claimed' ? evidence.mac : undefined
}

function proved(
  { serial, productName }: ProvenCertificate,
  answer: FetchAnswer,
): Pick<Sighting, 'serial' | 'productName' | 'problem'> {
  const problem = problemOf(answer)
  return { serial, productName, ...(problem === undefined ? {} : { problem }) }
}

/** That nobody registered a phone is no fault of it. The redirect service answers emptily whatever it finds. */
function problemOf({ content, events }: FetchAnswer): string | undefined {
  if (content.kind === 'refusal') return content.reason === 'unknown-device' ? undefined : content.reason
  if (content.kind !== 'rc-empty') return undefined
  if (events.some(({ name }) => name === 'identity.wrong-ca')) return 'wrong-ca'
  return events.some(({ name }) => name === 'identity.mismatch') ? 'identity-mismatch' : undefined
}

function productOf(route: Route): string | undefined {
  return route.kind === 'product' || route.kind === 'rc' ? route.productName : undefined
}
