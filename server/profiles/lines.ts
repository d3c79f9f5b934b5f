/** The feature "line n is this SIP account", as parameters of Ext n. Source: MPP §13.4. */
import { modelInfo } from '../../protocol/profile/mod.ts'
import type { DeviceFacts, DeviceLine } from '../devices/types.ts'
import type { LayerParameter } from './types.ts'

/** Extensions of the model without a line are switched off and emptied, so that a line that was taken away is gone. */
export function lineParameters(facts: DeviceFacts): ReadonlyMap<string, LayerParameter> {
  const parameters = new Map<string, LayerParameter>()
  const count = modelInfo(facts.device.model)?.lines ?? 1
  for (let index = 1; index <= count; index++) {
    const line = facts.lines.find((each) => each.index === index)
    const values = line === undefined ? emptyExtension() : extensionOf(line)
    for (const [name, value] of Object.entries(values)) parameters.set(`${name}_${index}_`, { value })
  }
  return parameters
}

function extensionOf(line: DeviceLine): Readonly<Record<string, string>> {
  return {
    Line_Enable: 'Yes',
    Proxy: line.domain,
    Outbound_Proxy: line.outboundProxy ?? '',
    Register: 'Yes',
    Display_Name: line.displayName,
    User_ID: line.userId,
    Password: line.password,
    Auth_ID: line.authId ?? '',
    ...(line.transport === undefined ? {} : { SIP_Transport: line.transport }),
  }
}

function emptyExtension(): Readonly<Record<string, string>> {
  return { Line_Enable: 'No', Display_Name: '', User_ID: '', Password: '', Auth_ID: '' }
}
