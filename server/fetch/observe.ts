/**
 * What a request says about its phone: the marker it runs, why it came, its firmware, its registration.
 * The query is the one that our own profile rule asks for; see `server/profiles/platform-layer.ts`.
 */
import { parseUserAgent } from '../../protocol/http/mod.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import type { Device, Observation } from '../devices/types.ts'
import { queryNumber, queryValue } from './route.ts'
import type { FetchAnswer, FetchCommit, FetchRequest, NotedEvent } from './types.ts'

export const VERSION_FORM = /^[0-9a-f]{16}$/
export const FIRMWARE_FORM = /^[A-Za-z0-9._-]{1,80}$/
const CAUSE_FORM = /^-?[0-9]{1,2}$/

/** Reads the query of our own rule; anything malformed counts as not said. */
export function observationOf(
  request: FetchRequest,
  mac: MacAddress,
  trust: Observation['trust'],
  now: Millis,
): Observation {
  const version = matching(queryValue(request.query, 'v'), VERSION_FORM)
  const firmware = matching(queryValue(request.query, 'fw'), FIRMWARE_FORM)
  const cause = matching(queryValue(request.query, 'why'), CAUSE_FORM)
  const registrationSeconds = queryNumber(request.query, 'reg')
  const keyGeneration = queryNumber(request.query, 'k')
  const product = request.userAgent === undefined ? undefined : parseUserAgent(request.userAgent)?.productName
  // What is not said has no field: later observations would wipe out what earlier ones said.
  const observation: { -readonly [Key in keyof Observation]: Observation[Key] } = {
    mac,
    at: now,
    from: request.peer,
    trust,
  }
  if (version !== undefined) observation.runningVersion = version
  if (firmware !== undefined) observation.firmware = firmware
  if (cause !== undefined) observation.cause = cause
  if (registrationSeconds !== undefined) observation.registrationSeconds = registrationSeconds
  if (keyGeneration !== undefined) observation.keyGeneration = keyGeneration
  if (product !== undefined) observation.product = product
  return observation
}

/** The text if it has the form, else it counts as not said. */
export function matching(text: string | undefined, form: RegExp): string | undefined {
  return text !== undefined && form.test(text) ? text : undefined
}

/** Adds what a believed request of a device says: observation, running version, key confirmation. */
export function withBelieved(answer: FetchAnswer, device: Device, observation: Observation): FetchAnswer {
  const believed = observation.trust !== 'claimed'
  const commits: FetchCommit[] = [...answer.commits]
  const events: NotedEvent[] = [...answer.events]
  const common = { mac: device.mac, accountId: device.accountId, trust: observation.trust }
  const named = observation.keyGeneration
  if (believed && named !== undefined && named > device.keyConfirmed && named <= device.keyIssued) {
    commits.push({ kind: 'confirm-key', mac: device.mac, generation: named })
    events.push({ ...common, name: 'key.confirmed', data: { generation: named } })
  }
  const version = observation.runningVersion
  if (believed && version !== undefined && version !== device.runningVersion) {
    events.push({ ...common, name: 'profile.running', data: { version } })
  }
  return { ...answer, commits, events, observations: [...answer.observations, observation] }
}
