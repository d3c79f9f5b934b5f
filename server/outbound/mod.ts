export { refusalOfAddress } from './addresses.ts'
export {
  type GuardedAnswer,
  type GuardedRequest,
  guardedRequest,
  type OutboundProblem,
  readOutboundUrl,
} from './request.ts'
