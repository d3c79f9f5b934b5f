/**
 * The phone's SIP side as far as provisioning sees it: registration of each line (RFC 3261 §10) and the requests that a
 * provider sends to a phone, above all NOTIFY (MPP §8). Calls are simulated elsewhere.
 */
export { lineStates, linesWake, secondsWithoutRegistration, stepLines } from './lines.ts'
export { lineCount } from './settings.ts'
export { initialLinesState } from './state.ts'
export type { LineStatus } from './lines.ts'
export type { LineAccount, LinesInput, LinesState, LinesStep, Registration } from './state.ts'
