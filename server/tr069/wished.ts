/**
 * The wished state of a device: what its layers and features say, as far as its tree has a place for it. Written with
 * the fewest requests; what a configuration file brings anyway is not written one by one.
 * Source: TR-069 §3.5, §7 SetParameterValues and ParameterKey, §10.
 */
import { readBoolean, readLong } from '../../protocol/cwmp/mod.ts'
import { elementsOf, readValue } from '../../protocol/data-model/mod.ts'
import type { LedBy } from '../devices/mod.ts'
import type { ResolvedProfile } from '../profiles/mod.ts'
import type { MacroLookup } from '../../protocol/rule/mod.ts'
import { firmwareWished } from './firmware.ts'
import { instancesInOrder, lineTable, type PlacesOf, placesOn, shapeOf } from './lines.ts'
import { isSecretPath } from './secrets.ts'
import { fileKey } from './tasks.ts'
import type { AcsState, KnownParameter, TaskRequest } from './types.ts'

/** A value that the device should have. */
export interface WishedValue {
  readonly path: string
  readonly value: string
  readonly type: KnownParameter['type']
  readonly secret: boolean
}

/** An instance to add or to take away. */
export type WishedObject = { readonly kind: 'add-object' | 'delete-object'; readonly path: string } & {
  /** How many the table should have. */
  readonly wanted: number
}

/** Where it is remembered that a device refused something else than the value of a path. */
export function refusalKey(what: 'add-object' | 'delete-object' | 'notification', path: string): string {
  return `${what}:${path}`
}

export interface Wished {
  readonly values: readonly WishedValue[]
  readonly attributes: readonly { readonly path: string; readonly notification: 0 | 1 | 2 }[]
  readonly objects: readonly WishedObject[]
  readonly files: readonly Extract<TaskRequest, { kind: 'download' }>[]
}

export interface WishedInput {
  readonly ledBy: LedBy
  /** Undefined for a device whose profile does not count here. */
  readonly profile: ResolvedProfile | undefined
  /** Lines of the model. */
  readonly lineCount: number
  /** Lines that it has an account for. */
  readonly linesWished: number
  readonly tree: ReadonlyMap<string, KnownParameter>
  readonly state: Pick<AcsState, 'root' | 'refused' | 'configVersion' | 'caVersion' | 'informSeconds'> &
    Partial<Pick<AcsState, 'software'>>
  /** Over TLS, from a device that proved itself. */
  readonly secretsMayGo: boolean
  readonly connectionRequest: { readonly username: string; readonly password: string } | undefined
  readonly informSeconds: number
  /** Keyed hash of a path's value. */
  readonly macOf: (path: string, value: string) => string
  readonly hashOf: (text: string) => string
  readonly configUrl: string
  /** What a macro of a rule means on this device; absent: no firmware is wished by a rule. */
  readonly macros?: MacroLookup | undefined
  readonly customCa: { readonly url: string; readonly pem: string } | undefined
}

/** What there is to do for a device whose tree is known. */
export function wishedOf(input: WishedInput): Wished {
  const led = input.ledBy === 'tr069' ? input.profile : undefined
  const { files, values } = led === undefined ? { files: [], values: [] } : ofProfile(input, led)
  return {
    values: [...managementValues(input), ...values].filter((each) => isMissing(input, each)),
    attributes: attributesOf(input),
    objects: led === undefined ? [] : objectsOf(input),
    files,
  }
}

/** What the configuration file brings is not written besides. */
function ofProfile(input: WishedInput, profile: ResolvedProfile): Pick<Wished, 'files' | 'values'> {
  const placesOf = placesOn(input)
  const files = filesOf(input, profile, placesOf)
  const filed = files.some(({ file }) => file === 'configuration')
  return { files, values: filed ? [] : profileValues(input, profile, placesOf) }
}

function isMissing({ tree, state, macOf, secretsMayGo }: WishedInput, wished: WishedValue): boolean {
  const { path, value, secret } = wished
  const known = tree.get(path)
  if (known === undefined || known.writable === false) return false
  if (state.refused[path]?.mac === macOf(path, value)) return false
  if (secret) return secretsMayGo && known.sentMac !== macOf(path, value)
  return !sameValue(known.value, value, known.type)
}

/** Whether two texts are the same value of a type [TR-069 §3.5]. */
export function sameValue(known: string | undefined, wished: string, type: KnownParameter['type']): boolean {
  if (known === undefined) return false
  if (known === wished) return true
  switch (type) {
    case 'boolean':
      return isEqual(readBoolean(known), readBoolean(wished))
    case 'int':
    case 'unsignedInt':
    case 'long':
    case 'unsignedLong':
      return isEqual(readLong(known, type), readLong(wished, type))
    default:
      return false
  }
}

function isEqual<T>(known: T | undefined, wished: T | undefined): boolean {
  return known !== undefined && known === wished
}

function profileValues({ tree }: WishedInput, profile: ResolvedProfile, placesOf: PlacesOf): readonly WishedValue[] {
  const found = new Map<string, WishedValue>()
  for (const element of profile.keys()) {
    for (const { model, device: path } of placesOf(element)) {
      const known = tree.get(path)
      if (known === undefined || found.has(path) || isOurs(path)) continue
      const value = readValue(model, (name) => profile.get(name)?.value)
      if (value === undefined) continue
      const secret =
        isSecretPath(path) ||
        isSecretPath(model) ||
        elementsOf(model).some((name) => profile.get(name)?.secret === true)
      found.set(path, { path, value, type: known.type, secret })
    }
  }
  return [...found.values()]
}

