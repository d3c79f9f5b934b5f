import { err, ok } from '../../protocol/result.ts'
import type { Result } from '../../protocol/result.ts'
import { keaParts } from './kea-classes.ts'
import type { Json } from './kea-classes.ts'
import { asObject, asObjects, isOurs } from './kea-objects.ts'
import { placeReservations } from './kea-reservations.ts'
import { discoveryProblem, shown } from './problem.ts'
import { OURS } from './parts.ts'
import type { Wanted } from './parts.ts'
import type { DiscoveryProblem, DiscoverySettings, KeaConfig, KeaReservation } from './types.ts'
import { wantedOptions } from './wanted.ts'
import { FLEX_OPTION, flexHook, subnetOf } from './write-kea.ts'

/** Types of their definitions that our bytes pass through unchanged. */
const FIT_TYPES: Readonly<Record<number, readonly string[]>> = { 150: ['ipv4-address', 'string', 'binary'] }

/**
 * Puts our classes, options, hook rows, subnets and reservations into a configuration of Kea. What was ours before (names that
 * begin with `offhook-`, or a user context that says so) is replaced, so doing it twice is doing it once; all else is kept as it is.
 * Settings that come to no option take ours out.
 *
 * @param current  `arguments` of `config-get`, with `Dhcp4` or `Dhcp6`; the result is for `config-set`
 * @param reservations  for Dhcp4 only: with an address in the subnet that holds it, else for all subnets
 * @returns problems of {@link writeDhcp} except `nothing-to-say`, or `no-dhcp`, `option-def-taken`, `reservation-taken`,
 * `address-taken`, `reservation-twice`, `reservation-outside`, `bad-class`, `reservations`
 */
export function mergeKea(
  current: KeaConfig,
  settings: DiscoverySettings,
  reservations: readonly KeaReservation[],
): Result<KeaConfig, readonly DiscoveryProblem[]> {
  const wanted = wantedOptions(settings, 'allowed')
  if (!wanted.ok) return wanted
  const merged: Record<string, unknown> = {}
  const problems: DiscoveryProblem[] = []
  for (const [key, value] of Object.entries(current)) {
    // `config-set` takes no hash.
    if (key === 'hash') continue
    const family = key === 'Dhcp4' ? 4 : key === 'Dhcp6' ? 6 : undefined
    const body = asObject(value)
    if (family === undefined || body === undefined) {
      merged[key] = value
      continue
    }
    const placed =
      family === 4 ? placeReservations(withParts(body, wanted.value, 4, problems), reservations) : undefined
    problems.push(...(placed?.problems ?? []))
    merged[key] = placed?.body ?? withParts(body, wanted.value, 6, problems)
  }
  if (asObject(merged['Dhcp4']) === undefined && asObject(merged['Dhcp6']) === undefined) {
    problems.push(
      discoveryProblem(
        'no-dhcp',
        'configuration',
        'Cannot find "Dhcp4" or "Dhcp6" in the configuration of Kea',
        'ask for it by config-get, and give what stands under "arguments"',
      ),
    )
  }
  return problems.length > 0 ? err(problems) : ok(merged)
}

function withParts(body: Json, wanted: Wanted, family: 4 | 6, problems: DiscoveryProblem[]): Json {
  const theirDefs = asObjects(body['option-def']).filter((def) => !isOurs(def))
  const defined = new Set<number>()
  for (const def of theirDefs) {
    const { code, type, space } = def
    if (typeof code === 'number' && (space === undefined || space === `dhcp${family}`)) {
      defined.add(code)
      checkDefinition(wanted, family, code, String(type), String(def['name']), problems)
    }
  }
  const parts = keaParts(wanted, family, defined)
  const lists: Record<string, readonly unknown[]> = {
    'option-def': [...theirDefs, ...parts.optionDefs],
    // Ours in front: of two classes with one option, Kea takes the first.
    'client-classes': [...parts.classes, ...asObjects(body['client-classes']).filter((one) => !isOurs(one))],
    'hooks-libraries': withHook(asObjects(body['hooks-libraries']), wanted, parts.flexOptions),
    [`subnet${family}`]: withSubnets(body, wanted, family),
  }
  const merged: Record<string, unknown> = { ...body }
  for (const [key, list] of Object.entries(lists)) {
    // A list that was not there and holds nothing stays away.
    if (list.length > 0 || key in body) merged[key] = list
  }
  return merged
}

function checkDefinition(
  wanted: Wanted,
  family: 4 | 6,
  code: number,
  type: string,
  name: string,
  problems: DiscoveryProblem[],
): void {
  if (!wanted.options.some((option) => option.family === family && option.code === code)) return
  if ((FIT_TYPES[code] ?? ['string', 'binary']).includes(type)) return
  problems.push(
    discoveryProblem(
      'option-def-taken',
      `option-def ${shown(name)}`,
      `Cannot send option ${code}: the configuration defines it with type ${shown(type)}`,
      'remove that definition, or leave the option out',
    ),
  )
}

/** One library is loaded once: where they have it, our rows go into theirs. */
function withHook(libraries: readonly Json[], wanted: Wanted, rows: readonly Json[]): readonly Json[] {
  const kept: Json[] = []
  let placed = false
  for (const library of libraries) {
    if (!String(library['library']).includes(FLEX_OPTION.replace('.so', ''))) {
      kept.push(library)
      continue
    }
    const parameters = asObject(library['parameters']) ?? {}
    const before = asObjects(parameters['options'])
    const theirs = before.filter((row) => !JSON.stringify(row).includes(`member('${OURS}`))
    const options = placed ? theirs : [...theirs, ...rows]
    placed = true
    if (options.length > 0 || before.length === 0) kept.push({ ...library, parameters: { ...parameters, options } })
  }
  return placed || rows.length === 0 ? kept : [...kept, flexHook(wanted, rows)]
}

/** A subnet that they have is left to them. Kea knows subnets by their id, so one of ours keeps its own. */
function withSubnets(body: Json, wanted: Wanted, family: 4 | 6): readonly Json[] {
  const key = `subnet${family}`
  const all = asObjects(body[key])
  const theirs = all.filter((subnet) => !isOurs(subnet))
  const shared = asObjects(body['shared-networks']).flatMap((network) => asObjects(network[key]))
  const taken = new Set([...theirs, ...shared].map((subnet) => subnet['id']))
  const known = new Set([...theirs, ...shared].map((subnet) => subnet['subnet']))
  const before = new Map(all.filter(isOurs).map((subnet) => [subnet['subnet'], subnet['id']]))
  const rows = family === 4 ? wanted.settings.subnets : (wanted.settings.subnets6 ?? [])
  const ours = rows.filter((row) => !known.has(row.subnet))
  for (const row of ours) taken.add(before.get(row.subnet))
  let next = 1
  return [
    ...theirs,
    ...ours.map((row) => {
      const old = before.get(row.subnet)
      while (typeof old !== 'number' && taken.has(next)) next += 1
      const id = typeof old === 'number' ? old : next
      taken.add(id)
      return subnetOf(row, family, id)
    }),
  ]
}
