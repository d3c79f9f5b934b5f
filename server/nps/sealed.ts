/**
 * `/s/<path>.cfg?k=<generation>`: the own profile under the device's key. The path is the claim, the key is the lock,
 * so anybody may fetch it by any transport. Source: guide "Communication Encryption"; MPP §2.2.
 */
import type { DeviceFacts } from '../devices/types.ts'
import {
  type Evidence,
  type Fetch,
  type FetchAnswer,
  observationOf,
  plainAnswer,
  refusal,
  refuseStanding,
  refuseStranger,
  type Route,
  standingOf,
  withBelieved,
} from '../fetch/mod.ts'

type SealedRoute = Extract<Route, { kind: 'sealed' }>

/** @param fetch its `facts.device` is the device of the path */
export function answerSealed(route: SealedRoute, fetch: Fetch): FetchAnswer {
  const { evidence, facts } = fetch
  const owner = facts.device
  if (evidence.kind === 'certified') {
    const { certificate } = evidence
    if (owner === undefined) return refusal('no-such-path', { mac: certificate.mac, trust: 'certified' })
    if (certificate.mac !== owner.device.mac) return refuseStranger(certificate, owner.device.mac)
    const standing = standingOf(certificate, owner)
    if (standing !== 'bound') return refuseStanding(standing, certificate, owner)
  }
  if (owner === undefined || owner.device.state !== 'bound') return refusal('no-such-path')
  const generation = generationFor(route.keyGeneration, owner)
  if (generation === undefined) return refusal('wrong-key-generation', { mac: owner.device.mac, trust: 'claimed' })
  const { device } = owner
  const answer = plainAnswer({ kind: 'own-profile', mac: device.mac, envelope: { kind: 'sealed', generation } })
  return withBelieved(answer, device, observationOf(fetch.request, device.mac, trustAt(evidence), fetch.now))
}

/** The generation that the phone names, if we still hold it; without one, the newest it surely has. */
function generationFor(named: number | undefined, owner: DeviceFacts): number | undefined {
  const held = owner.secrets?.profileKeys
  const wanted = named ?? (owner.device.keyConfirmed > 0 ? owner.device.keyConfirmed : owner.device.keyIssued)
  return held?.has(wanted) === true ? wanted : undefined
}

/** A sealed path that leaks must not let its finder speak for the phone. */
function trustAt(evidence: Evidence): 'certified' | 'credentialed' | 'claimed' {
  return evidence.kind === 'certified' || evidence.kind === 'credentialed' ? evidence.kind : 'claimed'
}
