/** Moving in: what other servers and the phones themselves have, as layers, lines and devices of Offhook. Pure. */
export {
  type DeviceList,
  LIST_ROWS_MAX,
  type ListedDevice,
  type ListProblem,
  type ListRecord,
  readDeviceList,
} from './device-list.ts'
export { guessModel, type ModelGuess } from './models.ts'
export { FILES_MAX, LEFT_OUT_MAX, type ProposeOptions, proposeMoveIn } from './propose.ts'
export { readSource } from './read-source.ts'
export type {
  DeviceProposal,
  LayerProposal,
  LeftOut,
  LeftOutReason,
  LineProposal,
  MoveInProposal,
  Source,
  SourceFile,
} from './types.ts'
