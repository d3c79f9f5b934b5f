import { arrayOf, field, int, strings, struct, text } from '../schema.ts'

/** Full names or partial paths [TR-069 §7]. */
export const getParameterAttributes = struct({ names: field('ParameterNames', strings) })

const attributes = struct({
  name: field('Name', text),
  notification: field('Notification', int),
  accessList: field('AccessList', strings),
})

/** Notification 0 to 6, and who besides the ACS may write. */
export const getParameterAttributesResponse = struct({
  parameters: field('ParameterList', arrayOf('ParameterAttributeStruct', 'cwmp:ParameterAttributeStruct', attributes)),
})
