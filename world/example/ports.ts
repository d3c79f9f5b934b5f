/** Ports of the example: a taken one is no reason not to start. */
import { createServer } from 'node:net'

/** @returns the port if a program may listen there now, else one that the system chooses */
export async function freeTcpPort(host: string, wanted: number): Promise<number> {
  return (await tryPort(host, wanted)) ?? (await tryPort(host, 0)) ?? 0
}

function tryPort(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    // Taken, or not for us: both mean "look further".
    server.once('error', () => resolve(undefined))
    server.listen(port, host, () => {
      const address = server.address()
      const listened = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => resolve(listened))
    })
  })
}
