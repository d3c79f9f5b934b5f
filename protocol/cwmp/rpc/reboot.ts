import { field, struct, text } from '../schema.ts'

/** The command key comes back in the event M Reboot [TR-069 §7]. */
export const reboot = struct({ commandKey: field('CommandKey', text) })
/** Nothing; the reboot follows the session. */
export const rebootResponse = struct({})
