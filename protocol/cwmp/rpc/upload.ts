import { dateTime, field, int, struct, unsignedInt } from '../schema.ts'
import { transferFields } from '../transfer-fields.ts'

/** Asks for a file of the device, as `2 Vendor Log File` [TR-069 §7]. */
export const upload = struct({
  ...transferFields,
  delaySeconds: field('DelaySeconds', unsignedInt),
})
/** As the answer to Download. Status 0: done; 1: TransferComplete will report. */
export const uploadResponse = struct({
  status: field('Status', int),
  startTime: field('StartTime', dateTime),
  completeTime: field('CompleteTime', dateTime),
})
