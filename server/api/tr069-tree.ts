/** The tree of a TR-069 device beside what its profile wishes; secrets are masked on both sides. */
import type { z } from 'zod'
import { elementsOf, readValue } from '../../protocol/data-model/mod.ts'
import { catalogue, modelInfo } from '../../protocol/profile/mod.ts'
import { acsCredentials, type DeviceFacts } from '../devices/mod.ts'
import { previewLookup, resolveDevice } from '../profiles/mod.ts'
import { findSentMacs, loadTree, type ShownParameter, spellsOutSecret } from '../store/mod.ts'
import { type AcsState, isSecretPath, sameValue, textHash, valueMac, type Wished, wishedOf } from '../tr069/mod.ts'
import type { ApiPlatform } from './context.ts'
import type { Tr069Parameter } from './contract/tr069.ts'

type ParameterJson = z.infer<typeof Tr069Parameter>

/** @param q what was searched for: a secret is not found by its value */
export async function treeJson(
  platform: ApiPlatform,
  facts: DeviceFacts,
  rows: readonly ShownParameter[],
  { q, refused }: { readonly q: string | undefined; readonly refused: AcsState['refused'] },
): Promise<readonly ParameterJson[]> {
  const { mac } = facts.device
  const profile = resolveDevice(facts, platform.facts())
  const isSecret = (path: string): boolean =>
    isSecretPath(path) ||
    elementsOf(path).some((name) => catalogue.find(name)?.secret === true || profile.get(name)?.secret === true)
  const paths = rows.map(({ path }) => path)
  const sent = await findSentMacs(platform.db, mac, paths)
  const key = platform.facts().markerKey
  return rows.flatMap((row): readonly ParameterJson[] => {
    const { path, type, writable, value, notification, at } = row
    const wished = path.endsWith('.') ? undefined : readValue(path, (name) => profile.get(name)?.value)
    const secret = isSecret(path) || [value ?? '', wished ?? ''].some(spellsOutSecret)
    if (secret && q !== undefined && !path.toLowerCase().includes(q.toLowerCase())) return []
    const told = isSecretPath(path) ? sent.get(path) : undefined
    const same = (text: string): boolean | null => {
      if (isSecretPath(path)) return told === undefined ? null : told === valueMac(key, mac, path, text)
      return value === null ? null : sameValue(value, text, typeOf(type))
    }
    const no = refused[path]
    return [
      {
        path,
        type,
        writable,
        value: secret ? null : value,
        ...(secret ? { secret: true } : {}),
        notification,
        at: at.toISOString(),
        wished: wished === undefined ? null : { value: secret ? null : wished, same: same(wished) },
        refused: no === undefined ? null : { code: no.code, text: no.text, at: no.at },
      },
    ]
  })
}

function typeOf(type: string | null): Parameters<typeof sameValue>[2] {
  return (type ?? undefined) as Parameters<typeof sameValue>[2]
}

/** What the next session of a device is to bring, worked out as the session does. */
export async function leftFor(
  platform: ApiPlatform,
  facts: DeviceFacts,
  state: AcsState,
  secure: boolean,
): Promise<Wished> {
  const { device, account, lines } = facts
  const { publicUrl, customCaUrl, markerKey } = platform.facts()
  const ledBy = account?.settings.ledBy ?? 'profile'
  const credentials = acsCredentials(facts)
  const caPem = platform.serverCertificate()?.caPem
  const profile = ledBy === 'tr069' ? resolveDevice(facts, platform.facts()) : undefined
  const seen = state.software === undefined ? {} : { firmware: state.software }
  return wishedOf({
    ledBy,
    profile,
    macros: profile === undefined ? undefined : previewLookup(facts, profile, seen),
    lineCount: modelInfo(device.model)?.lines ?? Math.max(1, lines.length),
    linesWished: lines.length,
    tree: await loadTree(platform.db, device.mac),
    state,
    secretsMayGo: secure,
    connectionRequest:
      credentials === undefined
        ? undefined
        : { username: credentials.connectionRequestUsername, password: credentials.connectionRequestPassword },
    // The interval that it was given counts; when the fleet grows, the door gives it another.
    informSeconds: state.informSeconds ?? INFORM_SECONDS,
    macOf: (path, value) => valueMac(markerKey, device.mac, path, value),
    hashOf: textHash,
    configUrl: `${publicUrl}/cisco-init`,
    customCa: customCaUrl === undefined || caPem === undefined ? undefined : { url: customCaUrl, pem: caPem },
  })
}

/** Of a small fleet. */
const INFORM_SECONDS = 3600
