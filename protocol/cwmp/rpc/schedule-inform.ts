import { field, struct, text, unsignedInt } from '../schema.ts'

/** Asks for an Inform after more than 0 seconds; the command key comes back in the event M ScheduleInform [TR-069 §7]. */
export const scheduleInform = struct({
  delaySeconds: field('DelaySeconds', unsignedInt),
  commandKey: field('CommandKey', text),
})
/** Nothing. */
export const scheduleInformResponse = struct({})
