import { field, int, struct, text } from '../schema.ts'

/** The name of an instance, with its final dot; everything below goes with it [TR-069 §7]. */
export const deleteObject = struct({ objectName: field('ObjectName', text), parameterKey: field('ParameterKey', text) })
/** Status 0: gone; 1: gone with the next reboot at the latest. */
export const deleteObjectResponse = struct({ status: field('Status', int) })
