import { boolean, dateTime, field, struct, text, unsignedInt } from '../schema.ts'
import { faultStruct } from './transfer-complete.ts'

/** A transfer that nobody here asked for, and how it ended: fault code 0 is success [TR-069 §7]. */
export const autonomousTransferComplete = struct({
  announceUrl: field('AnnounceURL', text),
  transferUrl: field('TransferURL', text),
  /** False: an upload. */
  isDownload: field('IsDownload', boolean),
  fileType: field('FileType', text),
  /** Bytes; 0: not known. */
  fileSize: field('FileSize', unsignedInt),
  targetFileName: field('TargetFileName', text),
  fault: field('FaultStruct', faultStruct),
  startTime: field('StartTime', dateTime),
  completeTime: field('CompleteTime', dateTime),
})
/** Nothing; until it comes, the device sends its report again. */
export const autonomousTransferCompleteResponse = struct({})
