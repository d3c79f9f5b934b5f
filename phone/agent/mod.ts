/**
 * The firmware of a virtual phone as a value and a function. Source: MPP; the picture of its modes is in `react.ts`.
 *
 * The surroundings carry out the actions and hand back what happened; `nextWake` names the time at which they send
 * `{ kind: 'tick' }`. After every `power-on` they send `network-up` again once there is an address.
 */
export { createAgent, factoryFlash } from './create.ts'
export { connectionRequestUrl, type CwmpPolicies } from './cwmp/mod.ts'
export { dhcpAsk } from './dhcp-ask.ts'
export { decodeFlash, encodeFlash, FLASH_CHARS_MAX } from './flash.ts'
export { lcdLines } from './lcd.ts'
export { macroLookup, userAgentLookup } from './macros.ts'
export { maskText } from './mask.ts'
export { DEFAULT_CWMP_POLICIES, DEFAULT_POLICIES } from './policies.ts'
export { react } from './react.ts'
export { knockListener, type LineReport, type PhoneStatus, status, webServer } from './status.ts'
export { statusReport } from './status-report.ts'
export { nextWake } from './timers.ts'
export type * from './types.ts'
