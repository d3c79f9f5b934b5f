/** The socket of the syslog door. Source: MPP §12.1; RFC 3164 §2 (UDP). */
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { plainAddress } from '../devices/mod.ts'
import type { Job, Services } from '../services.ts'
import { createReceiver, type SyslogCounts } from './receive.ts'

export type { SyslogCounts } from './receive.ts'

/** Datagrams that the kernel keeps while we are busy. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024
const TELL_DROPPED_EVERY_MS = 60_000

export interface SyslogDoor extends Job {
  readonly port: number
  counts(): SyslogCounts
}

/** Rejects with the system's error when the port cannot be had. */
export async function listenSyslog(platform: Services): Promise<SyslogDoor> {
  const { settings, log } = platform
  const receiver = createReceiver(platform)
  const socket = createSocket({ type: isIPv6(settings.host) ? 'udp6' : 'udp4' })
  await bind(socket, settings.syslogPort, settings.host)
  widen(socket)
  socket.on('error', (error) => log.error({ err: error }, 'the syslog door failed'))
  socket.on('message', (bytes, peer) => receiver.take(bytes, plainAddress(peer.address)))
  const timer = setInterval(
    tellDropped(platform, () => receiver.counts()),
    TELL_DROPPED_EVERY_MS,
  )
  timer.unref()
  return {
    port: socket.address().port,
    counts: () => receiver.counts(),
    async close() {
      clearInterval(timer)
      await new Promise<void>((closed) => socket.close(() => closed()))
      await receiver.settled()
    },
  }
}

function bind(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((listening, failed) => {
    socket.once('error', failed)
    socket.bind({ port, address, exclusive: true }, () => {
      socket.removeListener('error', failed)
      listening()
    })
  })
}

/** Some systems give less than was asked for, and that is fine. */
function widen(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES)
  } catch {
    // A smaller buffer loses datagrams earlier, as UDP may.
  }
}

function tellDropped({ log }: Services, counts: () => SyslogCounts): () => void {
  let before = 0
  return () => {
    const all = counts()
    if (all.dropped > before) log.warn({ ...all }, 'syslog messages were dropped: more came than is kept')
    before = all.dropped
  }
}
