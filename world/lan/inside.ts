/**
 * Runs beside the server in its network namespace, where tests cannot look: the provider's registrar on UDP port 5060, and
 * one socket in the file system that leads to the API on loopback.
 *
 *     tsx world/lan/inside.ts <socket> <address> <API port>
 *
 *     PUT /registrar/<user>   body: the password     GET /registrar   who is registered     anything else goes to the API
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { startRegistrar } from '../registrar/mod.ts'

const SIP_PORT = 5060
const [socketPath = '', address = '', apiPort = ''] = process.argv.slice(2)
const registrar = await startRegistrar({ host: address, port: SIP_PORT })
const server = createServer((incoming, outgoing) => {
  serve(incoming, outgoing).catch((error: unknown) => outgoing.writeHead(502).end(String(error)))
})
server.listen(socketPath)
await once(server, 'listening')
console.log('inside: ready')

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const [, user] = /^\/registrar\/([^/]+)$/.exec(incoming.url ?? '') ?? []
  if (user !== undefined) {
    registrar.setPassword(decodeURIComponent(user), await text(incoming))
    outgoing.writeHead(204).end()
  } else if (incoming.url === '/registrar') {
    outgoing.end(JSON.stringify(registrar.registered()))
  } else {
    await passOn(incoming, outgoing)
  }
}

async function passOn(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method, url, headers } = incoming
  const onward = request({ host: '127.0.0.1', port: Number(apiPort), method, path: url, headers })
  incoming.pipe(onward)
  const [answer] = (await once(onward, 'response')) as [IncomingMessage]
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
  answer.pipe(outgoing)
}
