/**
 * The phone's TR-069 client: sessions with the ACS, what the ACS may ask, downloads, notifications, connection requests.
 * Like the rest of the agent it is a value: nothing here has a clock, chance or a socket of its own [TR-069].
 */
export { answerKnock, REQUESTS_PER_MINUTE } from './connection-request.ts'
export {
  decodeTr069Memory,
  EMPTY_TR069_MEMORY,
  INITIAL_CWMP_STATE,
} from './memory.ts'
export { deviceId } from './device-values.ts'
export { isReserved } from './notifications.ts'
export { isOfSession, sessionAnswered } from './session.ts'
export { acsOptions, asksForAcs, connectionRequestUrl, isTr069On } from './settings.ts'
export { liveSetting, settingNote, type Tr069Row, tr069Rows } from './status.ts'
export { cwmpBooted, cwmpCut, cwmpRang, type CwmpTimer, listening, stepCwmp } from './step.ts'
export { type FailureCause, faultOfEnd, type TransferFault } from './transfer-fault.ts'
export {
  dueTransfer,
  startTransfer,
  transferDownloadEnded,
  transferEnded,
  transferInstalled,
  transferSecrets,
} from './transfers.ts'
export type { CwmpPolicies, CwmpState, Tr069Memory, Transfer } from './types.ts'
