/** Asks a TR-069 device to open a session: the connection request over HTTP, and its pacing [TR-069 §8.1]. */
export { createPace, PACE_LIMITS, type Pace, type PaceLimits } from './pace.ts'
export {
  ANSWER_BYTES_MAX,
  ANSWER_MS,
  CONNECT_MS,
  type ConnectionRequestOptions,
  requestConnection,
} from './request.ts'
export type { ConnectionRequest, ConnectionRequestOutcome } from './types.ts'
