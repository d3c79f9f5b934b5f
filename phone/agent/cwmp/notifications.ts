/**
 * Attributes of parameters, and what of their values the ACS has still to hear [TR-069 §5.1 row 4, §7]. Values with
 * notification are compared with those seen last, so it does not matter who changed them: profile, page, keypad, DHCP.
 */
import { pathsOf } from '../../../protocol/data-model/mod.ts'
import type { Millis } from '../../../protocol/result.ts'
import { withFlash, withRam } from '../turn.ts'
import type { Agent } from '../types.ts'
import { RESTLESS_PATHS } from './device-values.ts'
import { isLeaf, modelOf, type Parameter, readParameter } from './parameters.ts'
import { isTr069On, modelShape } from './settings.ts'
import type { Attributes, Tr069Memory } from './types.ts'

/** Notification of these is always active; it cannot be turned off, and outlives a reboot [TR-069 §5, §5.1]. */
export const ALWAYS_ACTIVE: readonly string[] = [
  'Device.DeviceInfo.SoftwareVersion',
  'Device.DeviceInfo.ProvisioningCode',
]
/** Active until the ACS says otherwise [TR-069 §5]. */
const ACTIVE_AT_FIRST = [
  ...ALWAYS_ACTIVE,
  'Device.ManagementServer.ConnectionRequestURL',
  'Device.GatewayInfo.ManufacturerOUI',
  'Device.GatewayInfo.ProductClass',
  'Device.GatewayInfo.SerialNumber',
]

/** The attributes of a parameter as the ACS reads them. */
export function attributesOf({ flash }: Agent, path: string): Attributes {
  const set = flash.tr069.attributes[path]
  const start = { notification: ACTIVE_AT_FIRST.includes(path) ? 2 : 0, accessList: [SUBSCRIBER] }
  return ALWAYS_ACTIVE.includes(path) ? { ...start, ...set, notification: 2 } : (set ?? start)
}

/** Who is at the phone itself, in access lists [TR-069 §7]. */
const SUBSCRIBER = 'Subscriber'

/** Whether the ACS keeps a setting for itself: no page and no key changes it then [TR-069 §7, access list]. */
export function isReserved(agent: Agent, element: string): boolean {
  const { attributes } = agent.flash.tr069
  if (!isTr069On(agent) || Object.keys(attributes).length === 0) return false
  const sets = pathsOf(element, modelShape(agent)).map((path) => attributes[path]?.accessList)
  return sets.some((list) => list !== undefined && !list.includes(SUBSCRIBER))
}

/** Sees what has changed since the last look, unless nothing can have. */
export function observe(agent: Agent, now: Millis): Agent {
  if (!isTr069On(agent)) return agent
  const sources = sourcesOf(agent)
  const { comparedWith } = agent.ram.cwmp
  if (sources.length === comparedWith.length && sources.every((one, index) => one === comparedWith[index])) return agent
  return compared(agent, 'owed', now)
}

/** Takes the values as they are, because the ACS itself has just made them so. */
export function observeSilently(agent: Agent, now: Millis): Agent {
  return compared(agent, 'known', now)
}

/** Whether one of the changes that are owed opens a session by itself. */
export function owesActiveChange(agent: Agent): boolean {
  return agent.flash.tr069.changed.some((path) => attributesOf(agent, path).notification === 2)
}

function compared(agent: Agent, news: 'owed' | 'known', now: Millis): Agent {
  const { tr069 } = agent.flash
  const observed: Record<string, string> = {}
  const changed = new Set<string>()
  for (const node of watched(agent)) {
    const { value } = readParameter(agent, node, now)
    const before = tr069.observed[node.path]
    observed[node.path] = value
    if (before !== undefined && before !== value) changed.add(node.path)
  }
  const seen = withRam(agent, { cwmp: { ...agent.ram.cwmp, comparedWith: sourcesOf(agent) } })
  if (changed.size === 0 && sameKeys(observed, tr069.observed)) return seen
  const owed = news === 'owed' ? [...new Set([...tr069.changed, ...changed])] : tr069.changed
  return withFlash(seen, { tr069: { ...tr069, observed, changed: owed } })
}

function watched(agent: Agent): readonly Parameter[] {
  const model = modelOf(agent)
  const paths = new Set([...ACTIVE_AT_FIRST, ...Object.keys(agent.flash.tr069.attributes)])
  return [...paths].flatMap((path) => {
    const node = model.find(path)
    if (node === undefined || !isLeaf(node) || RESTLESS_PATHS.includes(path)) return []
    return attributesOf(agent, path).notification === 0 ? [] : [node]
  })
}

/** All that a value can depend on, each replaced when it changes. */
function sourcesOf({ flash, ram }: Agent): readonly unknown[] {
  const { attributes, values, parameterKey, connectionPath } = flash.tr069
  const { lease, lines, busyLines, cwmp } = ram
  return [
    flash.parameters,
    flash.activeLoad,
    flash.inactiveLoad,
    attributes,
    values,
    parameterKey,
    connectionPath,
    lease,
    lines.registrations,
    busyLines,
    cwmp.listener,
  ]
}

function sameKeys(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => b[key] === a[key])
}

/** After a boot only what is always active is still owed [TR-069 §5.1]. */
export function changesAfterBoot(memory: Tr069Memory): readonly string[] {
  const kept = memory.changed.filter((path) => ALWAYS_ACTIVE.includes(path))
  return kept.length === memory.changed.length ? memory.changed : kept
}
