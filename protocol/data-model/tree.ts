/** The objects and parameters of one shape, with all instance numbers [TR-069 §10]. */
import { catalogue } from '../profile/mod.ts'
import { INSTANCES_MAX, LINES_MAX, placeOf, SECTIONS } from './place.ts'
import type { ModelNode, ModelShape, ModelTree } from './types.ts'

/** Shapes that are kept: a fleet has few models, each with one or two layouts. */
const TREES_MAX = 8

interface Indexed {
  readonly tree: ModelTree
  /** The paths of each element. */
  readonly paths: ReadonlyMap<string, readonly string[]>
}

const kept = new Map<string, Indexed>()

/** The tree of a phone with so many lines; a number that no phone has becomes the nearest that one has. */
export function modelTree(shape: ModelShape): ModelTree {
  return indexed(shape).tree
}

/** All full paths whose value depends on an element, in the order of the tree; none for an unknown element. */
export function pathsOf(element: string, shape: ModelShape): readonly string[] {
  return indexed(shape).paths.get(element) ?? []
}

function indexed({ lines, voiceProfiles }: ModelShape): Indexed {
  const whole = Number.isNaN(lines) ? 0 : Math.trunc(Math.min(Math.max(lines, 0), LINES_MAX))
  const key = `${whole} ${voiceProfiles}`
  const found = kept.get(key) ?? build({ lines: whole, voiceProfiles })
  // Taken out and put last: the first is the one that was not asked for the longest.
  kept.delete(key)
  kept.set(key, found)
  const [oldest] = kept.keys()
  if (kept.size > TREES_MAX && oldest !== undefined) kept.delete(oldest)
  return found
}

interface Growing {
  readonly shape: ModelShape
  readonly nodes: ModelNode[]
  /** Where the stretch of each node ends. */
  readonly ends: number[]
  readonly paths: Map<string, string[]>
}

const BY_PATH = new Map(SECTIONS.map((section) => [section.path, section]))
const BELOW = grouped()

function grouped(): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>()
  for (const { path } of SECTIONS) {
    const parent = path.replace(/[^.]+\.$/, '')
    const group = groups.get(parent)
    if (group === undefined) groups.set(parent, [path])
    else group.push(path)
  }
  return groups
}

function build(shape: ModelShape): Indexed {
  const growing: Growing = { shape, nodes: [], ends: [], paths: new Map() }
  grow(growing, 'Device.', 'Device.')
  return { tree: treeOf(growing.nodes, growing.ends), paths: growing.paths }
}

/**
 * Adds an object with all below it.
 * @param pattern  its path in the tables
 * @param path  the same with the numbers so far
 */
function grow(growing: Growing, pattern: string, path: string): void {
  const at = growing.nodes.length
  add(growing, path)
  for (const [name] of BY_PATH.get(pattern)?.rows ?? []) add(growing, `${path}${name}`)
  for (const child of BELOW.get(pattern) ?? []) {
    const name = child.slice(pattern.length)
    const instances = name === '{i}.' ? instancesOf(growing.shape, path) : [name.slice(0, -1)]
    for (const instance of instances) grow(growing, child, `${path}${instance}.`)
  }
  growing.ends[at] = growing.nodes.length
}

function add({ nodes, ends, paths }: Growing, path: string): void {
  const place = placeOf(path)
  if (place === undefined) return
  const { row, elements } = place
  const secret = elements.some((element) => catalogue.find(element)?.secret === true)
  nodes.push({ path, type: row.type, writable: row.writable, secret })
  ends.push(nodes.length)
  for (const element of elements) {
    const known = paths.get(element)
    if (known === undefined) paths.set(element, [path])
    else known.push(path)
  }
}

/** @returns the numbers of a table's instances, 1 to n */
function instancesOf({ lines, voiceProfiles }: ModelShape, table: string): readonly number[] {
  const name = /(\w+)\.$/.exec(table)?.[1] ?? ''
  const ownProfiles = voiceProfiles === 'profile-per-line'
  return Array.from({ length: countOf() }, (_, index) => index + 1)

  function countOf(): number {
    switch (name) {
      case 'VoiceProfile':
        return ownProfiles ? lines : 1
      case 'Line':
        return ownProfiles ? 1 : lines
      case 'LineKey':
        return lines
      // They come and go with the calls.
      case 'Session':
        return 0
      default:
        return INSTANCES_MAX[name] ?? 0
    }
  }
}

function treeOf(nodes: readonly ModelNode[], ends: readonly number[]): ModelTree {
  const positions = new Map(nodes.map((node, position) => [node.path, position]))
  return {
    nodes,
    find: (path) => nodes[positions.get(path) ?? -1],
    below: (path) => {
      if (path === '') return nodes
      const position = positions.get(path)
      return position === undefined ? [] : nodes.slice(position, ends[position])
    },
    children: (path) => {
      const position = path === '' ? -1 : positions.get(path)
      if (position === undefined) return []
      const found: ModelNode[] = []
      const end = position < 0 ? nodes.length : (ends[position] ?? 0)
      for (let at = position + 1; at < end; at = ends[at] ?? end) {
        const node = nodes[at]
        if (node !== undefined) found.push(node)
      }
      return found
    },
  }
}