/** What the ACS keeps in its own hands. */
function isOurs(path: string): boolean {
  return path.includes('.ManagementServer.')
}

/** The interval moves only when it is this far off, so that a growing fleet is not written to all the time. */
const INTERVAL_SLACK = 0.25

function managementValues(input: WishedInput): readonly WishedValue[] {
  const { state, tree, connectionRequest } = input
  const at = (name: string) => `${state.root}ManagementServer.${name}`
  const plain = (name: string, value: string): WishedValue => ({
    path: at(name),
    value,
    type: tree.get(at(name))?.type,
    secret: false,
  })
  const values = [
    plain('PeriodicInformEnable', 'true'),
    plain('PeriodicInformInterval', String(intervalOf(input, tree.get(at('PeriodicInformInterval'))?.value))),
  ]
  if (connectionRequest === undefined) return values
  const password = at('ConnectionRequestPassword')
  return [
    ...values,
    plain('ConnectionRequestUsername', connectionRequest.username),
    { path: password, value: connectionRequest.password, type: tree.get(password)?.type, secret: true },
  ]
}

/** What a layer says, else what the fleet's size asks for. */
export function intervalOf(
  { profile, informSeconds }: Pick<WishedInput, 'profile' | 'informSeconds'>,
  known: string | undefined,
): number {
  const said = Number(profile?.get('Periodic_Inform_Interval')?.value ?? '')
  if (said > 0) return said
  const now = Number(known ?? '')
  return now > 0 && isNear(now, informSeconds) ? now : informSeconds
}

/** Whether an interval that was set is still good enough. */
export function isNear(set: number, wanted: number): boolean {
  return Math.abs(set - wanted) <= wanted * INTERVAL_SLACK
}

/** Told with the next Inform: whether a line is registered. */
const PASSIVE = /\.VoiceProfile\.\d+\.Line\.\d+\.Status$/

function attributesOf({ tree, state, macOf }: WishedInput): Wished['attributes'] {
  return [...tree.values()]
    .filter(({ path, notification }) => PASSIVE.test(path) && (notification ?? 0) === 0)
    .filter(({ path }) => {
      const key = refusalKey('notification', path)
      return state.refused[key]?.mac !== macOf(key, '1')
    })
    .map(({ path }) => ({ path, notification: 1 }))
}

/** A device whose table of lines can grow and shrink gets as many as the phone has. */
function objectsOf({ tree, lineCount, linesWished, state, macOf }: WishedInput): Wished['objects'] {
  const table = lineTable(tree)
  if (table?.writable !== true || shapeOf(tree, lineCount).voiceProfiles === 'profile-per-line') return []
  const instances = instancesInOrder(tree, table.path)
  const missing = Array.from({ length: Math.max(0, linesWished - instances.length) }, () => ({
    kind: 'add-object' as const,
    path: table.path,
    wanted: linesWished,
  }))
  const surplus = instances
    .slice(Math.max(1, linesWished))
    .filter(({ writable }) => writable === true)
    .map(({ path }) => ({ kind: 'delete-object' as const, path, wanted: linesWished }))
  return [...missing, ...surplus].filter(({ kind, path, wanted }) => {
    const key = refusalKey(kind, path)
    return state.refused[key]?.mac !== macOf(key, String(wanted))
  })
}

/** What has no place in the tree comes as a file; so does a private CA. */
function filesOf(input: WishedInput, profile: ResolvedProfile, placesOf: PlacesOf): Wished['files'] {
  const { state, customCa, hashOf, macOf, secretsMayGo } = input
  // The files' addresses are the phone's own, over TLS; a device that did not prove itself gets none.
  if (!secretsMayGo) return []
  const unmapped = unmappedText(input, profile, placesOf)
  // A keyed hash: there are secrets in it.
  const config = macOf('', unmapped)
  const files: Extract<TaskRequest, { kind: 'download' }>[] = []
  if (customCa !== undefined) {
    const version = hashOf(customCa.pem)
    if (version !== state.caVersion) files.push({ kind: 'download', file: 'custom-ca', url: customCa.url, version })
  }
  if (unmapped !== '' && config !== state.configVersion) {
    files.push({ kind: 'download', file: 'configuration', url: input.configUrl, version: config })
  }
  const load = firmwareWished(input, profile)
  if (load !== undefined) files.push({ kind: 'download', file: 'firmware', url: load, version: load })
  return files.filter(({ file, version }) => state.refused[fileKey(file)]?.mac !== version)
}

/** The part of a profile that the tree has no place for. */
function unmappedText({ tree }: WishedInput, profile: ResolvedProfile, placesOf: PlacesOf): string {
  const lines: string[] = []
  for (const [element, { value, ua }] of profile) {
    if (placesOf(element).some(({ device }) => tree.has(device))) continue
    lines.push(`${element}\u0000${value}\u0000${ua ?? ''}`)
  }
  return lines.join('\u0001')
}
