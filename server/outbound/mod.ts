export { refusalOfAddress } from './addresses.ts'
export { type GuardedConnection, guardedConnect } from './connect.ts'
export {
  checkedAddresses,
  type GuardedAnswer,
  type GuardedRequest,
  guardedRequest,
  type HostAddress,
  hostOf,
  type NameResolver,
  type OutboundProblem,
  readOutboundUrl,
  resolvedAddresses,
} from './request.ts'
