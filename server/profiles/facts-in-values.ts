/**
 * Facts in braces inside a layer's value: `{{line.userId}}` in `Proxy_2_` is the user of line 2. A closed list; no
 * loops, no code. What is unknown stays as it is and is reported when the layer is saved.
 */
import { macWithColons } from '../../protocol/identity.ts'
import type { DeviceFacts, DeviceLine } from '../devices/types.ts'

type LineFact = (line: DeviceLine) => string

const LINE_FACTS: ReadonlyMap<string, LineFact> = new Map<string, LineFact>([
  ['userId', (line) => line.userId],
  ['displayName', (line) => line.displayName],
  ['domain', (line) => line.domain],
  ['authId', (line) => line.authId ?? line.userId],
])

type DeviceFact = (facts: DeviceFacts) => string

const DEVICE_FACTS: ReadonlyMap<string, DeviceFact> = new Map<string, DeviceFact>([
  ['device.mac', ({ device }) => device.mac],
  ['device.macWithColons', ({ device }) => macWithColons(device.mac)],
  ['device.serial', ({ device }) => device.serial],
  ['device.model', ({ device }) => device.model],
  ['account.customerId', ({ account }) => account?.customerId ?? ''],
  ['account.name', ({ account }) => account?.name ?? ''],
])

/** Every name that may stand in braces; `line3.` takes line 3. */
export const KNOWN_FACTS: readonly string[] = [
  ...[...LINE_FACTS.keys()].map((name) => `line.${name}`),
  ...DEVICE_FACTS.keys(),
]

const BRACES = /\{\{\s*([A-Za-z0-9.]+)\s*\}\}/g

/** @param element its index (`Proxy_2_`) says which line `{{line.…}}` means */
export function fillFacts(value: string, element: string, facts: DeviceFacts): string {
  if (!value.includes('{{')) return value
  return value.replace(BRACES, (whole, name: string) => {
    const device = DEVICE_FACTS.get(name)
    if (device !== undefined) return device(facts)
    const line = lineFact(name, element)
    if (line === undefined) return whole
    const found = facts.lines.find((each) => each.index === line.index)
    return found === undefined ? '' : line.read(found)
  })
}

/** @returns names in braces that the closed list does not hold */
export function unknownFacts(value: string, element: string): readonly string[] {
  const names = [...value.matchAll(BRACES)].map((match) => match[1] ?? '')
  return names.filter((name) => !DEVICE_FACTS.has(name) && lineFact(name, element) === undefined)
}

/** `line.userId` takes the line of the element, `line3.userId` line 3. */
function lineFact(name: string, element: string): { readonly index: number; readonly read: LineFact } | undefined {
  const match = /^line([0-9]{0,2})\.([A-Za-z]+)$/.exec(name)
  const read = LINE_FACTS.get(match?.[2] ?? '')
  if (!match || read === undefined) return undefined
  const written = match[1] === '' ? /_([0-9]+|n)_$/.exec(element)?.[1] : match[1]
  if (written === undefined) return undefined
  return { index: written === 'n' ? 1 : Number(written), read }
}
