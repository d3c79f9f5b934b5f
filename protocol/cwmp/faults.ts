/** Who sends, or sent, a message: the server (`ACS`) or the device (`CPE`). */
export type Role = 'ACS' | 'CPE'

/** A fault code, its meaning, who sends it and whom SOAP blames for it. */
export interface FaultRow {
  readonly code: number
  readonly text: string
  readonly sender: Role
  /** The SOAP faultcode. */
  readonly side: 'Client' | 'Server'
}

function row(code: number, text: string, side: FaultRow['side'] = 'Server'): FaultRow {
  return { code, text, side, sender: code < 9000 ? 'ACS' : 'CPE' }
}

/** All fault codes but the vendors' [TR-069 §4.1, §4.2]. */
export const FAULTS: readonly FaultRow[] = [
  row(8000, 'Method not supported'),
  row(8001, 'Request denied'),
  row(8002, 'Internal error'),
  row(8003, 'Invalid arguments', 'Client'),
  row(8004, 'Resources exceeded'),
  row(8005, 'Retry request'),
  row(8006, 'No common CWMP version', 'Client'),
  row(9000, 'Method not supported'),
  row(9001, 'Request denied'),
  row(9002, 'Internal error'),
  row(9003, 'Invalid arguments', 'Client'),
  row(9004, 'Resources exceeded'),
  row(9005, 'Invalid parameter name', 'Client'),
  row(9006, 'Invalid parameter type', 'Client'),
  row(9007, 'Invalid parameter value', 'Client'),
  row(9008, 'Parameter is not writable', 'Client'),
  row(9009, 'Notification request rejected'),
  row(9010, 'Download failed'),
  row(9011, 'Upload failed'),
  row(9012, 'File server refused the credentials'),
  row(9013, 'File transfer protocol not supported'),
  row(9014, 'Download failed: cannot join the multicast group'),
  row(9015, 'Download failed: cannot reach the file server'),
  row(9016, 'Download failed: cannot access the file'),
  row(9017, 'Download failed: transfer not completed'),
  row(9018, 'Download failed: file is corrupted or unusable'),
  row(9019, 'Download failed: file is not authentic'),
  row(9020, 'Download failed: not completed within the time windows'),
  row(9021, 'Transfer cannot be cancelled now', 'Client'),
  row(9022, 'Invalid UUID'),
  row(9023, 'Unknown execution environment'),
  row(9024, 'Execution environment is disabled'),
  row(9025, 'Module does not fit the execution environment'),
  row(9026, 'Module is there already'),
  row(9027, 'System resources exceeded'),
  row(9028, 'Unknown module'),
  row(9029, 'Module is in the wrong state'),
  row(9030, 'Module cannot be downgraded'),
  row(9031, 'Module has no version'),
  row(9032, 'Module is there in this version'),
]

const BY_CODE: ReadonlyMap<number, FaultRow> = new Map(FAULTS.map((one) => [one.code, one]))

/** The row of a code; undefined: unknown, or a vendor's. */
export function faultFor(code: number): FaultRow | undefined {
  return BY_CODE.get(code)
}

/** Whether the code is left to vendors [TR-069 §4]. */
export function isVendorFault(code: number): boolean {
  return (code >= 8800 && code <= 8899) || (code >= 9800 && code <= 9899)
}

/** The code that a fault counts as: without one it is the sender's internal error [TR-069 §4]. */
export function faultCodeOf(fault: { readonly code: number | undefined }, sender: Role): number {
  return fault.code ?? (sender === 'ACS' ? 8002 : 9002)
}
