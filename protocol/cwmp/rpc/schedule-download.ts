import { arrayOf, field, int, struct, text, unsignedInt } from '../schema.ts'

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
  commandKey: field('CommandKey', text),
  fileType: field('FileType', text),
  url: field('URL', text),
  username: field('Username', text),
  password: field('Password', text),
  /** Bytes; 0: not known. */
  fileSize: field('FileSize', unsignedInt),
  targetFileName: field('TargetFileName', text),
  timeWindows: field('TimeWindowList', arrayOf('TimeWindowStruct', 'cwmp:TimeWindowStruct', timeWindow)),
})
/** Nothing; TransferComplete reports. */
export const scheduleDownloadResponse = struct({})
