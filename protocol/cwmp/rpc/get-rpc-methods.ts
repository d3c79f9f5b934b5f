import { field, struct, strings } from '../schema.ts'

/** Asks the other side for its methods; the one call that both sides may make [TR-069 §7]. */
export const getRpcMethods = struct({})
/** The names of the methods. */
export const getRpcMethodsResponse = struct({ methods: field('MethodList', strings) })
