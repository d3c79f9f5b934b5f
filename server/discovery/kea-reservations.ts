import { macWithColons, parseMacAddress } from '../../protocol/identity.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import { OUR_CONTEXT } from './kea-classes.ts'
import type { Json } from './kea-classes.ts'
import { asObjects, isOurs } from './kea-objects.ts'
import { discoveryProblem, shown } from './problem.ts'
import { isInside, readSubnet } from './subnets.ts'
import type { DiscoveryProblem, KeaReservation } from './types.ts'

/** Most reservations at once: beyond, Kea wants a database of its own for them. */
export const RESERVATIONS_MAX = 50_000

interface Placed {
  readonly body: Json
  readonly problems: readonly DiscoveryProblem[]
}

/** Replaces our reservations in a Dhcp4 configuration. */
export function placeReservations(body: Json, reservations: readonly KeaReservation[]): Placed {
  if (reservations.length > RESERVATIONS_MAX) {
    const message = `Cannot reserve for ${reservations.length} phones: expected at most ${RESERVATIONS_MAX}`
    const advice = 'leave out phones that need no address of their own'
    return { body, problems: [discoveryProblem('reservations', 'reservations', message, advice)] }
  }
  const problems = [...checkEach(reservations)]
  const waiting = reservations.filter(({ address }) => address !== undefined)
  const placed = new Set<KeaReservation>()
  const fill = (subnet: Json): Json => fillSubnet(subnet, waiting, placed, problems)
  const merged: Record<string, unknown> = { ...body }
  if ('subnet4' in body) merged['subnet4'] = asObjects(body['subnet4']).map(fill)
  if ('shared-networks' in body) {
    merged['shared-networks'] = asObjects(body['shared-networks']).map((network) =>
      'subnet4' in network ? { ...network, subnet4: asObjects(network['subnet4']).map(fill) } : network,
    )
  }
  for (const one of waiting.filter((reservation) => !placed.has(reservation))) {
    problems.push(
      problemOf(
        'reservation-outside',
        one.mac,
        `Cannot reserve ${shown(one.address ?? '')}: it is in no subnet of Kea`,
        'give an address inside one of its subnets, or none',
      ),
    )
  }
  return { body: withGlobal(merged, reservations, problems), problems }
}

/** Without an address a reservation only names the phone, in whatever subnet it is. */
function withGlobal(
  body: Readonly<Record<string, unknown>>,
  reservations: readonly KeaReservation[],
  problems: DiscoveryProblem[],
): Json {
  const theirs = asObjects(body['reservations']).filter((one) => !isOurs(one))
  const ours = reservations.filter(({ address }) => address === undefined)
  checkTaken(theirs, ours, problems)
  if (ours.length === 0) return 'reservations' in body ? { ...body, reservations: theirs } : body
  const { 'reservation-mode': mode, ...rest } = body
  return {
    ...rest,
    // The older word and the newer ones are not taken together.
    ...(mode === undefined ? {} : modeFlags(mode)),
    'reservations-global': true,
    reservations: [...theirs, ...ours.map(reservationOf)],
  }
}

function modeFlags(mode: unknown): Json {
  return {
    'reservations-in-subnet': mode !== 'disabled' && mode !== 'global',
    'reservations-out-of-pool': mode === 'out-of-pool',
  }
}

function fillSubnet(
  subnet: Json,
  waiting: readonly KeaReservation[],
  placed: Set<KeaReservation>,
  problems: DiscoveryProblem[],
): Json {
  const range = readSubnet(String(subnet['subnet']), 4)
  const own = waiting.filter(
    (one) => range !== undefined && one.address !== undefined && !placed.has(one) && isInside(one.address, range),
  )
  for (const one of own) placed.add(one)
  const theirs = asObjects(subnet['reservations']).filter((one) => !isOurs(one))
  checkTaken(theirs, own, problems)
  if (own.length === 0 && !('reservations' in subnet)) return subnet
  return { ...subnet, reservations: [...theirs, ...own.map(reservationOf)] }
}

function reservationOf({ mac, address, clientClasses }: KeaReservation): Json {
  return {
    'hw-address': macWithColons(mac),
    hostname: `SEP${mac.toUpperCase()}`,
    ...(address === undefined ? {} : { 'ip-address': address }),
    ...(clientClasses === undefined || clientClasses.length === 0 ? {} : { 'client-classes': clientClasses }),
    'user-context': OUR_CONTEXT,
  }
}

/** Theirs stay: a phone or an address that they have reserved is told. */
function checkTaken(theirs: readonly Json[], ours: readonly KeaReservation[], problems: DiscoveryProblem[]): void {
  const macs = new Set(theirs.map((one) => parseMacAddress(String(one['hw-address']))))
  const addresses = new Set(theirs.map((one) => one['ip-address']))
  for (const { mac, address } of ours) {
    if (macs.has(mac)) {
      const message = 'Cannot reserve for this phone: Kea has a reservation for it that is not ours'
      problems.push(problemOf('reservation-taken', mac, message, 'remove one of the two'))
    }
    if (address !== undefined && addresses.has(address)) {
      const message = `Cannot reserve ${shown(address)}: Kea has reserved it for another device`
      problems.push(problemOf('address-taken', mac, message, 'give another address'))
    }
  }
}

function checkEach(reservations: readonly KeaReservation[]): readonly DiscoveryProblem[] {
  const macs = new Set<string>()
  const addresses = new Set<string>()
  const problems: DiscoveryProblem[] = []
  for (const { mac, address, clientClasses } of reservations) {
    if (macs.has(mac) || (address !== undefined && addresses.has(address))) {
      const message = `Cannot reserve ${macs.has(mac) ? 'for one phone' : shown(address ?? '')} twice`
      problems.push(problemOf('reservation-twice', mac, message, 'remove one of the two'))
    }
    macs.add(mac)
    if (address !== undefined) addresses.add(address)
    for (const name of clientClasses ?? []) {
      if (/^[\w.-]{1,64}$/.test(name)) continue
      const message = `Cannot put a phone into class ${shown(name)}: expected 1 to 64 letters, digits, dots, hyphens and underscores`
      problems.push(problemOf('bad-class', mac, message, 'give the name of a class of Kea'))
    }
  }
  return problems
}

function problemOf(code: string, mac: MacAddress, message: string, advice: string): DiscoveryProblem {
  return discoveryProblem(code, `reservation ${macWithColons(mac)}`, message, advice)
}
