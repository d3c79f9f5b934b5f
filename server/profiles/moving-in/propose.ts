/**
 * Finds what many files have in common and proposes it as layers: what all say, for the account; what all of one model say,
 * for the model; the rest for each device. Nothing is guessed: an element that one file lacks is no common one, since a
 * shared layer would give it to that phone too. So every file's kept values are what its phone gets afterwards.
 */
import { compareElements } from '../../../protocol/profile/mod.ts'
import type { LayerParameter } from '../types.ts'
import { readSource } from './read-source.ts'
import type { DeviceProposal, LayerProposal, LeftOut, MoveInProposal, Source, SourceFile } from './types.ts'

/** Files of one proposal. */
export const FILES_MAX = 2000
/** Elements left out that are named one by one; the counts are complete. */
export const LEFT_OUT_MAX = 5000
/** A layer of a model for one phone alone would only hide where a value comes from. */
const FILES_OF_MODEL_MIN = 2

export interface ProposeOptions {
  /** Leave out what is as from the factory; absent: only from exports of a phone. */
  readonly dropDefaults?: boolean | undefined
  /** False: nothing is proposed for models, whose layers every account shares. */
  readonly modelLayers?: boolean | undefined
}

/** Deterministic: elements in catalogue order, devices in the order of the files, models by name. */
export function proposeMoveIn(files: readonly SourceFile[], options: ProposeOptions = {}): MoveInProposal {
  const sources = files.slice(0, FILES_MAX).map((file) => readSource(file, options))
  const readable = sources.filter(({ leftOut }) => !leftOut.some(({ reason }) => reason === 'unreadable'))
  const account = common(readable.map(({ shareable }) => shareable))
  const models = options.modelLayers === false ? [] : modelLayers(readable, account)
  const devices = readable.map((source) => deviceOf(source, account, models))
  const layers: readonly LayerProposal[] = [
    ...(account.size === 0
      ? []
      : [{ scope: 'account', id: '', parameters: account, fileCount: readable.length } as const]),
    ...models,
  ]
  return { layers, devices, ...left(sources), counts: countsOf(sources, account, models, devices) }
}

function left(sources: readonly Source[]): { readonly leftOut: readonly LeftOut[] } {
  const all = sources.flatMap(({ leftOut }) => leftOut)
  // What needs a person first; that something had its default value matters least.
  return { leftOut: all.toSorted((a, b) => weight(a) - weight(b)).slice(0, LEFT_OUT_MAX) }
}

function weight({ reason }: LeftOut): number {
  return reason === 'default' ? 2 : reason === 'no-value' ? 1 : 0
}

/** Elements that every one has, with the same value and the same attributes. */
function common(maps: readonly ReadonlyMap<string, LayerParameter>[]): ReadonlyMap<string, LayerParameter> {
  const [first, ...others] = maps
  const shared = [...(first ?? [])].filter(([element, parameter]) =>
    others.every((other) => isSame(other.get(element), parameter)),
  )
  return inOrder(shared)
}

function isSame(a: LayerParameter | undefined, b: LayerParameter): boolean {
  return a !== undefined && a.value === b.value && a.ua === b.ua && a.userPref === b.userPref
}

function modelLayers(
  sources: readonly Source[],
  account: ReadonlyMap<string, LayerParameter>,
): readonly LayerProposal[] {
  const models = [...new Set(sources.flatMap(({ model }) => model ?? []))].sort()
  return models.flatMap((model): readonly LayerProposal[] => {
    const ofModel = sources.filter((source) => source.model === model)
    if (ofModel.length < FILES_OF_MODEL_MIN || ofModel.length === sources.length) return []
    const parameters = common(ofModel.map(({ shareable }) => without(shareable, account)))
    return parameters.size === 0 ? [] : [{ scope: 'model', id: model, parameters, fileCount: ofModel.length }]
  })
}

function deviceOf(
  source: Source,
  account: ReadonlyMap<string, LayerParameter>,
  models: readonly LayerProposal[],
): DeviceProposal {
  const { file, mac, model, lines } = source
  const ofModel = models.find(({ id }) => id === model)?.parameters ?? new Map<string, LayerParameter>()
  const rest = without(without(source.shareable, account), ofModel)
  return { file, mac, model, lines, parameters: inOrder([...source.own, ...rest]) }
}

function without(
  map: ReadonlyMap<string, LayerParameter>,
  taken: ReadonlyMap<string, LayerParameter>,
): ReadonlyMap<string, LayerParameter> {
  return new Map([...map].filter(([element]) => !taken.has(element)))
}

function inOrder(entries: readonly (readonly [string, LayerParameter])[]): ReadonlyMap<string, LayerParameter> {
  return new Map(entries.toSorted(([a], [b]) => compareElements(a, b)))
}

function countsOf(
  sources: readonly Source[],
  account: ReadonlyMap<string, LayerParameter>,
  models: readonly LayerProposal[],
  devices: readonly DeviceProposal[],
): MoveInProposal['counts'] {
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)
  return {
    files: sources.length,
    account: account.size,
    model: sum(models.map(({ parameters }) => parameters.size)),
    device: sum(devices.map(({ parameters }) => parameters.size)),
    lines: sum(devices.map(({ lines }) => lines.length)),
    leftOut: sum(sources.map(({ leftOut }) => leftOut.length)),
  }
}
