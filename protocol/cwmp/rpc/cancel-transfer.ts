import { field, struct, text } from '../schema.ts'

/** Gives up the transfers of that command key; fault 9021 where it is too late [TR-069 §4.1, §7]. */
export const cancelTransfer = struct({ commandKey: field('CommandKey', text) })
/** Nothing. */
export const cancelTransferResponse = struct({})
