import { field, int, parameterValues, struct, text } from '../schema.ts'

/** Sets all or none; success also sets the parameter key [TR-069 §7]. */
export const setParameterValues = struct({
  parameters: field('ParameterList', parameterValues),
  parameterKey: field('ParameterKey', text),
})
/** Status 0: applied; 1: accepted, and applied with the next reboot at the latest. */
export const setParameterValuesResponse = struct({ status: field('Status', int) })
