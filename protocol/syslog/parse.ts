/**
 * The frame of a log datagram, read tolerantly: what phones send is not documented beyond "BSD syslog".
 *
 *     <PRI>Mon DD HH:MM:SS [identifier] text                       RFC 3164 §4.1, MPP §12.1
 *     <PRI>1 TIMESTAMP HOST APP PROCID MSGID STRUCTURED-DATA text   RFC 5424 §6
 *
 * Anything else counts as text of its own.
 */

/** Bytes of a datagram that are looked at; RFC 5424 §6.1 asks receivers to take 2048. */
export const SYSLOG_BYTES_MAX = 2048

/** RFC 3164 §4.3.3: without a priority it is 13, user and notice. */
const FACILITY_OTHERWISE = 1
const SEVERITY_OTHERWISE = 5

export interface SyslogMessage {
  /** 0 to 23. */
  readonly facility: number
  /** 0 (emergency) to 7 (debug). */
  readonly severity: number
  /** Without frame and time, on one line; an identifier in front of it is still there. */
  readonly text: string
}

/** @returns the message; of bytes that are no syslog at all, their printable text. Never throws; time is linear. */
export function parseSyslog(bytes: Uint8Array): SyslogMessage {
  const line = printable(new TextDecoder().decode(bytes.subarray(0, SYSLOG_BYTES_MAX)))
  const priority = /^<([0-9]{1,3})>/.exec(line)
  const value = priority === null ? undefined : Number(priority[1])
  const known = value !== undefined && value <= 191
  const rest = priority !== null && known ? line.slice(priority[0].length) : line
  return {
    facility: known ? value >> 3 : FACILITY_OTHERWISE,
    severity: known ? value & 7 : SEVERITY_OTHERWISE,
    text: (newText(rest) ?? oldText(rest)).trim(),
  }
}

function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim()
}

/** RFC 5424: version, five words, structured data. @returns undefined for another frame */
function newText(line: string): string | undefined {
  const head = /^1 (?:-|[0-9]{4}-[0-9]{2}-[0-9]{2}T\S{1,32}) (\S{1,255}) (\S{1,48}) \S{1,128} \S{1,32} /.exec(line)
  if (head === null) return undefined
  const text = withoutStructuredData(line.slice(head[0].length))
  // The name of the sender may be what tells the phone.
  const names = [head[1], head[2]].filter((name) => name !== undefined && name !== '-')
  return [...names, text.replace(/^\uFEFF/, '')].join(' ')
}

function withoutStructuredData(text: string): string {
  if (text.startsWith('-')) return text.slice(1).trimStart()
  let at = 0
  while (text[at] === '[') {
    const end = endOfElement(text, at)
    if (end === undefined) return text
    at = end
  }
  return text.slice(at).trimStart()
}

/** Quotes may hold brackets; a backslash takes the meaning from what follows it (RFC 5424 §6.3.3). */
function endOfElement(text: string, start: number): number | undefined {
  let quoted = false
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text[at]
    if (char === '\\') at += 1
    else if (char === '"') quoted = !quoted
    else if (char === ']' && !quoted) return at + 1
  }
  return undefined
}

/** RFC 3164: the time, which is the phone's own and not believed, goes. */
function oldText(line: string): string {
  return line.replace(/^[A-Z][a-z]{2} [ 0-9][0-9](?: [0-9]{4})? [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?:? ?/, '')
}
