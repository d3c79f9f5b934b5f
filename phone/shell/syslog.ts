/** Sends the phone's log lines. Source: MPP §12.1; RFC 3164 §2 (UDP port 514). */
import { createSocket, type Socket } from 'node:dgram'
import { utf8Bytes } from '../../protocol/bytes.ts'
import { addressesOf, localAddressFor, type Source } from './source.ts'

const SYSLOG_PORT = 514
/** Lines on their way at once; more are lost, as UDP loses them anyway. */
const PENDING_MAX = 256

export interface SyslogSender {
  /** @param server  `host` or `host:port`, `[v6]:port`. What cannot be sent is lost. */
  send(server: string, text: string): void
  close(): void
}

/**
 * Sockets are opened with the first line and never keep a process alive.
 * @param from  where the phone is in the network; absent: wherever the system puts it
 */
export function createSyslogSender(from?: Source): SyslogSender {
  const sockets = new Map<4 | 6, Socket>()
  let pendingCount = 0

  async function deliver(host: string, port: number, text: string): Promise<void> {
    const [found] = await addressesOf(host, from)
    if (found === undefined) return
    const { address, family } = found
    const socket = socketFor(family === 6 ? 6 : 4, localAddressFor(from, address))
    await new Promise<void>((resolve) => socket.send(utf8Bytes(text), port, address, () => resolve()))
  }
  function socketFor(family: 4 | 6, own: string | undefined): Socket {
    const before = sockets.get(family)
    if (before !== undefined) return before
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
    socket.on('error', () => close())
    if (own !== undefined) socket.bind({ port: 0, address: own })
    socket.unref()
    sockets.set(family, socket)
    return socket
  }
  function close(): void {
    for (const socket of sockets.values()) socket.close()
    sockets.clear()
  }
  return {
    send(server, text) {
      const target = parseServer(server)
      if (target === undefined || pendingCount >= PENDING_MAX) return
      pendingCount += 1
      // Nobody is there to be told of a failure: a log about the log would go the same way.
      const done = (): void => {
        pendingCount -= 1
      }
      deliver(target.host, target.port, text).then(done, done)
    },
    close,
  }
}

function parseServer(text: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?$/i.exec(text.trim())
  const host = match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined ? SYSLOG_PORT : Number(match[3])
  return host === undefined || port === 0 || port > 65_535 ? undefined : { host, port }
}
