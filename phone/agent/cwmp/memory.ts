/** The lasting memory of the TR-069 client: how it begins, and how it is read from any text [TR-069 §5.1, §7]. */
import type { Attributes, CwmpState, OwedEvent, Tr069Memory, Transfer } from './types.ts'

/** Transfers that wait or whose report is owed; three at least must fit [TR-069 §7, Download]. */
export const TRANSFERS_MAX = 8
/** Reboots that are owed or have still to be told; an Inform has room for 64 events [TR-069 §5]. */
export const REBOOT_EVENTS_MAX = 32
/** Paths of one table; the whole data model of the largest phone has fewer. */
export const PATHS_MAX = 8000

/** Of a phone that no ACS has ever seen. */
export const EMPTY_TR069_MEMORY: Tr069Memory = {
  parameterKey: '',
  connectionPath: '',
  bootstrappedUrl: '',
  events: [],
  rebootKeys: [],
  resetOwed: false,
  attributes: {},
  observed: {},
  changed: [],
  transfers: [],
  nextTransferId: 1,
  values: {},
}

/** What a boot begins with. */
export const INITIAL_CWMP_STATE: CwmpState = {
  session: undefined,
  due: false,
  bootOwed: true,
  connectionRequested: false,
  failureCount: 0,
  backup: false,
  seenUrl: undefined,
  listener: undefined,
  listenerWaitUntil: undefined,
  periodicFor: '',
  phase: undefined,
  lastSession: undefined,
  nonces: [],
  requestTimes: [],
  refusedReports: [],
  comparedWith: [],
}

type Json = Readonly<Record<string, unknown>>

/** @returns the memory; the empty one for `undefined` (a phone from before TR-069), undefined for what is none. */
export function decodeTr069Memory(json: unknown): Tr069Memory | undefined {
  if (json === undefined) return EMPTY_TR069_MEMORY
  if (!isRecord(json)) return undefined
  const { parameterKey, connectionPath, bootstrappedUrl, resetOwed, nextTransferId } = json
  const events = listOf(json['events'], REBOOT_EVENTS_MAX + 1, eventOf)
  const rebootKeys = textsOf(json['rebootKeys'], REBOOT_EVENTS_MAX)
  const changed = textsOf(json['changed'], PATHS_MAX)
  const transfers = listOf(json['transfers'], TRANSFERS_MAX, transferOf)
  const attributes = tableOf(json['attributes'], attributesOf)
  const observed = tableOf(json['observed'], textOf)
  const values = tableOf(json['values'], textOf)
  if (typeof parameterKey !== 'string' || typeof connectionPath !== 'string') return undefined
  if (typeof bootstrappedUrl !== 'string' || typeof resetOwed !== 'boolean' || !isCount(nextTransferId))
    return undefined
  if (events === undefined || rebootKeys === undefined || changed === undefined || transfers === undefined)
    return undefined
  if (attributes === undefined || observed === undefined || values === undefined) return undefined
  return {
    parameterKey,
    connectionPath,
    bootstrappedUrl,
    events,
    rebootKeys,
    resetOwed,
    attributes,
    observed,
    changed,
    transfers,
    nextTransferId,
    values,
  }
}

function eventOf(json: unknown): OwedEvent | undefined {
  if (!isRecord(json)) return undefined
  const { code, commandKey } = json
  if ((code !== '2 PERIODIC' && code !== 'M Reboot') || typeof commandKey !== 'string') return undefined
  return { code, commandKey }
}

const KINDS: readonly Transfer['kind'][] = ['firmware', 'profile', 'custom-ca']
const STATES: readonly Transfer['state'][] = ['waiting', 'running', 'installed', 'ended']

function transferOf(json: unknown): Transfer | undefined {
  if (!isRecord(json)) return undefined
  const { id, commandKey, url, username, password, fileSize, delaySeconds, faultCode, faultText } = json
  const { notBefore, startedAt, endedAt, load } = json
  const kind = KINDS.find((one) => one === json['kind'])
  const state = STATES.find((one) => one === json['state'])
  if (kind === undefined || state === undefined || !isCount(id) || !isCount(fileSize)) return undefined
  if (!isCount(delaySeconds) || !isCount(faultCode) || typeof faultText !== 'string') return undefined
  if (typeof commandKey !== 'string' || typeof url !== 'string') return undefined
  if (typeof username !== 'string' || typeof password !== 'string') return undefined
  if (!isTimeOrAbsent(notBefore) || !isTimeOrAbsent(startedAt) || !isTimeOrAbsent(endedAt)) return undefined
  if (load !== undefined && typeof load !== 'string') return undefined
  const words = { commandKey, url, username, password, faultText, load }
  return { id, kind, state, ...words, fileSize, delaySeconds, faultCode, notBefore, startedAt, endedAt }
}

function attributesOf(json: unknown): Attributes | undefined {
  if (!isRecord(json)) return undefined
  const { notification } = json
  const accessList = textsOf(json['accessList'], PATHS_MAX)
  return isCount(notification) && accessList !== undefined ? { notification, accessList } : undefined
}

function listOf<T>(json: unknown, countMax: number, read: (entry: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(json) || json.length > countMax) return undefined
  const entries = (json as readonly unknown[]).map((entry) => read(entry))
  return entries.every((entry) => entry !== undefined) ? entries : undefined
}

function tableOf<T>(json: unknown, read: (value: unknown) => T | undefined): Readonly<Record<string, T>> | undefined {
  if (!isRecord(json)) return undefined
  const entries = Object.entries(json).map(([key, value]) => [key, read(value)] as const)
  const known = entries.filter((entry): entry is readonly [string, T & {}] => entry[1] !== undefined)
  return known.length === entries.length && known.length <= PATHS_MAX ? Object.fromEntries(known) : undefined
}

function textsOf(json: unknown, countMax: number): readonly string[] | undefined {
  return listOf(json, countMax, textOf)
}

function textOf(json: unknown): string | undefined {
  return typeof json === 'string' ? json : undefined
}

function isRecord(json: unknown): json is Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function isCount(json: unknown): json is number {
  return typeof json === 'number' && Number.isInteger(json) && json >= 0
}

function isTimeOrAbsent(json: unknown): json is number | undefined {
  return json === undefined || (typeof json === 'number' && Number.isFinite(json))
}
