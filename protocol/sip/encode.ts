/** SIP messages to bytes. Strict: what would not be read back as it was meant is an error of ours. */
import { concatBytes, utf8Bytes } from '../bytes.ts'
import { assert } from '../result.ts'
import { isToken, oneLine } from './head.ts'
import { headerName, type SipMessage } from './message.ts'

/**
 * Writes a message. `Content-Length` is worked out and put last, whatever the headers said. Whatever `decodeSip`
 * gave can be written.
 * @throws where a method or header name is no token, a line would hold a control character, or the status is not
 *   100 to 699
 * Source: RFC 3261 §7.
 */
export function encodeSip(message: SipMessage): Uint8Array {
  const lines = [printStartLine(message)]
  for (const [name, value] of message.headers) {
    assert(isToken(name), 'a header name is a token')
    if (headerName(name) !== 'content-length') lines.push(`${name}: ${value}`)
  }
  lines.push(`Content-Length: ${message.body.length}`)
  for (const line of lines) assert(line === oneLine(line), 'a line of a SIP message has no control characters')
  return concatBytes([utf8Bytes(`${lines.join('\r\n')}\r\n\r\n`), message.body])
}

function printStartLine(message: SipMessage): string {
  if (message.kind === 'response') {
    const { status, reason } = message
    assert(Number.isInteger(status) && status >= 100 && status <= 699, 'a status is 100 to 699')
    return `SIP/2.0 ${status} ${reason}`
  }
  assert(isToken(message.method), 'a method is a token')
  assert(/^[^ \t]+$/.test(message.uri), 'a request URI has no blanks and is not empty')
  return `${message.method} ${message.uri} SIP/2.0`
}
