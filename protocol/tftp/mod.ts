/** TFTP: packets, and the conversation of both roles without sockets or clocks. RFC 1350, 2347, 2348, 2349, 7440. */
export type { TftpPacket, TftpProblem, TftpRequestPacket } from './packet.ts'
export {
  BLOCK_BYTES_MAX,
  BLOCK_BYTES_PLAIN,
  decodePacket,
  encodePacket,
  FILE_NOT_FOUND_TEXT,
  FILENAME_BYTES_MAX,
  isEncodableFilename,
  looksLikeRequest,
  REQUEST_BYTES_MAX,
  TFTP_ERROR,
} from './packet.ts'
export type { OptionLimits, TransferTerms, WantedOptions } from './options.ts'
export { acceptOptions, answerOptions, BLOCK_BYTES_MIN, PLAIN_TERMS, requestOptions } from './options.ts'
export type {
  TransferFailure,
  TransferInput,
  TransferOpening,
  TransferOutput,
  TransferPolicy,
  TransferSource,
} from './conversation.ts'
export { DEFAULT_TRANSFER_POLICY, HOLD_MAX_MS, LINGER_MIN_MS, UNCONFIRMED_RETRIES_MAX } from './conversation.ts'
export type { Transfer } from './transfer.ts'
export {
  isConfirmed,
  isEnded,
  isOver,
  RESTART_QUIET_MS,
  startReceiving,
  startSending,
  startsAnew,
  stepTransfer,
} from './transfer.ts'
export { bytesSource } from './source.ts'
