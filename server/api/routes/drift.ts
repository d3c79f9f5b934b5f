/** Where phones differ from what their profiles want: one device now, the fleet as it last reported. */
import { z } from 'zod'
import { type Drift, type DriftBasis, driftOf, type DriftReason } from '../../fetch/mod.ts'
import { markerOf, resolveDevice } from '../../profiles/mod.ts'
import { accountsBelow, findReported, listDrift } from '../../store/mod.ts'
import type { Api, ReadyPlatform } from '../context.ts'
import { Mac } from '../contract.ts'
import { DeviceDrift, type DriftItem, DriftingDevice } from '../contract/reports.ts'
import { PageQuery } from '../query.ts'
import { mustReachAccount, reachOf } from '../reach.ts'
import { isoTime, reachedFacts, shownValue } from './reports.ts'

/** Names of elements that the fleet view shows for a device. */
const NAMES_SHOWN_MAX = 20

export function driftRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/devices/:mac/drift',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Where what it says differs from what is wanted, and why that may be',
        params: z.object({ mac: Mac }),
        response: { 200: DeviceDrift },
      },
    },
    async (request) => {
      const platform = ready()
      const facts = await reachedFacts(request, platform, request.params.mac)
      const { mac, accountId, model, runningVersion } = facts.device
      const reported = await findReported(platform.db, platform.vault, mac, accountId)
      const wanted = resolveDevice(facts, platform.facts())
      const current = markerOf(wanted, platform.facts().markerKey)
      const runs: DriftBasis['runs'] =
        runningVersion === undefined ? 'unknown' : runningVersion === current ? 'wanted' : 'another'
      const drifts = reported === undefined ? [] : driftOf(reported, { model, wanted, runs })
      return {
        reportedAt: reported === undefined ? null : isoTime(reported.at),
        fullReportAt: reported?.fullAt === undefined ? null : isoTime(reported.fullAt),
        runs,
        count: drifts.filter(({ allowed }) => !allowed).length,
        items: drifts.map(driftJson),
      }
    },
  )
  fleetRoute(api, ready)
}

function fleetRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/drift',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Devices that differed from what was wanted when they last reported, by MAC',
        querystring: PageQuery.extend({
          accountId: z.string().max(128).optional().describe('Of this account and all below it'),
        }),
        response: { 200: z.object({ items: z.array(DriftingDevice), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { accountId, after, limit } = request.query
      if (accountId !== undefined) await mustReachAccount(request, platform, accountId)
      const accounts =
        accountId === undefined ? await reachOf(request, platform) : await accountsBelow(platform.db, accountId)
      const rows = await listDrift(platform.db, { accounts, after, limit })
      const items = rows.map(({ mac, accountId: owner, model, count, at, elements }) => {
        const times = Object.values(elements)
        return {
          mac,
          accountId: owner,
          model,
          count,
          elements: Object.keys(elements).toSorted().slice(0, NAMES_SHOWN_MAX),
          since: times.length === 0 ? null : isoTime(Math.min(...times)),
          reportedAt: at.toISOString(),
        }
      })
      return { items, next: items.length === limit ? (items.at(-1)?.mac ?? null) : null }
    },
  )
}

const REASONS: Readonly<Record<DriftReason, { readonly text: string; readonly advice: string }>> = {
  preserved: {
    text: 'The profile leaves the phone’s own value alone (preserve-value).',
    advice: 'Nothing to do, unless the value should be set after all: then take preserve-value away.',
  },
  'user-preference': {
    text: 'The profile lets the user’s own choice win (user-pref).',
    advice: 'Nothing to do, unless the choice should end: then take user-pref away.',
  },
  'unknown-to-firmware': {
    text: 'The phone’s full report does not name the element: its firmware does not know it.',
    advice: 'Upgrade the phone, or take the element out of the layers of its model.',
  },
  'older-version': {
    text: 'The phone runs another version of its profile than the wanted one.',
    advice: 'It fetches the wanted version with its next resync; ask it for one if that is too late.',
  },
  'user-may-write': {
    text: 'The user may write this value (ua="rw") and has changed it.',
    advice: 'The next resync puts it back. To keep the user’s choice set user-pref; to forbid it set ua to ro or na.',
  },
  'changed-at-phone': {
    text: 'The phone runs the wanted version; somebody changed the value at the phone.',
    advice: 'The next resync puts it back. Find out who knows the admin password of the phone.',
  },
  'not-resynced': {
    text: 'The phone has not said yet which version of its profile it runs.',
    advice: 'Wait for its next resync, or ask it for one.',
  },
}

function driftJson({ element, reported, wanted, secret, reason, allowed, since }: Drift): z.infer<typeof DriftItem> {
  const said = reported === undefined ? { value: null } : shownValue(element, reported, false)
  const should = shownValue(element, wanted, false)
  const hidden = secret || said.secret === true || should.secret === true
  return {
    element,
    reported: secret ? null : said.value,
    wanted: secret ? null : should.value,
    ...(hidden ? { secret: true as const } : {}),
    since: isoTime(since),
    reason,
    ...REASONS[reason],
    allowed,
  }
}
