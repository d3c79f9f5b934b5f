/** One bounded question each over TLS, UDP and TCP. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect as connectTcp, isIP } from 'node:net'
import { connect as connectTls, type PeerCertificate } from 'node:tls'
import { NETWORK_MS } from './finding.ts'

/** The chain that a TLS server shows, PEM, its own certificate first. Trusts nobody: it only looks. Throws on silence. */
export async function shownChain(host: string, port: number, servername = host): Promise<string> {
  const socket = connectTls({
    host,
    port,
    rejectUnauthorized: false,
    ...(isIP(servername) === 0 ? { servername } : {}),
  })
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(NETWORK_MS) })
    return pemOf(socket.getPeerCertificate(true))
  } finally {
    socket.destroy()
  }
}

/** Certificates of one chain. */
const CHAIN_MAX = 10

function pemOf(leaf: PeerCertificate & { readonly issuerCertificate?: PeerCertificate }): string {
  const pems: string[] = []
  let at: (PeerCertificate & { readonly issuerCertificate?: PeerCertificate }) | undefined = leaf
  while (at?.raw !== undefined && pems.length < CHAIN_MAX) {
    const body = at.raw.toString('base64').replaceAll(/(.{64})/g, '$1\n')
    const pem = `-----BEGIN CERTIFICATE-----\n${body.trimEnd()}\n-----END CERTIFICATE-----\n`
    // A self-signed one is its own issuer.
    if (pems.includes(pem)) break
    pems.push(pem)
    at = at.issuerCertificate
  }
  return pems.join('')
}

/** @returns the first datagram that comes back, undefined when none does in time */
export async function askUdp(host: string, port: number, bytes: Uint8Array): Promise<Buffer | undefined> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  try {
    await new Promise<void>((sent, failed) => {
      socket.once('error', failed)
      socket.send(bytes, port, host, (error) => (error === null ? sent() : failed(error)))
    })
    const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(NETWORK_MS) })) as [Buffer]
    return answer
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return undefined
    throw error
  } finally {
    socket.close()
  }
}

/** Resolves when a TCP connection stands; throws when it cannot. */
export async function reachTcp(host: string, port: number): Promise<void> {
  const socket = connectTcp({ host, port })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(NETWORK_MS) })
  } finally {
    socket.destroy()
  }
}
