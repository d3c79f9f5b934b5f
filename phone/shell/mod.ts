/**
 * The virtual phone on real sockets: HTTP, HTTPS, TFTP, DNS, SIP, syslog, a web server of its own, and its memory on disk.
 */
export { type DhcpLink, type DhcpLinkOptions, openDhcpLink } from './dhcp/mod.ts'
export { type Due, popDue, pushDue } from './due-heap.ts'
export { type Connections, DEFAULT_HTTP_TIMES, type HttpTimes } from './http-client.ts'
export { type Phone, type PhoneShellOptions, startPhone, startPhoneIn, type Surroundings } from './phone.ts'
export { PhoneProblem } from './problem.ts'
export { createSchedule, type Alarm, type Schedule } from './schedule.ts'
export { removeState } from './state-file.ts'
export { createSyslogSender, type SyslogSender } from './syslog.ts'
export { createTransport, type ExchangeHow, type Transport, type TransportOptions } from './transport.ts'
export type { ShellTls } from './trust.ts'
export { tftpRead, tftpWrite } from './tftp-client.ts'
export {
  type BoxCertificate,
  keepBoxCertificate,
  keepLabel,
  type Label,
  readBoxCertificate,
  readLabel,
} from './box.ts'
