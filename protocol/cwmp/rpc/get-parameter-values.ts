import { field, parameterValues, strings, struct } from '../schema.ts'

/** Full names, or paths that end in a dot; the empty name is the whole tree [TR-069 §7]. */
export const getParameterValues = struct({ names: field('ParameterNames', strings) })
/** The values, in any order. */
export const getParameterValuesResponse = struct({ parameters: field('ParameterList', parameterValues) })
