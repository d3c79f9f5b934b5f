import { arrayOf, boolean, field, int, strings, struct, text } from '../schema.ts'

const setAttributes = struct({
  name: field('Name', text),
  notificationChange: field('NotificationChange', boolean),
  notification: field('Notification', int),
  accessListChange: field('AccessListChange', boolean),
  accessList: field('AccessList', strings),
})

/** Of entries that cover the same parameter the later wins [TR-069 §7]. */
export const setParameterAttributes = struct({
  parameters: field(
    'ParameterList',
    arrayOf('SetParameterAttributesStruct', 'cwmp:SetParameterAttributesStruct', setAttributes),
  ),
})
/** Nothing. */
export const setParameterAttributesResponse = struct({})
