import { dateTime, field, int, struct, text, unsignedInt } from '../schema.ts'

/** All arguments are always written, empty or 0 where unused [TR-069 §7]. */
export const download = struct({
  commandKey: field('CommandKey', text),
  fileType: field('FileType', text),
  url: field('URL', text),
  username: field('Username', text),
  password: field('Password', text),
  /** Bytes; 0: not known. */
  fileSize: field('FileSize', unsignedInt),
  targetFileName: field('TargetFileName', text),
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
