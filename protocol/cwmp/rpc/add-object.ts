import { field, int, struct, text, unsignedInt } from '../schema.ts'

/** The name of a table, with its final dot and without an instance [TR-069 §7]. */
export const addObject = struct({ objectName: field('ObjectName', text), parameterKey: field('ParameterKey', text) })
/** The number that the new instance got, from 1; 0 where the device left it out. */
export const addObjectResponse = struct({
  instanceNumber: field('InstanceNumber', unsignedInt),
  status: field('Status', int),
})
