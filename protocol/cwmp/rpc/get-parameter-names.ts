import { arrayOf, boolean, field, struct, text } from '../schema.ts'

/** With nextLevel only the direct children, else the path and all below it [TR-069 §7]. */
export const getParameterNames = struct({
  path: field('ParameterPath', text),
  nextLevel: field('NextLevel', boolean),
})

const parameterInfo = struct({ name: field('Name', text), writable: field('Writable', boolean) })

/** Names of objects end in a dot; writable then means that instances may be added or deleted. */
export const getParameterNamesResponse = struct({
  parameters: field('ParameterList', arrayOf('ParameterInfoStruct', 'cwmp:ParameterInfoStruct', parameterInfo)),
})
