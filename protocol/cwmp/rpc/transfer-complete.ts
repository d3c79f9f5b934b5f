import { dateTime, field, struct, text, unsignedInt } from '../schema.ts'

/** What a report of a transfer says of its end. */
export const faultStruct = struct({ code: field('FaultCode', unsignedInt), text: field('FaultString', text) })

/** How a transfer ended: fault code 0 is success [TR-069 §7]. */
export const transferComplete = struct({
  commandKey: field('CommandKey', text),
  fault: field('FaultStruct', faultStruct),
  startTime: field('StartTime', dateTime),
  completeTime: field('CompleteTime', dateTime),
})
/** Nothing; until it comes, the device sends its report again. */
export const transferCompleteResponse = struct({})
