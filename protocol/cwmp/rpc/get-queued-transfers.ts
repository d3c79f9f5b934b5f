import { arrayOf, field, int, struct, text } from '../schema.ts'

/** No arguments: the transfers that the ACS asked for [TR-069 §7]. */
export const getQueuedTransfers = struct({})

const queuedTransfer = struct({ commandKey: field('CommandKey', text), state: field('State', int) })

/** State 1: waiting; 2: running; 3: done. */
export const getQueuedTransfersResponse = struct({
  transfers: field('TransferList', arrayOf('QueuedTransferStruct', 'cwmp:QueuedTransferStruct', queuedTransfer)),
})
