import { arrayOf, boolean, field, int, struct, text, unsignedInt } from '../schema.ts'

/** No arguments: all transfers, those included that the ACS did not ask for [TR-069 §7]. */
export const getAllQueuedTransfers = struct({})

const queuedTransfer = struct({
  commandKey: field('CommandKey', text),
  /** 1: waiting; 2: running; 3: done. */
  state: field('State', int),
  isDownload: field('IsDownload', boolean),
  fileType: field('FileType', text),
  /** Bytes; 0: not known. */
  fileSize: field('FileSize', unsignedInt),
  targetFileName: field('TargetFileName', text),
})

/** The transfers, in any order. */
export const getAllQueuedTransfersResponse = struct({
  transfers: field('TransferList', arrayOf('AllQueuedTransferStruct', 'cwmp:AllQueuedTransferStruct', queuedTransfer)),
})
