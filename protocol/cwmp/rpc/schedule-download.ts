import { arrayOf, field, int, struct, text, unsignedInt } from '../schema.ts'
import { downloadFields } from '../transfer-fields.ts'

const timeWindow = struct({
  /** Seconds from the request on. */
  windowStart: field('WindowStart', unsignedInt),
  windowEnd: field('WindowEnd', unsignedInt),
  windowMode: field('WindowMode', text),
  userMessage: field('UserMessage', text),
  /** May be negative: the device decides. */
  maxRetries: field('MaxRetries', int),
})

/** A download within one or two windows of time [TR-069 §7]. */
export const scheduleDownload = struct({
  ...downloadFields,
  timeWindows: field('TimeWindowList', arrayOf('TimeWindowStruct', 'cwmp:TimeWindowStruct', timeWindow)),
})
/** Nothing; TransferComplete reports. */
export const scheduleDownloadResponse = struct({})
