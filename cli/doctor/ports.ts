import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type Check, type Finding, ok, problem } from './finding.ts'

const CHECK = 'ports'

interface Port {
  readonly name: string
  readonly setting: string
  readonly kind: 'tcp' | 'udp'
  readonly host: string
  readonly port: number
}

/** Every port: free while the server is stopped, taken by it while it runs. Whether it answers is another check. */
export const checkPorts: Check = async ({ settings, running }) => {
  const { host } = settings
  const ports: readonly Port[] = [
    { name: 'API', setting: 'API', kind: 'tcp', host: settings.apiHost, port: settings.apiPort },
    { name: 'HTTP', setting: 'HTTP', kind: 'tcp', host, port: settings.httpPort },
    { name: 'HTTPS', setting: 'HTTPS', kind: 'tcp', host, port: settings.httpsPort },
    { name: 'TFTP', setting: 'TFTP', kind: 'udp', host, port: settings.tftpPort },
    { name: 'syslog', setting: 'SYSLOG', kind: 'udp', host, port: settings.syslogPort },
    { name: 'SIP', setting: 'SIP', kind: 'udp', host, port: settings.sipPort },
  ]
  return Promise.all(ports.map((port) => findingOf(port, running)))
}

async function findingOf(port: Port, running: boolean): Promise<Finding> {
  const value = `${port.kind} ${port.port}`
  const setting = `OFFHOOK_${port.setting}_PORT`
  if (port.port === 0) return ok(CHECK, `${port.name}: the system chooses a port at each start`, setting)
  const code = await tryPort(port)
  if (code === 'EADDRINUSE') {
    if (running) return ok(CHECK, `${port.name}: in use, and our server runs`, value)
    const advice = `Stop the program that uses it (ss -lp shows it), or choose another port by ${setting}.`
    return problem(CHECK, `${port.name}: another program uses the port`, value, advice)
  }
  if (code === 'EADDRNOTAVAIL') {
    return problem(
      CHECK,
      `${port.name}: "${port.host}" is no address of this machine`,
      value,
      'Correct OFFHOOK_HOST or OFFHOOK_API_HOST.',
    )
  }
  if (running) {
    const advice = 'Restart the server with these settings, or call doctor with those that it runs with.'
    return problem(CHECK, `${port.name}: the server runs, but does not use this port`, value, advice)
  }
  if (code === undefined) return ok(CHECK, `${port.name}: free`, value)
  const advice = `Allow it (setcap cap_net_bind_service, or start as root), or choose a port from 1024 by ${setting}.`
  return problem(CHECK, `${port.name}: this user may not listen there (${code})`, value, advice)
}

/** @returns undefined when it could be opened; it is closed again */
async function tryPort({ kind, host, port }: Port): Promise<string | undefined> {
  try {
    if (kind === 'tcp') {
      const server = createServer().listen({ port, host, exclusive: true })
      await once(server, 'listening')
      await new Promise((closed) => server.close(closed))
      return undefined
    }
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.bind({ port, address: host, exclusive: true })
    await once(socket, 'listening')
    await new Promise<void>((closed) => socket.close(closed))
    return undefined
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  }
}
