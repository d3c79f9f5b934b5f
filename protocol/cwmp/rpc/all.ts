import type { ValueOf } from '../schema.ts'
import { addObject, addObjectResponse } from './add-object.ts'
import { autonomousTransferComplete, autonomousTransferCompleteResponse } from './autonomous-transfer-complete.ts'
import { cancelTransfer, cancelTransferResponse } from './cancel-transfer.ts'
import { deleteObject, deleteObjectResponse } from './delete-object.ts'
import { download, downloadResponse } from './download.ts'
import { factoryReset, factoryResetResponse } from './factory-reset.ts'
import { getAllQueuedTransfers, getAllQueuedTransfersResponse } from './get-all-queued-transfers.ts'
import { getParameterAttributes, getParameterAttributesResponse } from './get-parameter-attributes.ts'
import { getParameterNames, getParameterNamesResponse } from './get-parameter-names.ts'
import { getParameterValues, getParameterValuesResponse } from './get-parameter-values.ts'
import { getQueuedTransfers, getQueuedTransfersResponse } from './get-queued-transfers.ts'
import { getRpcMethods, getRpcMethodsResponse } from './get-rpc-methods.ts'
import { inform, informResponse } from './inform.ts'
import { reboot, rebootResponse } from './reboot.ts'
import { requestDownload, requestDownloadResponse } from './request-download.ts'
import { scheduleDownload, scheduleDownloadResponse } from './schedule-download.ts'
import { scheduleInform, scheduleInformResponse } from './schedule-inform.ts'
import { setParameterAttributes, setParameterAttributesResponse } from './set-parameter-attributes.ts'
import { setParameterValues, setParameterValuesResponse } from './set-parameter-values.ts'
import { transferComplete, transferCompleteResponse } from './transfer-complete.ts'
import { upload, uploadResponse } from './upload.ts'

/** Every message that we read and write, under the name of its element; `methods.ts` says who takes which. */
export const RPCS = {
  GetRPCMethods: getRpcMethods,
  GetRPCMethodsResponse: getRpcMethodsResponse,
  SetParameterValues: setParameterValues,
  SetParameterValuesResponse: setParameterValuesResponse,
  GetParameterValues: getParameterValues,
  GetParameterValuesResponse: getParameterValuesResponse,
  GetParameterNames: getParameterNames,
  GetParameterNamesResponse: getParameterNamesResponse,
  SetParameterAttributes: setParameterAttributes,
  SetParameterAttributesResponse: setParameterAttributesResponse,
  GetParameterAttributes: getParameterAttributes,
  GetParameterAttributesResponse: getParameterAttributesResponse,
  AddObject: addObject,
  AddObjectResponse: addObjectResponse,
  DeleteObject: deleteObject,
  DeleteObjectResponse: deleteObjectResponse,
  Reboot: reboot,
  RebootResponse: rebootResponse,
  FactoryReset: factoryReset,
  FactoryResetResponse: factoryResetResponse,
  Inform: inform,
  InformResponse: informResponse,
  Download: download,
  DownloadResponse: downloadResponse,
  TransferComplete: transferComplete,
  TransferCompleteResponse: transferCompleteResponse,
  AutonomousTransferComplete: autonomousTransferComplete,
  AutonomousTransferCompleteResponse: autonomousTransferCompleteResponse,
  RequestDownload: requestDownload,
  RequestDownloadResponse: requestDownloadResponse,
  ScheduleInform: scheduleInform,
  ScheduleInformResponse: scheduleInformResponse,
  Upload: upload,
  UploadResponse: uploadResponse,
  GetQueuedTransfers: getQueuedTransfers,
  GetQueuedTransfersResponse: getQueuedTransfersResponse,
  GetAllQueuedTransfers: getAllQueuedTransfers,
  GetAllQueuedTransfersResponse: getAllQueuedTransfersResponse,
  CancelTransfer: cancelTransfer,
  CancelTransferResponse: cancelTransferResponse,
  ScheduleDownload: scheduleDownload,
  ScheduleDownloadResponse: scheduleDownloadResponse,
} as const

/** The name of an element below Body that we know. */
export type RpcName = keyof typeof RPCS
/** What a message of that name carries. */
export type RpcContent<K extends RpcName> = ValueOf<(typeof RPCS)[K]>

/** Whether it is the name of a message that we know. */
export function isRpcName(name: string): name is RpcName {
  return Object.hasOwn(RPCS, name)
}
