/** What phones say over UDP: the frame, the six messages of provisioning, and what must never be kept of a text. */
export { type PhoneMessage, type PhoneMessageKind, readPhoneMessage } from './phone-message.ts'
export { parseSyslog, type SyslogMessage, SYSLOG_BYTES_MAX } from './parse.ts'
export { redactSyslog } from './redact.ts'
