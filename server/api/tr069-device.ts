/** A TR-069 device in one answer: what it said of itself, what it lacks, and how it can be brought to call. */
import type { FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { acsCredentials, type DeviceFacts } from '../devices/mod.ts'
import { readOutboundUrl } from '../outbound/mod.ts'
import {
  type AcsContact,
  countOpenTasks,
  countParameters,
  findAcsContact,
  findAcsSince,
  findLastWake,
  type LastWake,
  loadAcsState,
} from '../store/mod.ts'
import type { AcsState, Wished } from '../tr069/mod.ts'
import type { ApiPlatform } from './context.ts'
import type { Tr069Device } from './contract/tr069.ts'
import { iso } from './device-json.ts'
import { reachOf } from './reach.ts'
import { leftFor } from './tr069-tree.ts'
import { unaskable } from './unaskable.ts'

type DeviceJson = z.infer<typeof Tr069Device>
type Reachable = NonNullable<DeviceJson['reachable']>

/**
 * Since when what is kept of a device may be shown: what it said while another account had it is not for the one that
 * has it now. Undefined: nothing may.
 */
export async function shownSince(
  request: FastifyRequest,
  platform: ApiPlatform,
  { device }: DeviceFacts,
): Promise<Date | undefined> {
  if ((await reachOf(request, platform)) === null) return new Date(0)
  return findAcsSince(platform.db, device.mac)
}

export async function tr069Json(
  request: FastifyRequest,
  platform: ApiPlatform,
  facts: DeviceFacts,
): Promise<DeviceJson> {
  const { mac } = facts.device
  const { db } = platform
  const openTasks = await countOpenTasks(db, mac, await reachOf(request, platform))
  const [contact, state] = [await findAcsContact(db, mac), await loadAcsState(db, mac)]
  const since = await shownSince(request, platform, facts)
  const settings = facts.account?.settings
  const own = {
    mac,
    ledBy: settings?.ledBy ?? 'profile',
    wakeByReboot: settings?.wakeByReboot ?? false,
    acsUrl: platform.facts().acsUrl ?? null,
    username: acsCredentials(facts)?.username ?? null,
    openTasks,
  } as const
  if (contact === undefined || state === undefined || since === undefined || contact.lastAt < since) {
    return { ...own, ...NEVER_CALLED }
  }
  const left = state.treeAt === undefined ? undefined : await leftFor(platform, facts, state, contact.secure)
  return {
    ...own,
    ...contactJson(contact, state),
    firstAt: iso(contact.firstAt < since ? since : contact.firstAt),
    parameterCount: await countParameters(db, mac),
    ...stepJson(state, left),
    reachable: await reachableJson(platform, facts, contact, state),
  }
}

const NEVER_CALLED = {
  called: false,
  firstAt: null,
  lastAt: null,
  from: null,
  secure: null,
  manufacturer: null,
  oui: null,
  productClass: null,
  software: null,
  events: [],
  root: null,
  namespace: null,
  connectionRequestUrl: null,
  informSeconds: null,
  treeAt: null,
  parameterCount: 0,
  inStep: null,
  left: null,
  reachable: null,
  tracedUntil: null,
  refused: [],
} satisfies Partial<DeviceJson>

function contactJson(contact: AcsContact, state: AcsState) {
  const { lastAt, lastFrom, secure, manufacturer, oui, productClass, software, events, root, namespace } = contact
  return {
    called: true,
    lastAt: lastAt.toISOString(),
    from: lastFrom,
    secure,
    manufacturer,
    oui,
    productClass,
    software,
    events: [...events],
    root,
    namespace,
    connectionRequestUrl: contact.connectionRequestUrl,
    informSeconds: intervalOf(contact, state),
    treeAt: isoMillis(state.treeAt),
    tracedUntil:
      state.tracedUntil !== undefined && state.tracedUntil > Date.now() ? isoMillis(state.tracedUntil) : null,
    refused: Object.entries(state.refused).map(([key, { code, text, at }]) => ({ ...refusedKey(key), code, text, at })),
  }
}

/** Paths hold no colon; what was refused beside a value has a word and a colon in front. */
function refusedKey(key: string): { readonly what: string; readonly path: string } {
  const [, what = 'value', path = key] = /^([a-z-]+):(.*)$/.exec(key) ?? []
  return { what, path }
}

function isoMillis(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString()
}

function intervalOf({ interval }: AcsContact, { informSeconds }: AcsState): number | null {
  const told = Number(interval ?? '')
  return Number.isSafeInteger(told) && told > 0 ? told : (informSeconds ?? null)
}

function stepJson(state: AcsState, wished: Wished | undefined): Pick<DeviceJson, 'inStep' | 'left'> {
  if (wished === undefined) return { inStep: null, left: null }
  const left = {
    values: wished.values.length + wished.attributes.length,
    objects: wished.objects.length,
    files: wished.files.length,
  }
  const nothing = left.values + left.objects + left.files === 0
  return { inStep: nothing && state.inStep !== undefined, left }
}

async function reachableJson(
  platform: ApiPlatform,
  facts: DeviceFacts,
  contact: AcsContact,
  state: AcsState,
): Promise<Reachable> {
  const last = await findLastWake(platform.db, facts.device.mac)
  const { way, basis } = await wayOf(platform, facts, contact, state, last)
  const seconds = intervalOf(contact, state)
  const nextCallBy = seconds === null ? undefined : contact.lastAt.getTime() + seconds * 1000
  return {
    way,
    basis,
    expectedSeconds: way === 'periodic' ? secondsUntil(nextCallBy) : lastDelay(way, last),
    nextCallBy: isoMillis(nextCallBy),
    waitingSince: isoMillis(state.wakeFrom),
    text: TEXTS[way],
  }
}

const TEXTS: Readonly<Record<Reachable['way'], string>> = {
  direct: 'A connection request reaches it, so it calls within seconds.',
  sip: 'No connection request reaches it; it is asked by SIP, which takes a resync or a reboot.',
  periodic: 'Nothing reaches it from here; what waits is done when it calls by the clock.',
}

const WAYS: Readonly<Record<string, Reachable['way']>> = {
  'connection-request': 'direct',
  'sip-resync': 'sip',
  'sip-reboot': 'sip',
  periodic: 'periodic',
}

async function wayOf(
  platform: ApiPlatform,
  facts: DeviceFacts,
  { connectionRequestUrl }: AcsContact,
  { wakeFrom, wakeWay }: AcsState,
  last: LastWake | undefined,
): Promise<Pick<Reachable, 'way' | 'basis'>> {
  const asked = wakeFrom === undefined ? undefined : WAYS[wakeWay ?? '']
  if (asked !== undefined) return { way: asked, basis: 'asked' }
  const before = WAYS[last?.way ?? '']
  if (before !== undefined) return { way: before, basis: 'last-time' }
  const url = readOutboundUrl(connectionRequestUrl ?? '', platform.settings.outboundAllow)
  if (url.ok && facts.secrets !== undefined) return { way: 'direct', basis: 'assumed' }
  return { way: (await hearsSip(platform, facts)) ? 'sip' : 'periodic', basis: 'assumed' }
}

/** As the door decides: a phone that is led by its profile too, or that may be rebooted. */
async function hearsSip(platform: ApiPlatform, { device, account, lines }: DeviceFacts): Promise<boolean> {
  const settings = account?.settings
  if (settings === undefined || device.state !== 'bound' || lines.length === 0) return false
  if (settings.ledBy === 'tr069' && !settings.wakeByReboot) return false
  const filter = { macs: [device.mac], accountId: undefined, batchId: undefined, model: undefined, state: undefined }
  const kind = settings.wakeByReboot ? 'reboot' : 'resync'
  return (await unaskable(platform, { ...filter, reach: null }, { kind, via: 'sip', profile: undefined })).length === 0
}

/** What it took last time, by that way. */
function lastDelay(way: Reachable['way'], last: LastWake | undefined): number | null {
  if (last === undefined || last.waitedMs === null || WAYS[last.way] !== way) return null
  return Math.ceil(last.waitedMs / 1000)
}

function secondsUntil(at: number | undefined): number | null {
  return at === undefined ? null : Math.max(0, Math.ceil((at - Date.now()) / 1000))
}
