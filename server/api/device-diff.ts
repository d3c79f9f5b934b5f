/** Two profiles of one device, side by side: wanted, served, running, draft. */
import type { z } from 'zod'
import type { DeviceFacts } from '../devices/mod.ts'
import {
  diffProfiles,
  type Layer,
  type ProfileSide,
  renderOwnProfile,
  resolveDevice,
  sideOfResolved,
  sideOfText,
} from '../profiles/mod.ts'
import { findLayerDrafts, findServedProfile, knownVersions, loadLayerPlaces, spellsOutSecret } from '../store/mod.ts'
import type { ConfigDiff, DiffSideName } from './contract/config.ts'
import type { ApiPlatform } from './context.ts'
import { type OriginJson, originsShown } from './origins.ts'
import { ApiProblem } from './problem.ts'

type DiffJson = z.infer<typeof ConfigDiff>
type Which = z.infer<typeof DiffSideName>

interface LoadedSide {
  readonly head: DiffJson['from']
  readonly values: ProfileSide
}

/**
 * Throws 404 or 409 when a side is not known, and says which versions are.
 * @param from undefined: what it runs where it has said so, else what it was given last
 */
export async function diffOf(
  platform: ApiPlatform,
  facts: DeviceFacts,
  from: Which | undefined,
  to: Which,
): Promise<DiffJson> {
  const first = from ?? (facts.device.runningVersion === undefined ? 'served' : 'running')
  const [before, after] = [await sideOf(platform, facts, first), await sideOf(platform, facts, to)]
  const changes = diffProfiles(before.values, after.values).map(withoutSpelledOut)
  const shown = await originsShown(
    platform.db,
    changes.flatMap(({ origin }) => origin ?? []),
  )
  return {
    mac: facts.device.mac,
    from: before.head,
    to: after.head,
    same: changes.length === 0,
    changes: changes.map(({ secret, origin, ...change }) => ({
      ...change,
      ...(secret ? { secret } : {}),
      origin: origin === undefined ? null : shown(origin),
    })),
  }
}

type ProfileChange = ReturnType<typeof diffProfiles>[number]

/** A rule with a key in it is a secret too. */
function withoutSpelledOut(change: ProfileChange): ProfileChange {
  const sides = [change.from, change.to].flatMap((side) => side?.value ?? [])
  if (!sides.some(spellsOutSecret)) return change
  const [from, to] = [change.from, change.to].map((side) => (side === null ? null : { ...side, value: null }))
  return { ...change, secret: true, from: from ?? null, to: to ?? null }
}

async function sideOf(platform: ApiPlatform, facts: DeviceFacts, which: Which): Promise<LoadedSide> {
  switch (which) {
    case 'wanted':
      return rendered(platform, facts, which)
    case 'draft':
      return rendered(platform, await withDrafts(platform, facts), which)
    case 'served':
    case 'running':
      return recorded(platform, facts, which)
  }
}

function rendered(platform: ApiPlatform, facts: DeviceFacts, which: Which): LoadedSide {
  const { version } = renderOwnProfile(facts, platform.facts())
  return { head: { which, version, at: null }, values: sideOfResolved(resolveDevice(facts, platform.facts())) }
}

async function recorded(
  platform: ApiPlatform,
  { device }: DeviceFacts,
  which: 'served' | 'running',
): Promise<LoadedSide> {
  const { mac } = device
  const version = which === 'served' ? device.servedVersion : device.runningVersion
  if (version === undefined) {
    const instead = which === 'served' ? '"wanted" and "draft"' : '"served", "wanted" or "draft"'
    const what = which === 'served' ? 'was never served a profile of its own' : 'has not said yet what it runs'
    throw new ApiProblem(404, 'no-version', `Cannot compare: ${mac} ${what}. Compare ${instead} instead.`)
  }
  const found = await findServedProfile(platform.db, platform.vault, mac, version)
  if (found === undefined) {
    const known = (await knownVersions(platform.db, mac)).map((each) => each.version)
    const kept = known.length === 0 ? 'none is kept' : `kept are ${known.join(', ')}`
    throw new ApiProblem(
      409,
      'unknown-version',
      `Cannot compare: ${mac} has version "${version}" as ${which}, and its text is not here; ${kept}. It is kept from the next download on.`,
    )
  }
  const side = sideOfText(found.text)
  if (!side.ok) throw new Error(`Cannot read the kept version "${version}" of ${mac}: ${side.error.message}`)
  return { head: { which, version, at: found.at.toISOString() }, values: side.value }
}

/** The facts as they would be if every draft of the device's layers were published. */
async function withDrafts(platform: ApiPlatform, facts: DeviceFacts): Promise<DeviceFacts> {
  const places = await loadLayerPlaces(platform.db, facts.device.mac)
  const drafts = await findLayerDrafts(platform.db, platform.vault)
  const layers = places.flatMap((place) => {
    const isHere = ({ scope, id }: Layer): boolean => scope === place.scope && id === place.id
    return drafts.find(isHere) ?? facts.layers.find(isHere) ?? []
  })
  return { ...facts, layers }
}

/** A line a change: `~ Time_Zone: "GMT" -> "GMT+01:00" [na]   (layer account acc_1, revision 7, token:x, 2026-…: why)`. */
export function diffText(diff: DiffJson): string {
  const head = `${diff.mac}: ${sideText(diff.from)} -> ${sideText(diff.to)}`
  if (diff.same) return `${head}\nno difference\n`
  return `${[head, ...diff.changes.map(changeText)].join('\n')}\n`
}

function sideText({ which, version }: DiffJson['from']): string {
  return version === null ? which : `${which} ${version}`
}

type Change = DiffJson['changes'][number]

const SIGNS = { added: '+', removed: '-', changed: '~', access: '!' } as const

function changeText(change: Change): string {
  const origin = change.origin === null ? '' : `   (${originText(change.origin)})`
  return `${SIGNS[change.change]} ${change.element}: ${whatText(change)}${origin}`
}

function whatText({ change, secret, from, to }: Change): string {
  const access =
    from !== null && to !== null && from.ua !== to.ua ? `, access ${from.ua ?? '-'} -> ${to.ua ?? '-'}` : ''
  if (change === 'access') return access.slice(2)
  if (secret === true) return `${change} (secret)${access}`
  const sides = [from, to].flatMap((side) => (side === null ? [] : JSON.stringify(side.value ?? '')))
  return `${sides.join(' -> ')}${access}`
}

function originText({ kind, scope, id, featureId, featureKind, revisionId, who, at, why }: OriginJson): string {
  const what = kind === 'feature' ? `feature ${featureKind ?? ''} ${featureId ?? ''}` : kind
  const parts = [
    [what, scope, id].filter((part) => part !== undefined).join(' '),
    revisionId === undefined ? undefined : `revision ${revisionId}`,
    who,
    at,
  ].filter((part) => part !== undefined)
  return `${parts.join(', ')}${why === undefined ? '' : `: ${why}`}`
}
