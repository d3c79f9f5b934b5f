export { refusalOfAddress } from './addresses.ts'
export {
  checkedAddresses,
  type GuardedAnswer,
  type GuardedRequest,
  guardedRequest,
  type HostAddress,
  type OutboundProblem,
  readOutboundUrl,
  resolvedAddresses,
} from './request.ts'
