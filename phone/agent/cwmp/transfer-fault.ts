/** Why a transfer has failed, in the codes of TransferComplete [TR-069 §4.3, §7]. */
import type { DownloadEnd } from '../download.ts'

export interface TransferFault {
  readonly code: number
  readonly text: string
}

/** What each ending of a download is to the ACS. */
const CODES = {
  'not-allowed': 9001,
  'no-credentials': 9012,
  unreachable: 9015,
  interrupted: 9017,
  'too-large': 9018,
  refused: 9016,
  'cannot-serve': 9010,
} as const

/** How a download failed, as far as a fault code can tell. */
export type FailureCause = keyof typeof CODES

/** @returns the fault of a download that gave no file */
export function faultOfEnd(end: Exclude<DownloadEnd, { kind: 'file' }>): TransferFault {
  return { code: end.kind === 'not-found' ? 9016 : CODES[end.cause], text: end.detail }
}
