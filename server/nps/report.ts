/**
 * Reports: believed from a phone that proved itself, or when the body opens with the device's own key.
 * Source: MPP §12.2; guide "Communication Encryption".
 */
import { isSalted, openSalted } from '../../protocol/envelope/mod.ts'
import type { DeviceFacts, Observation } from '../devices/types.ts'
import {
  type Fetch,
  type FetchAnswer,
  observationOf,
  provedByCredentials,
  readReport,
  refusal,
  refuseStanding,
  refuseStranger,
  type Route,
  standingOf,
  withBelieved,
} from '../fetch/mod.ts'

/** Bytes of one report; a full export of a large phone is about 200 kB (MPP §1.1). */
export const REPORT_BYTES_MAX = 1024 * 1024

type ReportRoute = Extract<Route, { kind: 'report' }>

/** @param fetch its `facts.device` is the device of the path, else that of the evidence */
export function answerReport(route: ReportRoute, fetch: Fetch): FetchAnswer {
  const { evidence, facts, request } = fetch
  const owner = facts.device
  if (request.body === undefined || request.body.length === 0) return refusal('bad-report')
  if (evidence.kind === 'certified') {
    const { certificate } = evidence
    if (owner !== undefined && certificate.mac !== owner.device.mac) {
      return refuseStranger(certificate, owner.device.mac)
    }
    const standing = standingOf(certificate, owner)
    if (standing !== 'bound' || owner === undefined) return refuseStanding(standing, certificate, owner)
    return take(owner, 'certified', openIfSealed(request.body, owner), fetch)
  }
  if (owner === undefined || owner.device.state !== 'bound') return refusal('no-evidence')
  if (provedByCredentials(evidence, owner)) {
    return take(owner, 'credentialed', openIfSealed(request.body, owner), fetch)
  }
  if (route.profilePath === undefined && route.mac === undefined) return refusal('no-evidence')
  const opened = openWithKeys(request.body, owner)
  if (opened === undefined) return refusal('bad-report', { mac: owner.device.mac, trust: 'claimed' })
  return take(owner, 'sealed', opened, fetch)
}

interface OpenedReport {
  readonly body: Uint8Array
  /** Of the key that it was sealed with. */
  readonly generation: number | undefined
}

function take(
  owner: DeviceFacts,
  trust: Exclude<Observation['trust'], 'claimed'>,
  { body, generation }: OpenedReport,
  fetch: Fetch,
): FetchAnswer {
  const { request, now } = fetch
  const { mac, accountId } = owner.device
  const answer: FetchAnswer = {
    content: { kind: 'report-taken' },
    commits: [{ kind: 'store-report', mac, trust, peer: request.peer, body }],
    observations: [],
    events: [{ name: 'report.received', trust, mac, accountId, data: { byteCount: body.length } }],
  }
  // The key proves who wrote the body. Nobody proved who wrote the query beside it.
  const asked = trust === 'sealed' ? { ...request, query: '', userAgent: undefined } : request
  const observation = { ...observationOf(asked, mac, trust, now), ...readReport(body).state }
  return withBelieved(
    answer,
    owner.device,
    generation === undefined ? observation : { ...observation, keyGeneration: generation },
  )
}

function openIfSealed(body: Uint8Array, owner: DeviceFacts): OpenedReport {
  return openWithKeys(body, owner) ?? { body, generation: undefined }
}

/** Tries the keys that we hold, newest first; there are at most two or three. */
function openWithKeys(body: Uint8Array, owner: DeviceFacts): OpenedReport | undefined {
  if (!isSalted(body)) return undefined
  const keys = [...(owner.secrets?.profileKeys ?? [])].sort(([a], [b]) => b - a)
  for (const [generation, key] of keys) {
    const opened = openSalted(body, key)
    // CBC has no integrity: a wrong key passes the padding check now and then, so the text must look like a report.
    if (opened.ok && /^\s*</.test(new TextDecoder().decode(opened.value.subarray(0, 64)))) {
      return { body: opened.value, generation }
    }
  }
  return undefined
}
