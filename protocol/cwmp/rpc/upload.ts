import { dateTime, field, int, struct, text, unsignedInt } from '../schema.ts'

/** Asks for a file of the device, as `2 Vendor Log File` [TR-069 §7]. */
export const upload = struct({
  commandKey: field('CommandKey', text),
  fileType: field('FileType', text),
  url: field('URL', text),
  username: field('Username', text),
  password: field('Password', text),
  delaySeconds: field('DelaySeconds', unsignedInt),
})
/** As the answer to Download. Status 0: done; 1: TransferComplete will report. */
export const uploadResponse = struct({
  status: field('Status', int),
  startTime: field('StartTime', dateTime),
  completeTime: field('CompleteTime', dateTime),
})
