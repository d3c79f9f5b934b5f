/** Devices as the API shows them, and the problems that their routes share. */
import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { MacAddress } from '../../protocol/identity.ts'
import { renderOwnProfile } from '../profiles/mod.ts'
import { type DeviceProblem, type DeviceView, linesOfDevices, type PatchProblem, viewDevice } from '../store/mod.ts'
import type { ApiPlatform } from './context.ts'
import type { Device } from './contract.ts'
import { existingFacts } from './existing.ts'
import { ApiProblem, notFound } from './problem.ts'
import { mustReachDevice } from './reach.ts'

/** Throws the 404 of a device that is not there or out of reach. */
export async function reachableDevice(
  request: FastifyRequest,
  platform: ApiPlatform,
  mac: MacAddress,
): Promise<DeviceView> {
  const view = await viewDevice(platform.db, mac)
  if (view === undefined) throw notFound('device', mac)
  await mustReachDevice(request, platform, mac, view.account_id ?? view.held_account_id)
  return view
}

export async function deviceJson(platform: ApiPlatform, mac: MacAddress): Promise<z.infer<typeof Device>> {
  await platform.flush()
  const view = await viewDevice(platform.db, mac)
  if (view === undefined) throw notFound('device', mac)
  const wanted =
    view.state === 'bound' ? renderOwnProfile(await existingFacts(platform, mac), platform.facts()).version : null
  return viewJson(view, await linesOfDevices(platform.db, [mac]), wanted)
}

interface ShownLine {
  readonly id: string
  readonly index: number
  readonly userId: string
  readonly domain: string
}

/** @param wanted the version of its profile that would be rendered now; null where it was not worked out */
export function viewJson(view: DeviceView, lines: readonly ShownLine[], wanted: string | null): z.infer<typeof Device> {
  return {
    mac: view.mac,
    serial: view.serial,
    model: view.model,
    accountId: view.account_id,
    heldAccountId: view.held_account_id,
    state: view.state,
    farewell: farewellOf(view),
    batchId: view.batch_id,
    label: view.label,
    notes: view.notes,
    versions: { wanted, served: view.served_version, running: view.running_version },
    keys: { issued: view.key_issued, confirmed: view.key_confirmed },
    lines: lines.map(({ id, index, userId, domain }) => ({ id, index, userId, domain })),
    seen: {
      at: iso(view.believed_at),
      from: view.believed_from,
      firmware: view.firmware,
      cause: view.cause,
      registrationSeconds: view.registration_seconds,
    },
    claimed: { at: iso(view.claimed_at), from: view.claimed_from },
    rc: { enteredAt: iso(view.rc_entered_at), firstSeenAt: iso(view.first_seen_at) },
    createdAt: view.created_at.toISOString(),
    boundAt: iso(view.bound_at),
  }
}

/** One that never was bound has none. */
function farewellOf(view: DeviceView): 'owed' | 'served' | null {
  if ((view.state !== 'released' && view.state !== 'disabled') || view.bound_at === null) return null
  return view.farewell_owed ? 'owed' : 'served'
}

/** A moment as the API tells it. */
export function iso(date: Date | null): string | null {
  return date === null ? null : date.toISOString()
}

export function deviceProblem(mac: MacAddress, what: string, problem: DeviceProblem): ApiProblem {
  switch (problem.kind) {
    case 'unknown':
      return notFound('device', mac)
    case 'taken':
      return new ApiProblem(
        409,
        'device-taken',
        `Cannot ${what} ${mac}: it is ${problem.state} already. Release it first.`,
      )
    case 'not-allowed':
      return new ApiProblem(
        409,
        'wrong-state',
        `Cannot ${what} ${mac}: it is ${problem.state}.${what === 'delete' ? ' Release it first.' : ''}`,
      )
  }
}

export function patchProblem(mac: MacAddress, problem: PatchProblem): ApiProblem {
  const what = `Cannot change ${mac}`
  switch (problem.kind) {
    case 'unknown':
    case 'taken':
    case 'not-allowed':
      return deviceProblem(mac, 'change', problem)
    case 'fixed':
      return new ApiProblem(
        409,
        'wrong-state',
        `${what}: the ${problem.what} of a device that is ${problem.state} stays; only that of a known one may change. Release or replace it instead.`,
      )
    case 'has-lines':
      return new ApiProblem(
        409,
        'device-has-lines',
        `${what}: ${problem.count} line(s) of its account are on it. Unassign them before it goes to another account.`,
      )
    case 'no-batch':
      return new ApiProblem(422, 'unknown-batch', `${what}: there is no such batch in its account`)
    case 'batch-shipped':
      return new ApiProblem(
        409,
        'batch-shipped',
        `${what}: its batch is shipped and so locked. Open the batch again first.`,
      )
    case 'batch-of-other-account':
      // The same words as for one that is not there: whose batches there are is nobody else's business.
      return new ApiProblem(422, 'unknown-batch', `${what}: there is no such batch in its account`)
    case 'batch-of-other-model':
      return new ApiProblem(422, 'other-model', `${what}: its batch is for ${problem.model} only`)
  }
}
