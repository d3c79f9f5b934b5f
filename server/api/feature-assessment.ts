/** What a feature would do to the phones of its scope, and what they cannot do: asked before it is saved. */
import type { z } from 'zod'
import { MODELS } from '../../protocol/profile/mod.ts'
import type { MacAddress, ProductName } from '../../protocol/identity.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import {
  anyPhone,
  conflicts,
  expandFeatures,
  type Feature,
  type FeatureBody,
  type FeatureProblem,
  featureProblems,
  type LayerParameter,
} from '../profiles/mod.ts'
import {
  devicesOfUsers,
  type FeatureOwner,
  featuresOfScope,
  loadDeviceFacts,
  phonesInScope,
  type PhoneShape,
  type Sql,
  type Vault,
} from '../store/mod.ts'
import type { FeatureAssessment } from './contract/features.ts'

export interface Candidate {
  readonly owner: FeatureOwner
  readonly body: FeatureBody
  /** The feature that it replaces. */
  readonly id: string | undefined
  /** Devices to be shown one by one. */
  readonly macs: readonly MacAddress[]
}

type Assessment = z.infer<typeof FeatureAssessment>

/** Stands for a feature that is not stored yet. */
const NEW_ID = 'this feature'
/** Members of a hunt group whose phones are looked at one by one. */
const DEVICES_MAX = 200

/** Reads only; inside a transaction it sees what that has done. */
export async function assessFeature(
  sql: Pick<Sql, 'one' | 'query'>,
  vault: Vault,
  { owner, body, id, macs }: Candidate,
): Promise<Assessment> {
  const feature: Feature = { id: id ?? NEW_ID, scope: owner.scope, scopeId: owner.scopeId, revisionId: 0, body }
  const others = (await featuresOfScope(sql, owner)).filter((each) => each.id !== id)
  const shapes = await phonesInScope(sql, owner)
  const models = assessModels(feature, shapes)
  const named = await loadAll(sql, vault, macs)
  // What a hunt group puts on a key depends on whose phone it is, so its members' phones are looked at.
  const users = [feature, ...others].flatMap((each) => (each.body.kind === 'hunt-group' ? each.body.members : []))
  const members = users.length === 0 ? [] : await devicesOfUsers(sql, owner, users)
  const concerned = await loadAll(sql, vault, members.slice(0, DEVICES_MAX))
  const devices = named.map((facts) => assessDevice(feature, others, facts))
  const all = [
    ...contradictions(feature, others),
    ...models.flatMap(({ problems }) => problems),
    ...concerned.flatMap((facts) => assessDevice(feature, others, facts).problems),
    ...devices.flatMap(({ problems }) => problems),
  ]
  return { problems: once(all), models, devices }
}

async function loadAll(
  sql: Pick<Sql, 'one'>,
  vault: Vault,
  macs: readonly MacAddress[],
): Promise<readonly DeviceFacts[]> {
  const loaded: DeviceFacts[] = []
  for (const mac of macs) {
    const facts = await loadDeviceFacts(sql, vault, mac)
    if (facts !== undefined) loaded.push(facts)
  }
  return loaded
}

type ProblemJson = Assessment['problems'][number]

function contradictions(feature: Feature, others: readonly Feature[]): readonly ProblemJson[] {
  // Whatever phones are there now: tomorrow there are others.
  return MODELS.flatMap(({ productName }) =>
    conflicts([...others, feature], anyPhone(productName))
      .filter(({ featureIds }) => featureIds?.includes(feature.id) === true)
      .map(problemJson),
  )
}

function assessModels(feature: Feature, shapes: readonly PhoneShape[]): Assessment['models'] {
  const byModel = new Map<ProductName, PhoneShape[]>()
  for (const shape of shapes) byModel.set(shape.model, [...(byModel.get(shape.model) ?? []), shape])
  return [...byModel].map(([model, alike]) => {
    const phones = alike.map(({ lineIndexes }) => ({
      ...anyPhone(model),
      lines: lineIndexes.map((index) => ({ index, userId: 'of it', domain: '' })),
    }))
    return {
      model,
      deviceCount: alike.reduce((sum, { deviceCount }) => sum + deviceCount, 0),
      parameters: parametersJson(expandFeatures([feature], anyPhone(model)).parameters),
      problems: once(phones.flatMap((phone) => expandFeatures([feature], phone).problems.map(problemJson))),
    }
  })
}

function assessDevice(feature: Feature, others: readonly Feature[], facts: DeviceFacts): Assessment['devices'][number] {
  const { model, mac } = facts.device
  const problems = [
    ...featureProblems([feature], model),
    ...expandFeatures([feature], facts).problems,
    ...conflicts([...others, feature], facts).filter(({ featureIds }) => featureIds?.includes(feature.id) === true),
  ]
  return {
    mac,
    model,
    parameters: parametersJson(expandFeatures([feature], facts).parameters),
    problems: once(problems.map(problemJson)),
  }
}

function parametersJson(parameters: ReadonlyMap<string, LayerParameter>): Assessment['devices'][number]['parameters'] {
  const entries = [...parameters].map(([element, { value, ua, preserve, userPref, attributesOnly }]) => {
    const attributes = {
      ...(ua === undefined ? {} : { ua }),
      ...(preserve === undefined ? {} : { preserve }),
      ...(userPref === undefined ? {} : { userPref }),
    }
    return [element, { value: attributesOnly === true ? null : value, ...attributes }] as const
  })
  return Object.fromEntries(entries)
}

function problemJson({ featureIds, ...problem }: FeatureProblem): ProblemJson {
  return { ...problem, ...(featureIds === undefined ? {} : { featureIds: [...featureIds] }) }
}

/** What is said of many phones is said once. */
function once(problems: readonly ProblemJson[]): ProblemJson[] {
  return [...new Map(problems.map((problem) => [`${problem.code} ${problem.message}`, problem])).values()]
}
