import { struct } from '../schema.ts'

/** No arguments [TR-069 §7]. */
export const factoryReset = struct({})
/** Nothing; the reset follows the session. */
export const factoryResetResponse = struct({})
