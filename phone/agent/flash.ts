/** The lasting memory as JSON text. Every field is checked when it is read: the text may come from any file. */
import type { ParameterStore, StoredParameter } from '../../protocol/profile/mod.ts'
import { err, ok, type Result } from '../../protocol/result.ts'
import { decodeTr069Memory } from './cwmp/mod.ts'
import { REBOOTS_MAX, STATUS_ENTRIES_MAX } from './history.ts'
import type { CustomizationState, Flash, HistoryEntry, RebootReason } from './types.ts'

/** A full store of the largest model has about 300 kB. */
export const FLASH_CHARS_MAX = 4 * 1024 * 1024
const PARAMETERS_MAX = 10_000
const VERSION = 1

const STATES: readonly CustomizationState[] = [
  'Open',
  'Aborted',
  'Pending',
  'Custom-Pending',
  'Acquired',
  'Unavailable',
  'GDS-Pending',
]
const REASONS: readonly RebootReason[] = [
  'Upgrade',
  'Provisioning',
  'SIP Triggered',
  'RC',
  'User Triggered',
  'IP Changed',
]
const BOOT_CAUSES: readonly Flash['bootCause'][] = ['power', 'parameters', 'upgrade', 'web-submit']
const ACCESS: readonly StoredParameter['ua'][] = ['na', 'ro', 'rw']

/** @returns one line of JSON; equal memories give equal text. */
export function encodeFlash(flash: Flash): string {
  const parameters = [...flash.parameters]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([element, { value, ua, userPref, userModified }]) => [element, value, ua, userPref, userModified])
  return JSON.stringify({ version: VERSION, ...flash, parameters })
}

/** @returns the memory, or what is wrong with the text (without its content). Never throws. */
export function decodeFlash(text: string): Result<Flash, { readonly message: string }> {
  if (text.length > FLASH_CHARS_MAX) return err({ message: 'Cannot read the flash: the text is too long' })
  const json = parseJson(text)
  const flash = isRecord(json) && json['version'] === VERSION ? flashOf(json) : undefined
  return flash === undefined
    ? err({ message: 'Cannot read the flash: expected the JSON that encodeFlash writes' })
    : ok(flash)
}

type Json = Readonly<Record<string, unknown>>

function flashOf(json: Json): Flash | undefined {
  const parameters = parametersOf(json['parameters'])
  const customization = oneOf(STATES, json['customization'])
  const bootCause = oneOf(BOOT_CAUSES, json['bootCause'])
  const rebootHistory = listOf(json['rebootHistory'], REBOOTS_MAX, (entry) => {
    const reason = oneOf(REASONS, entry['reason'])
    return isTime(entry['at']) && reason !== undefined ? { at: entry['at'], reason } : undefined
  })
  const provisioningHistory = listOf(json['provisioningHistory'], STATUS_ENTRIES_MAX, historyEntryOf)
  const upgradeHistory = listOf(json['upgradeHistory'], STATUS_ENTRIES_MAX, historyEntryOf)
  const customCa = customCaOf(json['customCa'])
  const tr069 = decodeTr069Memory(json['tr069'])
  const { activeLoad, inactiveLoad, upgradeFingerprint, reported, resyncSucceeded } = json
  // Absent in memories of before it existed.
  const { editsUnreported = false } = json
  if (parameters === undefined || customization === undefined || bootCause === undefined) return undefined
  if (rebootHistory === undefined || provisioningHistory === undefined || upgradeHistory === undefined) return undefined
  if (tr069 === undefined) return undefined
  if (customCa === undefined || typeof activeLoad !== 'string' || typeof resyncSucceeded !== 'boolean') return undefined
  if (!isTextOrAbsent(inactiveLoad) || !isTextOrAbsent(upgradeFingerprint)) return undefined
  if (typeof editsUnreported !== 'boolean') return undefined
  if (reported !== undefined && !isTextRecord(reported)) return undefined
  return {
    parameters,
    customization,
    activeLoad,
    inactiveLoad,
    upgradeFingerprint,
    rebootHistory,
    provisioningHistory,
    upgradeHistory,
    customCa,
    reported,
    bootCause,
    resyncSucceeded,
    editsUnreported,
    tr069,
  }
}

function parametersOf(json: unknown): ParameterStore | undefined {
  if (!Array.isArray(json) || json.length > PARAMETERS_MAX) return undefined
  const store = new Map<string, StoredParameter>()
  for (const entry of json as readonly unknown[]) {
    if (!Array.isArray(entry)) return undefined
    const [element, value, access, userPref, userModified] = entry as readonly unknown[]
    const ua = oneOf(ACCESS, access)
    if (typeof element !== 'string' || typeof value !== 'string' || ua === undefined) return undefined
    if (typeof userPref !== 'boolean' || typeof userModified !== 'boolean') return undefined
    store.set(element, { value, ua, userPref, userModified })
  }
  return store
}

function customCaOf(json: unknown): Flash['customCa'] | undefined {
  if (!isRecord(json)) return undefined
  // Absent before the first try, and in memories that kept a sentence instead.
  const { pem, last: tried, info, rule } = json
  const last = lastTryOf(tried)
  if (!isTextOrAbsent(pem) || typeof info !== 'string' || typeof rule !== 'string') return undefined
  if (tried !== undefined && last === undefined) return undefined
  return { pem, last, info, rule }
}

function lastTryOf(json: unknown): Flash['customCa']['last'] {
  if (!isRecord(json) || !isTime(json['at']) || typeof json['ok'] !== 'boolean') return undefined
  return { ok: json['ok'], at: json['at'] }
}

function historyEntryOf(entry: Json): HistoryEntry | undefined {
  return isTime(entry['at']) && typeof entry['text'] === 'string' ? { at: entry['at'], text: entry['text'] } : undefined
}

function listOf<T>(json: unknown, countMax: number, read: (entry: Json) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(json) || json.length > countMax) return undefined
  const entries = (json as readonly unknown[]).map((entry) => (isRecord(entry) ? read(entry) : undefined))
  return entries.every((entry) => entry !== undefined) ? entries : undefined
}

function oneOf<T extends string>(values: readonly T[], json: unknown): T | undefined {
  return values.find((value) => value === json)
}

function isRecord(json: unknown): json is Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function isTextRecord(json: unknown): json is Readonly<Record<string, string>> {
  return isRecord(json) && Object.values(json).every((value) => typeof value === 'string')
}

function isTextOrAbsent(json: unknown): json is string | undefined {
  return json === undefined || typeof json === 'string'
}

function isTime(json: unknown): json is number {
  return typeof json === 'number' && Number.isFinite(json)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
