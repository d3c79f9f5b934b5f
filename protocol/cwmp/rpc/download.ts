import { dateTime, field, int, struct, text, unsignedInt } from '../schema.ts'
import { downloadFields } from '../transfer-fields.ts'

/** All arguments are always written, empty or 0 where unused [TR-069 §7]. */
export const download = struct({
  ...downloadFields,
  delaySeconds: field('DelaySeconds', unsignedInt),
  successUrl: field('SuccessURL', text),
  failureUrl: field('FailureURL', text),
})
/** Status 0: done, with real times; 1: TransferComplete will report, and the times are unknown. */
export const downloadResponse = struct({
  status: field('Status', int),
  startTime: field('StartTime', dateTime),
  completeTime: field('CompleteTime', dateTime),
})
