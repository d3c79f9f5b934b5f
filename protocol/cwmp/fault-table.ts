import { faultFor, isVendorFault } from './faults.ts'

/** From `first` to `last`, both included. */
function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

// The codes that a method may be answered with, without those of vendors [TR-069 §4.3].
const BY_RPC: ReadonlyMap<string, readonly number[]> = new Map([
  ['GetRPCMethods', [9001, 9002]],
  ['SetParameterValues', range(9001, 9004)],
  ['GetParameterValues', range(9001, 9005)],
  ['GetParameterNames', [9001, 9002, 9003, 9005]],
  ['SetParameterAttributes', [...range(9001, 9005), 9009]],
  ['GetParameterAttributes', range(9001, 9005)],
  ['AddObject', range(9001, 9005)],
  ['DeleteObject', [9001, 9002, 9003, 9005]],
  ['Download', [...range(9000, 9004), 9010, 9012, 9013]],
  ['Reboot', range(9001, 9003)],
  ['ScheduleInform', range(9001, 9003)],
  ['FactoryReset', range(9000, 9003)],
])

/** What may be wrong with one parameter of SetParameterValues, inside a fault 9003 [TR-069 §4.3]. */
export const PARAMETER_FAULTS: readonly number[] = [9001, 9002, ...range(9005, 9008)]

/** How a transfer may end in TransferComplete; 0 is success [TR-069 §4.3]. */
export const TRANSFER_FAULTS: readonly number[] = [0, 9001, 9002, ...range(9010, 9012), ...range(9014, 9020)]

/** The codes that a device may answer that request with, without vendors'; undefined: no list is known [TR-069 §4.3]. */
export function faultsOf(rpc: string): readonly number[] | undefined {
  return BY_RPC.get(rpc)
}

/**
 * Whether a device may answer that request with that code: as the list says, or with one of a vendor's; without a list,
 * with any code of a device. It is what we hold ourselves to: others answer 9000 to anything that they lack.
 */
export function mayFault(rpc: string, code: number): boolean {
  if (isVendorFault(code)) return code >= 9000
  return BY_RPC.get(rpc)?.includes(code) ?? faultFor(code)?.sender === 'CPE'
}
