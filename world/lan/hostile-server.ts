/**
 * A DHCP server that answers every DISCOVER before anybody else, with what no phone should take. Runs in a namespace of its
 * own: `tsx world/lan/hostile-server.ts`.
 */
import { createSocket } from 'node:dgram'
import { decodeDhcpMessage, type DhcpMessage, encodeDhcpMessage } from '../../protocol/dhcp/mod.ts'

const socket = createSocket({ type: 'udp4', reuseAddr: true })

socket.on('message', (bytes) => {
  const asked = decodeDhcpMessage(bytes)
  if (!asked.ok || asked.value.op !== 'request') return
  for (const answer of answersTo(asked.value)) socket.send(answer, 68, '255.255.255.255')
})
socket.bind(67, () => {
  socket.setBroadcast(true)
  console.log('hostile: ready')
})

function answersTo(asked: DhcpMessage): readonly Uint8Array[] {
  const addresses = ['255.255.255.255', '0.0.0.0', '127.0.0.1', '224.0.0.1', '192.168.77.0', '192.168.77.255']
  const offers = addresses.map((yiaddr) => offer(asked, yiaddr))
  const whole = offer(asked, '192.168.77.66')
  const noise = Uint8Array.from({ length: 576 }, (_, index) => (index * 131) & 255)
  const overlong = Uint8Array.from([...whole.subarray(0, 240), 53, 1, 2, 66, 250, ...new Uint8Array(20)])
  return [...offers, whole.subarray(0, 200), whole.subarray(0, 243), noise, overlong, new Uint8Array(0)]
}

function offer(asked: DhcpMessage, yiaddr: string): Uint8Array {
  const options = new Map([
    [54, Uint8Array.of(192, 168, 77, 9)],
    [51, Uint8Array.of(0, 0, 14, 16)],
    [1, Uint8Array.of(255, 255, 255, 0)],
    [66, new TextEncoder().encode('192.168.77.9')],
  ])
  const type = asked.type === 'request' ? 'ack' : 'offer'
  const encoded = encodeDhcpMessage({ ...asked, op: 'reply', type, yiaddr, options })
  if (!encoded.ok) throw new Error(encoded.error.message)
  return encoded.value
}
