/** TR-069 (CWMP): messages read and written, the order of a session, faults, events and waiting times. */
export {
  CWMP_NAMESPACE,
  type CwmpBody,
  type CwmpBodyOf,
  type CwmpFault,
  type CwmpHeaders,
  type CwmpMessage,
  type CwmpRpc,
  type CwmpUnknown,
  isCwmpNamespace,
} from './types.ts'
export {
  CWMP_ATTRIBUTES_MAX,
  CWMP_BYTES_MAX,
  CWMP_DEPTH_MAX,
  CWMP_ELEMENTS_MAX,
  CWMP_INFORM_BYTES_MAX,
  type CwmpLimits,
  type CwmpProblem,
  readCwmp,
} from './read.ts'
export { type CwmpWriteOptions, writeCwmp } from './write.ts'
export type { ParameterValue } from './schema.ts'
export { isRpcName, type RpcContent, type RpcName } from './rpc/all.ts'
export type { FaultContent, ParameterFault } from './rpc/fault.ts'
export { faultCodeOf, faultFor, type FaultRow, FAULTS, isVendorFault, type Role } from './faults.ts'
export { faultsOf, mayFault, PARAMETER_FAULTS, TRANSFER_FAULTS } from './fault-table.ts'
export { ACS_METHODS, ACS_OPTIONAL_METHODS, CPE_METHODS, CPE_OPTIONAL_METHODS } from './methods.ts'
export {
  chooseVersion,
  CWMP_VERSIONS,
  type CwmpVersion,
  type VersionChoice,
  type VersionOffer,
  versionOfAcs,
} from './version.ts'
export { eventFor, type EventRow, EVENTS, EVENTS_MAX, normaliseEventCode } from './events.ts'
export {
  clampRetryPolicy,
  RETRY_MINIMUM_WAIT_SECONDS,
  RETRY_MULTIPLIER,
  RETRY_POLICY,
  RETRY_RANGE_LAST,
  retryRange,
  type RetryPolicy,
  retryWaitSeconds,
} from './retry.ts'
export {
  answersRequest,
  nextSession,
  SESSION_ORDER,
  SESSION_START,
  type SessionEvent,
  sessionEventOf,
  type SessionMessage,
  type SessionRow,
  type SessionStage,
  type SessionState,
} from './session.ts'
export {
  readBoolean,
  readDateTime,
  readInteger,
  readLong,
  readValueType,
  UNKNOWN_TIME,
  VALUE_TYPES,
  type ValueType,
  writeBoolean,
  writeDateTime,
  writeInteger,
} from './values.ts'
