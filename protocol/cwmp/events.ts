/** What an event is, and until when the device owes it to the ACS [TR-069 §5.1]. */
export interface EventRow {
  readonly code: string
  /** `single`: at most one entry in an Inform; `multiple`: one entry for each cause, with its command key. */
  readonly multiplicity: 'single' | 'multiple'
  /** The message of the ACS that delivers it. */
  readonly deliveredBy: string
  /** After a failed session: never given up, tried until the next reboot, or dropped at once. */
  readonly afterFailure: 'keep' | 'until-reboot' | 'drop'
}

const INFORM = 'InformResponse'
const TRANSFER = 'TransferCompleteResponse'

function row(
  code: string,
  deliveredBy: string,
  afterFailure: EventRow['afterFailure'],
  multiplicity: EventRow['multiplicity'] = 'single',
): EventRow {
  return { code, multiplicity, deliveredBy, afterFailure }
}

/** All events but the vendors'. For 2, 8 and 9 the sources differ about reboots; this is the guide's column. */
export const EVENTS: readonly EventRow[] = [
  row('0 BOOTSTRAP', INFORM, 'keep'),
  row('1 BOOT', INFORM, 'until-reboot'),
  row('2 PERIODIC', INFORM, 'keep'),
  row('3 SCHEDULED', INFORM, 'keep'),
  row('4 VALUE CHANGE', INFORM, 'until-reboot'),
  row('6 CONNECTION REQUEST', INFORM, 'drop'),
  row('7 TRANSFER COMPLETE', TRANSFER, 'keep'),
  row('8 DIAGNOSTICS COMPLETE', INFORM, 'until-reboot'),
  row('9 REQUEST DOWNLOAD', 'RequestDownloadResponse', 'keep'),
  row('10 AUTONOMOUS TRANSFER COMPLETE', 'AutonomousTransferCompleteResponse', 'keep'),
  row('11 DU STATE CHANGE COMPLETE', 'DUStateChangeCompleteResponse', 'keep'),
  row('12 AUTONOMOUS DU STATE CHANGE COMPLETE', 'AutonomousDUStateChangeCompleteResponse', 'keep'),
  row('13 WAKEUP', INFORM, 'until-reboot'),
  row('M Reboot', INFORM, 'keep', 'multiple'),
  row('M ScheduleInform', INFORM, 'keep', 'multiple'),
  row('M Download', TRANSFER, 'keep', 'multiple'),
  row('M Upload', TRANSFER, 'keep', 'multiple'),
  row('M ScheduleDownload', TRANSFER, 'keep', 'multiple'),
  row('M ChangeDUState', 'DUStateChangeCompleteResponse', 'keep', 'multiple'),
]

/** Most entries of one Inform; a reader takes more, a device sends no more [TR-069 §5]. */
export const EVENTS_MAX = 64

const BY_FOLDED: ReadonlyMap<string, EventRow> = new Map(EVENTS.map((one) => [one.code.toLowerCase(), one]))

/** The code as this table writes it: trimmed, blanks collapsed, any case; an unknown one keeps its case [TR-069 §5.1]. */
export function normaliseEventCode(code: string): string {
  const plain = code.trim().replace(/\s+/g, ' ')
  return BY_FOLDED.get(plain.toLowerCase())?.code ?? plain
}

/** The row of a code in any writing; undefined: a vendor's or unknown, which is never an error. */
export function eventFor(code: string): EventRow | undefined {
  return BY_FOLDED.get(normaliseEventCode(code).toLowerCase())
}
