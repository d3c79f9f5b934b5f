import type { RpcName } from './rpc/all.ts'

/** The methods of a phone, as it tells them [TR-069 §7]; it answers 9000 to every other one. */
export const CPE_METHODS = [
  'GetRPCMethods',
  'SetParameterValues',
  'GetParameterValues',
  'GetParameterNames',
  'SetParameterAttributes',
  'GetParameterAttributes',
  'AddObject',
  'DeleteObject',
  'Reboot',
  'FactoryReset',
  'Download',
] as const satisfies readonly RpcName[]

/** What the ACS may also ask of devices of other makers that offer it [TR-069 §7]. */
export const CPE_OPTIONAL_METHODS = [
  'ScheduleInform',
  'Upload',
  'GetQueuedTransfers',
  'GetAllQueuedTransfers',
  'ScheduleDownload',
  'CancelTransfer',
] as const satisfies readonly RpcName[]

/** The methods that every ACS takes [TR-069 §7]. */
export const ACS_METHODS = ['Inform', 'GetRPCMethods', 'TransferComplete'] as const satisfies readonly RpcName[]

/** What an ACS may offer besides; it answers 8000 to every other one [TR-069 §7]. */
export const ACS_OPTIONAL_METHODS = [
  'AutonomousTransferComplete',
  'RequestDownload',
] as const satisfies readonly RpcName[]
