/**
 * How the lines of a phone stand in the tree of a device: counted in the data model, numbered on the device.
 * Source: TR-069 §7 AddObject, §10 rule 4.
 */
import { type ModelShape, pathsOf } from '../../protocol/data-model/mod.ts'
import { isInstanceOf } from './objects.ts'
import type { KnownParameter } from './types.ts'

type Tree = ReadonlyMap<string, KnownParameter>

/** How the device lays its lines out, seen from its tree [TR-069 §10 rule 4]. */
export function shapeOf(tree: Tree, lineCount: number): ModelShape {
  const perLine = [...tree.keys()].some((path) => path.endsWith('.VoiceProfile.2.'))
  return { lines: lineCount, voiceProfiles: perLine ? 'profile-per-line' : 'lines-in-one-profile' }
}

/** Where the data model has a parameter, and where a device has it. */
interface PlacePair {
  readonly model: string
  readonly device: string
}

/** The places of an element of a profile. */
export type PlacesOf = (element: string) => readonly PlacePair[]

/**
 * Where an element of a profile goes on a device. Lines are counted and instances are numbered: the second line is the
 * instance with the second lowest number, since a number that was in use need not come again [TR-069 §7 AddObject].
 */
export function placesOn({ tree, lineCount }: { readonly tree: Tree; readonly lineCount: number }): PlacesOf {
  const shape = shapeOf(tree, lineCount)
  const { table, lines } = numberedLines(tree, shape)
  return (element) =>
    pathsOf(element, shape).flatMap((model) => {
      const device = table === undefined || lines.length === 0 ? model : onInstance(model, table, lines)
      return device === undefined ? [] : [{ model, device }]
    })
}

/** @returns undefined: the device has no such line */
function onInstance(model: string, table: string, lines: readonly string[]): string | undefined {
  const dot = model.startsWith(table) ? model.indexOf('.', table.length) : -1
  if (dot === -1) return model
  const line = lines[Number(model.slice(table.length, dot)) - 1]
  return line === undefined ? undefined : `${line}${model.slice(dot + 1)}`
}

/**
 * The other way round.
 * @param tree of the device; its objects are enough
 * @returns for a path of the device that of the data model
 */
export function modelPathsOn(tree: Tree): (device: string) => string {
  const { table, lines } = numberedLines(tree, shapeOf(tree, 1))
  return (device) => {
    const dot = table !== undefined && device.startsWith(table) ? device.indexOf('.', table.length) : -1
    const line = lines.indexOf(device.slice(0, dot + 1)) + 1
    return line === 0 ? device : `${table}${line}.${device.slice(dot + 1)}`
  }
}

/** The table in which the device numbers its lines, and their paths; none where each line has a profile of its own. */
function numberedLines(tree: Tree, shape: ModelShape) {
  const table = shape.voiceProfiles === 'profile-per-line' ? undefined : lineTable(tree)?.path
  return { table, lines: table === undefined ? [] : instancesInOrder(tree, table).map(({ path }) => path) }
}

export function lineTable(tree: Tree): KnownParameter | undefined {
  return [...tree.values()].find(({ path }) => path.endsWith('.VoiceProfile.1.Line.'))
}

/** As the device counts them, not as their names sort. */
export function instancesInOrder(tree: Tree, table: string): readonly KnownParameter[] {
  return [...tree.values()]
    .filter(({ path }) => isInstanceOf(path, table))
    .toSorted((one, other) => numberOf(one.path, table) - numberOf(other.path, table))
}

function numberOf(path: string, table: string): number {
  return Number(path.slice(table.length, -1))
}
