/** Test support: a proxy and the phones behind it on a real UDP socket, which answers as it is told. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import {
  buildResponse,
  decodeSip,
  encodeSip,
  header,
  type SipHeader,
  type SipRequest,
} from '../../../protocol/sip/mod.ts'

export interface TestProxy {
  readonly host: string
  readonly port: number
  /** Everything that came, repetitions too. */
  readonly requests: SipRequest[]
  /** When each came, by the clock of `performance.now`. */
  readonly times: number[]
  /** What to answer; undefined: nothing. */
  answer: (request: SipRequest) => { readonly status: number; readonly headers?: readonly SipHeader[] } | undefined
  close(): Promise<void>
}

export async function openTestProxy(): Promise<TestProxy> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const proxy: TestProxy = {
    host: '127.0.0.1',
    port: socket.address().port,
    requests: [],
    times: [],
    answer: () => ({ status: 200 }),
    close: () => new Promise((closed) => socket.close(() => closed())),
  }
  socket.on('message', (bytes: Uint8Array, { address, port }) => {
    const decoded = decodeSip(bytes)
    if (!decoded.ok || decoded.value.kind !== 'request') return
    proxy.requests.push(decoded.value)
    proxy.times.push(performance.now())
    const answer = proxy.answer(decoded.value)
    if (answer === undefined) return
    const { status, headers = [] } = answer
    const response = buildResponse(decoded.value, {
      status,
      reason: 'Because',
      headers,
      toTag: 't',
      source: { address, port },
    })
    socket.send(encodeSip(response), port, address)
  })
  return proxy
}

/** Users whose lines were asked, in the order of the first request of each call. */
export function usersAsked(proxy: TestProxy): readonly string[] {
  const calls = new Map(proxy.requests.map((request) => [header(request, 'Call-ID') ?? '', request.uri]))
  return [...calls.values()].map((uri) => /^sip:([^@]*)@/.exec(uri)?.[1] ?? uri)
}
