/**
 * Reports: believed from a phone that proved itself, or when the body opens with a key that only this device has. One
 * that opens with a key which others may have, too, is kept as claimed and moves nothing.
 * Source: MPP §12.2; guide "Communication Encryption".
 */
import type { DeviceFacts, Observation } from '../devices/types.ts'
import {
  type DriftBasis,
  type Fetch,
  type FetchAnswer,
  observationOf,
  provedByCredentials,
  readReport,
  type ReportContent,
  refusal,
  refuseStanding,
  refuseStranger,
  type Route,
  standingOf,
  withBelieved,
} from '../fetch/mod.ts'
import { markerOf, resolveDevice } from '../profiles/mod.ts'
import { type OpenedReport, openReport } from './report-opening.ts'

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
    return take(owner, 'certified', opened(owner, fetch), fetch)
  }
  if (owner === undefined || owner.device.state !== 'bound') return refusal('no-evidence')
  if (provedByCredentials(evidence, owner)) return take(owner, 'credentialed', opened(owner, fetch), fetch)
  if (route.profilePath === undefined && route.mac === undefined) return refusal('no-evidence')
  const report = opened(owner, fetch)
  if (report.by === 'nobody' || report.by === 'everybody') {
    return refusal('bad-report', { mac: owner.device.mac, trust: 'claimed' })
  }
  return take(owner, report.by === 'own-key' ? 'sealed' : 'claimed', report, fetch)
}

function opened(owner: DeviceFacts, { request, facts }: Fetch): OpenedReport {
  return openReport(request, owner, resolveDevice(owner, facts.platform), REPORT_BYTES_MAX)
}

function take(owner: DeviceFacts, trust: Observation['trust'], report: OpenedReport, fetch: Fetch): FetchAnswer {
  const { request, now } = fetch
  const { mac, accountId, model } = owner.device
  const { body, generation, problem } = report
  const content = readReport(body, model)
  const believed = trust !== 'claimed'
  const answer: FetchAnswer = {
    content: { kind: 'report-taken' },
    commits: [
      {
        kind: 'store-report',
        mac,
        accountId,
        trust,
        peer: request.peer,
        at: now,
        body,
        content,
        problem: problem ?? (content.kind === 'unknown' ? 'It is no configuration and no status' : undefined),
        basis: believed ? basisOf(owner, content, fetch) : undefined,
      },
    ],
    observations: [],
    events: [{ name: 'report.received', trust, mac, accountId, data: { byteCount: body.length, kind: content.kind } }],
  }
  // The key proves who wrote the body. Nobody proved who wrote the query beside it.
  const proved = trust === 'certified' || trust === 'credentialed'
  const asked = proved ? request : { ...request, query: '', userAgent: undefined }
  const observation = { ...observationOf(asked, mac, trust, now), ...(believed ? content.state : {}) }
  return withBelieved(
    answer,
    owner.device,
    generation === undefined ? observation : { ...observation, keyGeneration: generation },
  )
}

/** What the report is compared with: a report that names its marker says itself which version it is of. */
function basisOf(owner: DeviceFacts, { state }: ReportContent, { facts }: Fetch): DriftBasis {
  const wanted = resolveDevice(owner, facts.platform)
  const running = state.runningVersion ?? owner.device.runningVersion
  const current = markerOf(wanted, facts.platform.markerKey)
  return {
    model: owner.device.model,
    wanted,
    runs: running === undefined ? 'unknown' : running === current ? 'wanted' : 'another',
  }
}
