import { arrayOf, dateTime, field, maxEnvelopes, parameterValues, struct, text, unsignedInt } from '../schema.ts'

const deviceId = struct({
  manufacturer: field('Manufacturer', text),
  oui: field('OUI', text),
  productClass: field('ProductClass', text),
  serialNumber: field('SerialNumber', text),
})

const event = struct({ code: field('EventCode', text), commandKey: field('CommandKey', text) })

/** The first message of a session; a current time of undefined: the device has no clock yet [TR-069 §5]. */
export const inform = struct({
  deviceId: field('DeviceId', deviceId),
  events: field('Event', arrayOf('EventStruct', 'cwmp:EventStruct', event)),
  maxEnvelopes: field('MaxEnvelopes', maxEnvelopes),
  currentTime: field('CurrentTime', dateTime),
  retryCount: field('RetryCount', unsignedInt),
  parameters: field('ParameterList', parameterValues),
})
/** Envelopes are always sent one at a time. */
export const informResponse = struct({ maxEnvelopes: field('MaxEnvelopes', maxEnvelopes) })
