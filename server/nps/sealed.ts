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
  provedByCredentials,
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
    if (standing !== 'bound' && !owner.device.farewellOwed) return refuseStanding(standing, certificate, owner)
    if (standing === 'foreign' || standing === 'wrong-ca' || standing === 'expired') {
      return refuseStanding(standing, certificate, owner)
    }
  }
  if (owner === undefined) return refusal('no-such-path')
  if (owner.device.farewellOwed) return sealedFarewell(route, owner)
  if (owner.device.state !== 'bound') return refusal('no-such-path')
  const generation = generationFor(route.keyGeneration, owner)
  if (generation === undefined) return refusal('wrong-key-generation', { mac: owner.device.mac, trust: 'claimed' })
  const { device } = owner
  const answer = plainAnswer({ kind: 'own-profile', mac: device.mac, envelope: { kind: 'sealed', generation } })
  return withBelieved(answer, device, observationOf(fetch.request, device.mac, trustAt(evidence, owner), fetch.now))
}

/** The generation that the phone names, if we still hold it; without one, the newest it surely has. */
function generationFor(named: number | undefined, owner: DeviceFacts): number | undefined {
  const held = owner.secrets?.profileKeys
  const wanted = named ?? (owner.device.keyConfirmed > 0 ? owner.device.keyConfirmed : owner.device.keyIssued)
  return held?.has(wanted) === true ? wanted : undefined
}

/**
 * A phone that only knows its sealed path must hear that it was let go. Its rule then leads to the permanent URL over
 * TLS, where the farewell is given once more and counted; until then the key is the lock, and nothing is used up here.
 */
function sealedFarewell(route: SealedRoute, owner: DeviceFacts): FetchAnswer {
  const generation = generationFor(route.keyGeneration, owner)
  if (generation === undefined) return refusal('no-such-path')
  return plainAnswer({ kind: 'farewell-profile', mac: owner.device.mac, envelope: { kind: 'sealed', generation } })
}

/** A sealed path that leaks must not let its finder speak for the phone, whoever else the finder has proved to be. */
function trustAt(evidence: Evidence, owner: DeviceFacts): 'certified' | 'credentialed' | 'claimed' {
  if (evidence.kind === 'certified') return 'certified'
  return provedByCredentials(evidence, owner) ? 'credentialed' : 'claimed'
}
