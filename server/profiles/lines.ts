/** The feature "line n is this SIP account", as parameters of Ext n. Source: MPP §13.4. */
import { modelInfo } from '../../protocol/profile/mod.ts'
import type { DeviceFacts, DeviceLine } from '../devices/types.ts'
import type { LayerParameter } from './types.ts'

export interface ExtensionParameters {
  /** Undefined: no line is on this extension. */
  readonly lineId: string | undefined
  readonly parameters: ReadonlyMap<string, LayerParameter>
}

/**
 * One for each extension of the model. Those without a line are switched off and emptied, so that a line that was taken
 * away is gone; they are the same object for all phones.
 */
export function lineParameters(facts: DeviceFacts): readonly ExtensionParameters[] {
  const count = modelInfo(facts.device.model)?.lines ?? 1
  return Array.from({ length: count }, (_, at) => {
    const index = at + 1
    const line = facts.lines.find((each) => each.index === index)
    return line === undefined ? emptyExtension(index) : extensionParameters(index, line.id, extensionOf(line))
  })
}

function extensionParameters(
  index: number,
  lineId: string | undefined,
  values: Readonly<Record<string, string>>,
): ExtensionParameters {
  const named = Object.entries(values).map(([name, value]) => [`${name}_${index}_`, { value }] as const)
  return { lineId, parameters: new Map(named) }
}

/** An extension without a line is switched off and emptied. */
export const EMPTY_EXTENSION: Readonly<Record<string, string>> = {
  Line_Enable: 'No',
  Display_Name: '',
  User_ID: '',
  Password: '',
  Auth_ID: '',
}

/** By extension number, which no model has many of. */
const emptyExtensions = new Map<number, ExtensionParameters>()

function emptyExtension(index: number): ExtensionParameters {
  const known = emptyExtensions.get(index)
  if (known !== undefined) return known
  const made = extensionParameters(index, undefined, EMPTY_EXTENSION)
  emptyExtensions.set(index, made)
  return made
}

/** Without its password the element is left out: what is not known is not said. */
type KnownLine = Omit<DeviceLine, 'id' | 'password'> & { readonly password: string | undefined }

/** What a line says on its extension, by element without the index. */
export function extensionOf(line: KnownLine): Readonly<Record<string, string>> {
  return {
    Line_Enable: 'Yes',
    Proxy: line.domain,
    Outbound_Proxy: line.outboundProxy ?? '',
    Register: 'Yes',
    Display_Name: line.displayName,
    User_ID: line.userId,
    ...(line.password === undefined ? {} : { Password: line.password }),
    Auth_ID: line.authId ?? '',
    ...(line.transport === undefined ? {} : { SIP_Transport: line.transport }),
  }
}
