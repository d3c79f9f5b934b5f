/** The tree of a TR-069 device beside what its profile wishes; secrets are masked on both sides. */
import type { z } from 'zod'
import { elementsOf, readValue } from '../../protocol/data-model/mod.ts'
import { catalogue } from '../../protocol/profile/mod.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import { resolveDevice } from '../profiles/mod.ts'
import { findSentMacs, loadLineObjects, loadTree, type ShownParameter, spellsOutSecret } from '../store/mod.ts'
import {
  type AcsState,
  isSecretPath,
  modelPathsOn,
  sameValue,
  valueMac,
  type Wished,
  wishedInput,
  wishedOf,
} from '../tr069/mod.ts'
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
  const modelPath = modelPathsOn(await loadLineObjects(platform.db, mac))
  const isSecret = (path: string): boolean =>
    [path, modelPath(path)].some(isSecretPath) ||
    elementsOf(modelPath(path)).some(
      (name) => catalogue.find(name)?.secret === true || profile.get(name)?.secret === true,
    )
  const paths = rows.map(({ path }) => path)
  const sent = await findSentMacs(platform.db, mac, paths)
  const key = platform.facts().markerKey
  return rows.flatMap((row): readonly ParameterJson[] => {
    const { path, type, writable, value, notification, at } = row
    const wished = path.endsWith('.') ? undefined : readValue(modelPath(path), (name) => profile.get(name)?.value)
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
  const { mac } = facts.device
  const platformFacts = platform.facts()
  return wishedOf(
    wishedInput({
      facts,
      platform: platformFacts,
      state,
      tree: await loadTree(platform.db, mac),
      caPem: platform.serverCertificate()?.caPem,
      secretsMayGo: secure,
      // The interval that it was given counts; when the fleet grows, the door gives it another.
      informSeconds: state.informSeconds ?? INFORM_SECONDS,
      macOf: (path, value) => valueMac(platformFacts.markerKey, mac, path, value),
    }),
  )
}

/** Of a small fleet. */
const INFORM_SECONDS = 3600
